-- name: revocation_list
SELECT *
  FROM revocation_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND account_id = $9
 ORDER BY id
 LIMIT $2;

-- name: revocation_by_key
SELECT *
  FROM revocation_item
 WHERE account_id = $1
   AND $2 IN (user_key, id);

-- name: revocation_put
-- Its time moves forward only.
INSERT INTO revocation AS r (revocation_id, name, created_by, team_id, account_id, user_key,
                             revoked_before, reason)
VALUES ($1, $5, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, user_key) DO UPDATE
   SET revoked_before = greatest(r.revoked_before, excluded.revoked_before),
       reason = CASE WHEN excluded.revoked_before >= r.revoked_before THEN excluded.reason
                     ELSE r.reason END,
       updated_at = clock_timestamp(), version = r.version + 1;

-- name: revocation_delete
DELETE FROM revocation
 WHERE revocation_id = $1;

-- name: revocation_time
-- The time up to which JWTs of this key are refused, in Unix seconds.
SELECT coalesce(max(extract(epoch FROM revoked_before)::bigint), 0)
  FROM revocation
 WHERE account_id = $1
   AND user_key IN ($2, '*');

-- name: revocation_valid_again
-- What it alone refused is accepted again, unless its signing key is gone, and says so.
WITH again AS (
    UPDATE credential c
       SET state = 'active', updated_at = clock_timestamp(), version = c.version + 1
     WHERE c.account_id = $1
       AND ($2 = '*' OR c.public_key = $2)
       AND c.state = 'revoked'
       AND c.issued_at <= $3
       AND (c.expires_at IS NULL OR c.expires_at > now())
       AND EXISTS (SELECT
                     FROM signing_key k
                    WHERE k.signing_key_id = c.signing_key_id
                      AND k.state IN ('active', 'retiring'))
       AND NOT EXISTS (SELECT
                         FROM revocation r
                        WHERE r.account_id = c.account_id
                          AND r.user_key <> $2
                          AND r.user_key IN (c.public_key, '*')
                          AND r.revoked_before >= c.issued_at)
    RETURNING c.credential_id)
SELECT credential_id AS id, count(*) OVER () AS total
  FROM again
 ORDER BY credential_id
 LIMIT $4;
