-- name: lease_acquire
-- A free or expired one gets a new epoch; ours keeps its own.
INSERT INTO lease (role, scope, holder, epoch, expires_at)
VALUES ($1, $2, $3, 1, clock_timestamp() + make_interval(secs => $4::bigint))
ON CONFLICT (role, scope) DO UPDATE
   SET holder = excluded.holder,
       epoch = CASE WHEN lease.holder = excluded.holder AND lease.expires_at > clock_timestamp()
                    THEN lease.epoch ELSE lease.epoch + 1 END,
       expires_at = excluded.expires_at
 WHERE lease.holder = excluded.holder
    OR lease.expires_at <= clock_timestamp()
RETURNING epoch;

-- name: lease_free_in_ms
SELECT greatest(0, ceil(extract(epoch FROM expires_at - clock_timestamp()) * 1000))::bigint
  FROM lease
 WHERE role = $1
   AND scope = $2;

-- name: lease_check
-- Locks the row against a take-over until the transaction ends.
SELECT epoch
  FROM lease
 WHERE role = $1
   AND scope = $2
   AND holder = $3
   AND epoch = $4
   AND expires_at > clock_timestamp()
   FOR SHARE;

-- name: lease_release_all
UPDATE lease
   SET expires_at = clock_timestamp()
 WHERE holder = $1
   AND expires_at > clock_timestamp();

-- name: lease_release
UPDATE lease
   SET expires_at = clock_timestamp()
 WHERE role = $1
   AND scope = $2
   AND holder = $3
   AND epoch = $4;
