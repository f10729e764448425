-- name: operator_by_ref
SELECT *
  FROM operator_item
 WHERE $1 IN (id, public_key);

-- name: operator_list
SELECT *
  FROM operator_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
 ORDER BY id
 LIMIT $2;

-- name: operator_insert
INSERT INTO operator (operator_id, name, display_name, description, labels, created_by, public_key,
                      strict_signing_keys, assert_server_version, account_server_url,
                      operator_service_urls, tags, jwt, jwt_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: operator_update
UPDATE operator
   SET name = $3, display_name = $4, description = $5, labels = $6, strict_signing_keys = $7,
       assert_server_version = $8, account_server_url = $9, operator_service_urls = $10,
       tags = $11, jwt = $12, jwt_id = $13, updated_at = clock_timestamp(), version = version + 1
 WHERE operator_id = $1
   AND version = $2;

-- name: operator_key_list
SELECT *
  FROM operator_key_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND operator_id = $9
 ORDER BY id
 LIMIT $2;

-- name: operator_key_by_ref
SELECT *
  FROM operator_key_item
 WHERE operator_id = $1
   AND $2 IN (id, public_key);

-- name: operator_key_insert
INSERT INTO operator_key (operator_key_id, name, display_name, description, labels, created_by,
                          operator_id, state, public_key, secret_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: operator_key_move
UPDATE operator_key
   SET state = $3, updated_at = clock_timestamp(), version = version + 1
 WHERE operator_key_id = $1
   AND state = $2;

-- name: operator_key_relieve
UPDATE operator_key
   SET state = 'retiring', updated_at = clock_timestamp(), version = version + 1
 WHERE operator_id = $1
   AND state = ANY ($2);

-- name: operator_key_distrusted
-- Names of the nodes that do not trust this key (blank between them), or NULL.
SELECT string_agg(n.name, ' ' ORDER BY n.name)
  FROM node n
  JOIN system s ON s.system_id = n.system_id
 WHERE s.operator_id = $1
   AND n.state <> 'retired'
   AND NOT $2 = ANY (n.trusted_keys);

-- name: operator_keys_promote
-- Staged keys that every node of this operator trusts.
UPDATE operator_key k
   SET state = 'trusted', updated_at = clock_timestamp(), version = version + 1
 WHERE k.operator_id = $1
   AND k.state = ANY ($2)
   AND NOT EXISTS (SELECT
                     FROM node n
                     JOIN system s ON s.system_id = n.system_id
                    WHERE s.operator_id = $1
                      AND n.state <> 'retired'
                      AND NOT k.public_key = ANY (n.trusted_keys))
   AND EXISTS (SELECT
                 FROM node n
                 JOIN system s ON s.system_id = n.system_id
                WHERE s.operator_id = $1
                  AND n.state <> 'retired');

-- name: operator_key_users
-- Accounts whose newest JWT was signed by this key.
SELECT count(*)
  FROM account a
  JOIN account_revision r ON r.account_id = a.account_id AND r.revision = a.revision
 WHERE r.claims ->> 'iss' = $1
   AND a.state <> 'deleted';

-- name: operator_signer
SELECT k.public_key, k.secret_id
  FROM operator_key k
 WHERE k.operator_id = $1
   AND k.state = 'active'
   AND k.secret_id IS NOT NULL;

-- name: operator_trust
SELECT n.name AS node, n.node_id, s.system_id,
       CASE WHEN n.trust_read_at IS NULL THEN 'unknown'
            WHEN $2 = ANY (n.trusted_keys) THEN 'yes'
            ELSE 'no' END AS trusted,
       n.operator_jti, n.trust_read_at AS read_at
  FROM node n
  JOIN system s ON s.system_id = n.system_id
 WHERE s.operator_id = $1
   AND n.state <> 'retired'
 ORDER BY n.node_id;
