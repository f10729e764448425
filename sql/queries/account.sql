-- name: account_by_ref
SELECT *
  FROM account_item
 WHERE $1 IN (id, public_key);

-- name: account_by_name
SELECT *
  FROM account_item
 WHERE team_id = $1
   AND name = $2
   AND state NOT IN ('tombstoned', 'deleted');

-- name: account_list
SELECT *
  FROM account_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND (state <> 'deleted' OR $3 = 'deleted')
   AND ($9::text IS NULL OR team_id = $9)
   AND ($10::text IS NULL OR system_id = $10)
   AND ($11::text IS NULL OR plan_id = $11)
   AND ($12::text[] IS NULL OR id = ANY ($12))
   AND NOT is_system
 ORDER BY id
 LIMIT $2;

-- name: account_label_list
-- As account_list, within a team: the label that the fewest have leads to the accounts.
SELECT i.*
  FROM account_label l
  JOIN account_item i ON i.id = l.account_id
 WHERE l.account_id > $1
   AND l.team_id = $9
   AND (l.key, l.value) =
       (SELECT e.key, account_label_value(e.value)
          FROM jsonb_each_text($5) e
         ORDER BY (SELECT count(*)
                     FROM (SELECT
                             FROM account_label c
                            WHERE c.team_id = $9
                              AND c.key = e.key
                              AND c.value = account_label_value(e.value)
                            LIMIT 1000) few)
         LIMIT 1)
   AND list_matches(i.name, i.state, i.labels, i.created_at, i.updated_at, $3, $4, $5, $6, $7, $8)
   AND (i.state <> 'deleted' OR $3 = 'deleted')
   AND ($10::text IS NULL OR i.system_id = $10)
   AND ($11::text IS NULL OR i.plan_id = $11)
   AND ($12::text[] IS NULL OR l.account_id = ANY ($12))
   AND NOT i.is_system
 ORDER BY l.account_id
 LIMIT $2;

-- name: account_lock
SELECT account_id
  FROM account
 WHERE account_id = $1
   FOR UPDATE;

-- name: account_count
SELECT coalesce(sum(accounts), 0)::bigint
  FROM account_total
 WHERE team_id = $1;

