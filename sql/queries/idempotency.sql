-- name: idempotency_lock
SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))::int;

-- name: idempotency_find
SELECT body_hash, status, body, media_type, location, etag, secret, resource_id
  FROM idempotency
 WHERE key_hash = $1
   AND created_at > now() - interval '24 hours'
 ORDER BY created_at DESC
 LIMIT 1;

-- name: idempotency_insert
INSERT INTO idempotency (key_hash, body_hash, team_id, status, body, media_type, location, etag,
                         secret, resource_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
