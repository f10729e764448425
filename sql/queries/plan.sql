-- name: limit_set_insert
INSERT INTO limit_set (limit_set_id, team_id, connections, leaf_connections,
                       subscriptions_per_connection, max_payload, data, imports, exports,
                       wildcard_exports, disallow_bearer, js_memory, js_disk, js_streams,
                       js_consumers_per_stream, js_max_ack_pending, js_memory_max_stream_bytes,
                       js_disk_max_stream_bytes, js_max_bytes_required, subscriptions_total,
                       msgs_per_second, bytes_per_second, monthly_bytes_soft, monthly_bytes_hard,
                       credential_ttl_max_s, accounts, users, credentials, tokens)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23, $24, $25, $26, $27, $28, $29);

-- name: limit_tier_insert
INSERT INTO limit_tier (limit_set_id, tier, js_memory, js_disk, js_streams,
                        js_consumers_per_stream, js_max_ack_pending, js_memory_max_stream_bytes,
                        js_disk_max_stream_bytes, js_max_bytes_required)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: limit_set_delete
DELETE FROM limit_set
 WHERE limit_set_id = $1;

-- name: plan_by_ref
SELECT *
  FROM plan_item
 WHERE $1 IN (id, name)
   AND (plan_version = $2 OR ($2 = 0 AND is_current))
   AND state <> 'retired';

-- name: plan_terms_by_ref
SELECT *
  FROM plan_terms
 WHERE $1 IN (id, name)
   AND is_current
   AND state <> 'retired';

-- name: plan_version_any
-- Of an account that has it, retired or not.
SELECT *
  FROM plan_terms
 WHERE id = $1
   AND plan_version = $2;

-- name: plan_default
SELECT *
  FROM plan_terms
 WHERE is_default
   AND is_current
   AND state <> 'retired';

-- name: plan_list
SELECT *
  FROM plan_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND is_current
   AND (state <> 'retired' OR $3 = 'retired')
 ORDER BY id
 LIMIT $2;

-- name: plan_insert
INSERT INTO plan (plan_id, name, display_name, description, labels, created_by, is_default)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: plan_version_insert
INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id, allowed_overrides,
                          created_by)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: plan_clear_default
UPDATE plan
   SET is_default = false, updated_at = clock_timestamp(), version = version + 1
 WHERE is_default
   AND plan_id <> $1;

-- name: plan_update
UPDATE plan
   SET name = $3, display_name = $4, description = $5, labels = $6, is_default = $7,
       plan_version = $8, updated_at = clock_timestamp(), version = version + 1
 WHERE plan_id = $1
   AND version = $2
   AND state <> 'retired';

-- name: plan_delete
UPDATE plan p
   SET state = 'retired', is_default = false, updated_at = clock_timestamp(),
       version = version + 1
 WHERE plan_id = $1
   AND NOT EXISTS (SELECT
                     FROM account a
                    WHERE a.plan_id = $1 AND a.state NOT IN ('tombstoned', 'deleted'))
   AND NOT EXISTS (SELECT FROM team t WHERE t.plan_id = $1 AND t.state <> 'deleted');
