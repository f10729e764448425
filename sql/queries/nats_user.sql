-- name: user_by_ref
SELECT u.*, (SELECT r.name FROM scoped_role r WHERE r.role_id = u.role_id) AS role_name
  FROM user_item u
 WHERE account_id = $1
   AND $2 IN (id, public_key)
   AND state <> 'deleted';

-- name: user_by_name
SELECT u.*, (SELECT r.name FROM scoped_role r WHERE r.role_id = u.role_id) AS role_name
  FROM user_item u
 WHERE account_id = $1
   AND name = $2
   AND state <> 'deleted';

-- name: user_list
SELECT u.*, (SELECT r.name FROM scoped_role r WHERE r.role_id = u.role_id) AS role_name
  FROM user_item u
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND account_id = $9
   AND ($10::text IS NULL OR role_id = $10)
   AND (state <> 'deleted' OR $3 = 'deleted')
 ORDER BY id
 LIMIT $2;

-- name: user_count
SELECT count(*)
  FROM nats_user
 WHERE account_id = $1
   AND state <> 'deleted';

-- name: user_insert
INSERT INTO nats_user (user_id, name, display_name, description, labels, created_by, team_id,
                       account_id, state, public_key, role_id, permissions, subs, payload, bearer,
                       connection_types, src, times, times_location, tags, default_ttl_s)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21);

-- name: user_update
UPDATE nats_user
   SET name = $2, display_name = $3, description = $4, labels = $5, state = $6, public_key = $7,
       role_id = $8, permissions = $9, subs = $10, payload = $11, bearer = $12,
       connection_types = $13, src = $14, times = $15, times_location = $16, tags = $17,
       default_ttl_s = $18, updated_at = clock_timestamp(), version = version + 1
 WHERE user_id = $1;

-- name: user_set_conditions
UPDATE nats_user
   SET conditions = $2
 WHERE user_id = $1;

-- name: user_delete
UPDATE nats_user
   SET state = 'deleted', updated_at = clock_timestamp(), version = version + 1
 WHERE user_id = $1;

-- name: user_live_keys
-- Every key that some living credential of this user names, and its own.
SELECT DISTINCT public_key AS text
  FROM (SELECT c.public_key
          FROM credential c
         WHERE c.user_id = $1
           AND c.state = 'active'
           AND (c.expires_at IS NULL OR c.expires_at > now())
        UNION ALL
        SELECT u.public_key
          FROM nats_user u
         WHERE u.user_id = $1
           AND u.public_key IS NOT NULL) k
 ORDER BY 1;

-- name: user_revoke_credentials
UPDATE credential
   SET state = 'revoked', updated_at = clock_timestamp(), version = version + 1
 WHERE user_id = $1
   AND state IN ('active', 'superseded');
