-- name: signing_key_by_ref
SELECT k.*, (SELECT r.name FROM scoped_role r WHERE r.role_id = k.role_id) AS role_name
  FROM signing_key_item k
 WHERE account_id = $1
   AND $2 IN (id, public_key)
   AND state IN ('active', 'retiring');

-- name: signing_key_list
SELECT k.*, (SELECT r.name FROM scoped_role r WHERE r.role_id = k.role_id) AS role_name
  FROM signing_key_item k
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND account_id = $9
   AND (state IN ('active', 'retiring') OR state = $3)
 ORDER BY id
 LIMIT $2;

-- name: signing_key_insert
INSERT INTO signing_key (signing_key_id, name, display_name, description, labels, created_by,
                         team_id, account_id, public_key, custody, role_id, secret_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: signing_key_retire
UPDATE signing_key
   SET state = 'retired', updated_at = clock_timestamp(), version = version + 1
 WHERE signing_key_id = $1
   AND state = ANY ($2);

-- name: signing_key_retire_of_role
UPDATE signing_key
   SET state = 'retired', updated_at = clock_timestamp(), version = version + 1
 WHERE role_id = $1
   AND state = ANY ($2);

-- name: signing_key_orphan
UPDATE credential
   SET state = 'orphaned', updated_at = clock_timestamp(), version = version + 1
 WHERE signing_key_id = $1
   AND state = 'active';

-- name: signing_key_orphan_of_role
UPDATE credential c
   SET state = 'orphaned', updated_at = clock_timestamp(), version = c.version + 1
  FROM signing_key k
 WHERE k.signing_key_id = c.signing_key_id
   AND k.role_id = $1
   AND c.state = 'active';

-- name: signing_key_for
-- The newest managed key of a role, or the newest plain one; what it has issued is not counted.
SELECT *, signing_key_id AS id, 'signing_key' AS kind
  FROM signing_key
 WHERE account_id = $1
   AND role_id IS NOT DISTINCT FROM $2
   AND state = 'active'
   AND secret_id IS NOT NULL
 ORDER BY id DESC
 LIMIT 1;

-- name: role_by_ref
SELECT *
  FROM role_item
 WHERE account_id = $1
   AND $2 IN (id, name)
   AND state = 'active';

-- name: role_list
SELECT *
  FROM role_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND account_id = $9
   AND (state = 'active' OR state = $3)
 ORDER BY id
 LIMIT $2;

-- name: role_insert
INSERT INTO scoped_role (role_id, name, display_name, description, labels, created_by, team_id,
                         account_id, permissions, subs, payload, bearer, connection_types, src,
                         times, times_location)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: role_update
UPDATE scoped_role
   SET name = $2, display_name = $3, description = $4, labels = $5, permissions = $6, subs = $7,
       payload = $8, bearer = $9, connection_types = $10, src = $11, times = $12,
       times_location = $13, updated_at = clock_timestamp(), version = version + 1
 WHERE role_id = $1;

-- name: role_set_conditions
UPDATE scoped_role
   SET conditions = $2
 WHERE role_id = $1;

-- name: role_delete
UPDATE scoped_role
   SET state = 'deleted', updated_at = clock_timestamp(), version = version + 1
 WHERE role_id = $1;
