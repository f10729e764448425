-- name: secret_key_find
SELECT data_key_id, owner_id, key_version, wrapped
  FROM data_key
 WHERE owner_id = $1;

-- name: secret_key_insert
INSERT INTO data_key (data_key_id, team_id, owner_id, key_version, wrapped)
VALUES ($1, $2, $3, $4, $5);

-- name: secret_insert
INSERT INTO secret (secret_id, team_id, data_key_id, purpose, ciphertext)
VALUES ($1, $2, $3, $4, $5);

-- name: secret_find
SELECT s.secret_id, s.purpose, s.ciphertext, k.data_key_id, k.owner_id, k.key_version, k.wrapped
  FROM secret s
  JOIN data_key k ON k.data_key_id = s.data_key_id
 WHERE s.secret_id = $1;

-- name: secret_destroy
DELETE FROM data_key
 WHERE owner_id = $1;

-- name: secret_master_find
SELECT proof
  FROM sealing_key
 WHERE key_version = $1;

-- name: secret_master_insert
INSERT INTO sealing_key (key_version, proof)
VALUES ($1, $2)
ON CONFLICT DO NOTHING;
