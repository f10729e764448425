-- name: credential_by_id
SELECT *
  FROM credential_item
 WHERE account_id = $1
   AND id = $2;

-- name: credential_list
SELECT *
  FROM credential_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND account_id = $9
   AND ($10::text IS NULL OR user_id = $10)
 ORDER BY id
 LIMIT $2;

-- name: credential_count
SELECT count(*)
  FROM credential
 WHERE account_id = $1
   AND state = 'active'
   AND (expires_at IS NULL OR expires_at > now());

-- name: credential_last_issued
-- The newest JWT of this key, in Unix seconds: two of one second would be the same token.
SELECT coalesce(max(extract(epoch FROM issued_at)::bigint), 0)
  FROM credential
 WHERE account_id = $1
   AND public_key = $2;

-- name: credential_insert
INSERT INTO credential (credential_id, name, created_by, team_id, account_id, user_id, jti,
                        public_key, issuer_key, signing_key_id, issued_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: credential_revoke_key
-- This one and all older ones of the same key.
UPDATE credential
   SET state = 'revoked', updated_at = clock_timestamp(), version = version + 1
 WHERE account_id = $1
   AND ($2 = '*' OR public_key = $2)
   AND issued_at <= $3
   AND state IN ('active', 'superseded');

-- name: credential_seen
UPDATE credential c
   SET last_seen_at = $3, last_seen_from = $4
  FROM account a
 WHERE a.public_key = $1
   AND c.account_id = a.account_id
   AND c.jti = $2
   AND (c.last_seen_at IS NULL OR c.last_seen_at < $3);

-- name: credential_age
WITH moved AS (
    UPDATE credential
       SET state = 'expired', updated_at = clock_timestamp()
     WHERE state = 'active'
       AND expires_at <= now()
    RETURNING 1
)
SELECT count(*)
  FROM moved;