-- name: account_insert
INSERT INTO account (account_id, name, display_name, description, labels, created_by, team_id,
                     system_id, is_system, public_key, secret_id, plan_id, plan_version,
                     protection, tags, info_url, default_permissions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: account_update
UPDATE account
   SET name = $2, display_name = $3, description = $4, labels = $5, plan_id = $6,
       plan_version = $7, protection = $8, tags = $9, info_url = $10, default_permissions = $11,
       updated_at = clock_timestamp(), version = version + 1
 WHERE account_id = $1;

-- name: account_set_conditions
UPDATE account
   SET conditions = $2
 WHERE account_id = $1;

-- name: account_set_state
UPDATE account
   SET state = $2, state_reason = $3, suspended_by = $4, updated_at = clock_timestamp(),
       version = version + 1
 WHERE account_id = $1;

-- name: account_set_overrides
UPDATE account
   SET override_set_id = $2, updated_at = clock_timestamp(), version = version + 1
 WHERE account_id = $1;

-- name: account_touch
UPDATE account
   SET updated_at = clock_timestamp(), version = version + 1
 WHERE account_id = $1;

-- name: account_jwt
SELECT jwt
  FROM account_jwt
 WHERE account_id = $1
   AND active;

-- name: account_issued
-- Every token that was ever issued is kept.
SELECT count(*)
  FROM account_jwt
 WHERE account_id = $1
   AND jwt = $2;

-- name: account_claims
SELECT claims
  FROM account_revision
 WHERE account_id = $1
   AND revision = $2;

-- name: account_claims_facts
-- What claims are made from, besides the account's own row.
SELECT s.jetstream_enabled, s.jetstream_tiers, s.operator_id
  FROM system s
 WHERE s.system_id = $1;

-- name: account_claims_keys
SELECT k.public_key, r.name AS role, r.description, r.role_id, r.permissions, r.subs, r.payload,
       r.bearer, r.connection_types, r.src, r.times, r.times_location
  FROM signing_key k
  LEFT JOIN scoped_role r ON r.role_id = k.role_id
 WHERE k.account_id = $1
   AND k.state IN ('active', 'retiring')
 ORDER BY k.public_key;

-- name: account_claims_revocations
SELECT user_key, revoked_before
  FROM revocation
 WHERE account_id = $1
 ORDER BY user_key;

-- name: account_revision_insert
INSERT INTO account_revision (account_id, revision, team_id, jti, iat, claims_hash, claims, reason,
                              created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: account_jwt_retire
UPDATE account_jwt
   SET active = false
 WHERE account_id = $1
   AND active;

-- name: account_jwt_insert
INSERT INTO account_jwt (account_id, revision, team_id, jwt)
VALUES ($1, $2, $3, $4);

-- name: account_set_revision
UPDATE account
   SET revision = $2, jti = $3, iat = $4, claims_hash = $5, jwt_size = $6
 WHERE account_id = $1;

-- name: account_resign_list
SELECT account_id
  FROM account
 WHERE system_id = $1
   AND account_id > $2
   AND NOT is_system
   AND revision > 0
   AND state <> 'deleted'
 ORDER BY account_id
 LIMIT $3;

-- name: account_tombstone_insert
INSERT INTO tombstone (public_key, account_id, team_id, system_id, jti, iat, jwt)
SELECT a.public_key, a.account_id, a.team_id, a.system_id, a.jti, a.iat, j.jwt
  FROM account a
  JOIN account_jwt j ON j.account_id = a.account_id AND j.active
 WHERE a.account_id = $1
ON CONFLICT (public_key) DO UPDATE
   SET jti = excluded.jti, iat = excluded.iat, jwt = excluded.jwt;

-- name: account_tombstone_removed
UPDATE tombstone
   SET removed = true
 WHERE account_id = $1;

-- name: account_end_users
-- A deleted account's users, keys and roles end with it; $3: so does what is known of its nodes.
WITH users AS (
    UPDATE nats_user
       SET state = 'deleted', updated_at = clock_timestamp(), version = version + 1
     WHERE account_id = $1 AND state <> 'deleted'
), roles AS (
    UPDATE scoped_role
       SET state = 'deleted', updated_at = clock_timestamp(), version = version + 1
     WHERE account_id = $1 AND state <> 'deleted'
), creds AS (
    UPDATE credential
       SET state = 'orphaned', updated_at = clock_timestamp(), version = version + 1
     WHERE account_id = $1 AND state IN ('active', 'superseded')
), sync AS (
    DELETE FROM node_account_sync
     WHERE account_id = $1 AND $3
)
UPDATE signing_key
   SET state = 'retired', updated_at = clock_timestamp(), version = version + 1
 WHERE account_id = $1
   AND state = ANY ($2);

-- name: account_used
-- What is in use now, for the limits' view.  On a retired node nobody is, though its epochs are open.
SELECT g.*,
       (SELECT count(*)
          FROM nats_user u
         WHERE u.account_id = $1 AND u.state <> 'deleted') AS users,
       (SELECT count(*)
          FROM credential c
         WHERE c.account_id = $1 AND c.state = 'active'
           AND (c.expires_at IS NULL OR c.expires_at > now())) AS credentials,
       (SELECT coalesce(sum(b.accounts), 0)::bigint
          FROM account_total b
         WHERE b.team_id = $2) AS accounts,
       (SELECT count(*)
          FROM api_token t
         WHERE t.team_id = $2 AND t.state = 'active' AND t.expires_at > now()) AS tokens,
       (SELECT coalesce(sum(h.bytes_in + h.bytes_out), 0)::bigint
          FROM usage_hour h
         WHERE h.account_id = $1
           AND h.hour >= date_trunc('month', now(), 'UTC')) AS monthly_bytes
  FROM (SELECT coalesce(sum(e.connections), 0)::bigint AS connections,
               coalesce(sum(e.leaf_connections), 0)::bigint AS leaf_connections,
               coalesce(sum(e.subscriptions), 0)::bigint AS subscriptions
          FROM usage_epoch e
          JOIN node n ON n.node_id = e.node_id AND n.state <> 'retired'
         WHERE e.account_id = $1 AND e.closed_at IS NULL) g;
