-- name: operation_insert
INSERT INTO operation (operation_id, name, created_by, team_id, account_id, type, resource_kind,
                       resource_id, input)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9::jsonb, '{}'));

-- name: operation_step_insert
INSERT INTO operation_step (operation_id, ordinal, team_id, name)
VALUES ($1, $2, $3, $4);

-- name: operation_by_id
SELECT *
  FROM operation_item
 WHERE id = $1
   AND ($2::text[] IS NULL OR account_id = ANY ($2));

-- name: operation_list
SELECT *
  FROM operation_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND ($9::text IS NULL OR resource_id = $9)
   AND ($10::text[] IS NULL OR account_id = ANY ($10))
 ORDER BY id
 LIMIT $2;

-- name: operation_cancel
UPDATE operation
   SET state = 'canceled', finished_at = clock_timestamp(), updated_at = clock_timestamp(),
       version = version + 1
 WHERE operation_id = $1
   AND state = ANY ($2)
   AND cancelable;

-- name: operation_claim
WITH due AS (
    SELECT operation_id
      FROM operation
     WHERE state IN ('pending', 'running')
       AND state = ANY ($2)
       AND not_before <= clock_timestamp()
       AND (lease_until IS NULL OR lease_until < clock_timestamp())
     ORDER BY not_before
     LIMIT 1
       FOR UPDATE SKIP LOCKED
)
UPDATE operation o
   SET state = 'running', cancelable = false, updated_at = clock_timestamp(),
       lease_until = clock_timestamp() + make_interval(secs => $1::bigint),
       lease_epoch = o.lease_epoch + 1
  FROM due
 WHERE o.operation_id = due.operation_id
RETURNING o.operation_id;

-- name: operation_renew
UPDATE operation
   SET lease_until = clock_timestamp() + make_interval(secs => $3::bigint)
 WHERE operation_id = $1
   AND lease_epoch = $2
   AND state = ANY ($4);

-- name: operation_pause
WITH paused AS (
    UPDATE operation
       SET lease_until = NULL, updated_at = clock_timestamp(),
           not_before = clock_timestamp() + make_interval(secs => $3::bigint / 1000.0)
     WHERE operation_id = $1
       AND lease_epoch = $2
       AND state = ANY ($6)
    RETURNING operation_id
)
UPDATE operation_step s
   SET detail = coalesce($5, s.detail)
  FROM paused p
 WHERE s.operation_id = p.operation_id
   AND s.ordinal = $4;

-- name: operation_hold
-- The lease is still ours; the row is locked until the transaction ends.
SELECT operation_id
  FROM operation
 WHERE operation_id = $1
   AND lease_epoch = $2
   AND state = ANY ($3)
   FOR UPDATE;

-- name: operation_step_set
UPDATE operation_step
   SET state = $3,
       attempts = attempts + CASE WHEN $3 = 'running' THEN 1 ELSE 0 END,
       detail = coalesce($4, detail),
       data = coalesce($5::jsonb, data),
       started_at = coalesce(started_at, clock_timestamp()),
       finished_at = CASE WHEN $3 IN ('succeeded', 'failed', 'skipped') THEN clock_timestamp() END
 WHERE operation_id = $1
   AND ordinal = $2;

-- name: operation_finish
UPDATE operation
   SET state = $3, error_code = $4, error_detail = $5, result = $6::jsonb,
       finished_at = clock_timestamp(), updated_at = clock_timestamp(), version = version + 1,
       lease_until = NULL
 WHERE operation_id = $1
   AND lease_epoch = $2
   AND state = ANY ($7);

-- name: operation_next_ms
SELECT CASE WHEN count(*) = 0 THEN -1
            ELSE greatest(0, ceil(extract(epoch FROM min(greatest(not_before,
                                                                  coalesce(lease_until, not_before)))
                                                     - clock_timestamp()) * 1000))
       END::bigint
  FROM operation
 WHERE state IN ('pending', 'running');
