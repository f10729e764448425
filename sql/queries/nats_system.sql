-- name: system_by_ref
SELECT *, jsonb_build_object('enabled', jetstream_enabled, 'domain', jetstream_domain,
                             'tiers', jetstream_tiers) AS jetstream
  FROM system_item
 WHERE $1 IN (id, name, system_account_key)
   AND state <> 'released';

-- name: system_list
SELECT *, jsonb_build_object('enabled', jetstream_enabled, 'domain', jetstream_domain,
                             'tiers', jetstream_tiers) AS jetstream
  FROM system_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND (state <> 'released' OR $3 = 'released')
 ORDER BY id
 LIMIT $2;

-- name: system_only
-- The one system there is; no row when there are several.
SELECT max(system_id)
  FROM system
 WHERE state <> 'released'
HAVING count(*) = 1;

-- name: system_only_operator
SELECT max(operator_id)
  FROM operator
HAVING count(*) = 1;

-- name: system_of_operator
SELECT system_id
  FROM system
 WHERE operator_id = $1
   AND state <> 'released'
 ORDER BY system_id;

-- name: system_insert
INSERT INTO system (system_id, name, display_name, description, labels, created_by, operator_id,
                    urls, public_urls, resolver_kind, node_kind, jetstream_enabled,
                    jetstream_domain, jetstream_tiers, capacity, accounts_expected,
                    sync_interval_s)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: system_update
UPDATE system
   SET name = $3, display_name = $4, description = $5, labels = $6, urls = $7, public_urls = $8,
       resolver_kind = $9, node_kind = $10, jetstream_enabled = $11, jetstream_domain = $12,
       jetstream_tiers = $13, capacity = $14, accounts_expected = $15, sync_interval_s = $16,
       updated_at = clock_timestamp(), version = version + 1
 WHERE system_id = $1
   AND version = $2
   AND state <> 'released';

-- name: system_delete
-- Refused by the caller while accounts other than its own live there.
UPDATE system
   SET state = 'released', name = name || '-' || lower(right(system_id, 8)),
       updated_at = clock_timestamp(), version = version + 1
 WHERE system_id = $1
   AND NOT EXISTS (SELECT
                     FROM account a
                    WHERE a.system_id = $1 AND NOT a.is_system
                      AND a.state NOT IN ('tombstoned', 'deleted'));

-- name: system_want_reconcile
UPDATE system
   SET reconcile_wanted = true
 WHERE system_id = $1;

-- name: system_reconciled
UPDATE system
   SET last_reconcile_at = clock_timestamp(),
       last_compare_at = CASE WHEN $2::boolean THEN clock_timestamp() ELSE last_compare_at END,
       reconcile_wanted = reconcile_wanted AND NOT $2::boolean
 WHERE system_id = $1;

-- name: system_refresh_state
WITH n AS (
    SELECT count(*) AS total, count(*) FILTER (WHERE state = 'ready') AS ready
      FROM node
     WHERE system_id = $1 AND state <> 'retired'
)
UPDATE system s
   SET state = CASE WHEN n.total = 0 THEN 'enrolling'
                    WHEN n.ready = n.total THEN 'ready'
                    WHEN n.ready > 0 THEN 'degraded'
                    ELSE 'unreachable' END
  FROM n
 WHERE s.system_id = $1
   AND s.state <> 'released'
   AND s.state IS DISTINCT FROM CASE WHEN n.total = 0 THEN 'enrolling'
                                     WHEN n.ready = n.total THEN 'ready'
                                     WHEN n.ready > 0 THEN 'degraded'
                                     ELSE 'unreachable' END;

-- name: system_account
SELECT account_id, public_key, secret_id
  FROM account
 WHERE system_id = $1
   AND is_system;

-- name: system_config_facts
SELECT o.jwt AS operator_jwt, a.public_key AS account_key, j.jwt AS account_jwt
  FROM system s
  JOIN operator o ON o.operator_id = s.operator_id
  JOIN account a ON a.system_id = s.system_id AND a.is_system
  JOIN account_jwt j ON j.account_id = a.account_id AND j.active
 WHERE s.system_id = $1;

-- name: system_desired
SELECT a.account_id, a.public_key, a.jti, j.jwt, a.state, a.revision, a.iat, a.is_system,
       a.state IN ('purging', 'tombstoned', 'deleted') AS tombstone,
       EXISTS (SELECT FROM outbox o WHERE o.account_id = a.account_id) AS pending
  FROM account a
  JOIN account_jwt j ON j.account_id = a.account_id AND j.active
 WHERE a.system_id = $1
   AND a.account_id > $2
   AND a.revision > 0
   AND (a.state <> 'deleted'
        OR EXISTS (SELECT
                     FROM tombstone t
                    WHERE t.public_key = a.public_key AND t.keep_until > now()))
 ORDER BY a.account_id
 LIMIT $3;

-- name: system_known_keys
-- Those of the keys that are accounts of ours, in whatever state.
SELECT public_key AS text
  FROM account
 WHERE public_key = ANY ($1::text[]);

-- name: system_sync_totals
SELECT sync ->> 'state' AS state, count(*) AS accounts
  FROM account_item
 WHERE system_id = $1
   AND NOT is_system
   AND state <> 'deleted'
 GROUP BY 1
 ORDER BY 1;

-- name: system_sync_behind
-- The first of those whose newest revision some node lacks.
SELECT id, name, team_id, sync ->> 'state' AS state, sync_blocked, foreign_jti
  FROM account_item
 WHERE system_id = $1
   AND NOT is_system
   AND state <> 'deleted'
   AND sync ->> 'state' NOT IN ('applied', 'stored')
 ORDER BY id
 LIMIT 100;
