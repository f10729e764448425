-- name: outbox_add
-- A newer revision takes the place of the older one, and is due at once.
INSERT INTO outbox (account_id, team_id, system_id, kind, revision, created_at)
SELECT a.account_id, a.team_id, a.system_id, 'claims', $2,
       coalesce(r.created_at, clock_timestamp())
  FROM account a
  LEFT JOIN account_revision r ON r.account_id = a.account_id AND r.revision = $2
 WHERE a.account_id = $1
ON CONFLICT (account_id) DO UPDATE
   SET revision = greatest(outbox.revision, excluded.revision),
       not_before = clock_timestamp(),
       attempts = 0,
       last_error = '';

-- name: outbox_claim
-- Due rows whose lease is free; those that another worker looks at now are left to it.  What was
-- deleted meanwhile is never pushed again.
WITH dropped AS (
    DELETE FROM outbox o
     USING account a
     WHERE a.account_id = o.account_id
       AND a.state = 'deleted'
), due AS (
    SELECT o.outbox_id
      FROM outbox o
      JOIN account a ON a.account_id = o.account_id AND a.state <> 'deleted'
     WHERE o.not_before <= clock_timestamp()
       AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())
       AND ($1::text IS NULL OR o.system_id = $1)
     ORDER BY o.not_before
     LIMIT $2
       FOR UPDATE OF o SKIP LOCKED
), taken AS (
    UPDATE outbox o
       SET lease_until = clock_timestamp() + make_interval(secs => $3::bigint),
           lease_epoch = o.lease_epoch + 1
      FROM due
     WHERE o.outbox_id = due.outbox_id
    RETURNING o.*
)
SELECT t.outbox_id, t.account_id, t.team_id, t.system_id, a.public_key, a.revision, j.jwt, r.jti,
       r.iat, a.state IN ('purging', 'tombstoned', 'deleted') AS is_tombstone, t.attempts,
       t.created_at, t.lease_epoch
  FROM taken t
  JOIN account a ON a.account_id = t.account_id
  JOIN account_jwt j ON j.account_id = a.account_id AND j.active
  JOIN account_revision r ON r.account_id = j.account_id AND r.revision = j.revision
 ORDER BY t.outbox_id;

-- name: outbox_renew
UPDATE outbox
   SET lease_until = clock_timestamp() + make_interval(secs => $3::bigint)
 WHERE outbox_id = $1
   AND lease_epoch = $2;

-- name: outbox_done
-- Closed, unless a newer revision has come.
DELETE FROM outbox
 WHERE outbox_id = $1
   AND lease_epoch = $2
   AND revision <= $3;

-- name: outbox_release
-- What is left after outbox_done: a newer revision than $3, due now, as old as it is.
UPDATE outbox o
   SET lease_until = NULL,
       not_before = clock_timestamp(),
       created_at = coalesce((SELECT min(r.created_at)
                                FROM account_revision r
                               WHERE r.account_id = o.account_id
                                 AND r.revision > $3), o.created_at)
 WHERE o.outbox_id = $1
   AND o.lease_epoch = $2;

-- name: outbox_waits
-- How long, in microseconds, the nodes have waited for what a row delivers up to revision $2, and
-- for each revision among it that revoked something; of very many only the newest.
SELECT false AS revoked,
       (extract(epoch FROM clock_timestamp() - o.created_at) * 1000000)::bigint AS us
  FROM outbox o
 WHERE o.outbox_id = $1
UNION ALL
SELECT true, (extract(epoch FROM clock_timestamp() - r.created_at) * 1000000)::bigint
  FROM outbox o
 CROSS JOIN LATERAL (SELECT v.created_at, v.reason
                       FROM account_revision v
                      WHERE v.account_id = o.account_id
                        AND v.revision <= $2
                      ORDER BY v.revision DESC
                      LIMIT 100) r
 WHERE o.outbox_id = $1
   AND r.created_at >= o.created_at
   AND r.reason = ANY ($3::text[]);

-- name: outbox_retry
-- A change that came during the attempt stays due at once.
UPDATE outbox
   SET lease_until = NULL,
       attempts = attempts + 1,
       last_error = $5,
       not_before = CASE WHEN revision > $3 THEN clock_timestamp()
                         ELSE clock_timestamp() + make_interval(secs => $4::bigint / 1000.0)
                    END
 WHERE outbox_id = $1
   AND lease_epoch = $2;

-- name: outbox_drop
-- The account is deleted everywhere: nothing is to be told any more.
DELETE FROM outbox
 WHERE account_id = $1;

-- name: outbox_poke
INSERT INTO outbox (account_id, team_id, system_id, kind, revision)
SELECT a.account_id, a.team_id, a.system_id, 'claims', a.revision
  FROM account a
 WHERE a.account_id = $1
   AND a.revision > 0
   AND a.state <> 'deleted'
   AND NOT a.is_system
ON CONFLICT (account_id) DO UPDATE
   SET not_before = least(outbox.not_before, clock_timestamp());

-- name: outbox_poke_system
UPDATE outbox
   SET not_before = least(not_before, clock_timestamp())
 WHERE system_id = $1;

-- name: outbox_poke_behind
-- What a node is not known to hold, and nobody is about to push, is due now.
INSERT INTO outbox (account_id, team_id, system_id, kind, revision)
SELECT a.account_id, a.team_id, a.system_id, 'claims', a.revision
  FROM node n
  JOIN account a ON a.system_id = n.system_id
  LEFT JOIN node_account_sync s ON s.node_id = n.node_id AND s.account_id = a.account_id
 WHERE n.node_id = $1
   AND n.state <> 'retired'
   AND a.revision > 0
   AND a.state NOT IN ('tombstoned', 'deleted')
   AND NOT a.is_system
   AND coalesce(s.stored_revision, 0) < a.revision
ON CONFLICT (account_id) DO NOTHING;

-- name: outbox_depth
SELECT count(*) AS depth,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at))::bigint, 0) AS oldest_s
  FROM outbox;

-- name: outbox_next_ms
SELECT CASE WHEN count(*) = 0 THEN -1
            ELSE greatest(0, ceil(extract(epoch FROM min(greatest(not_before,
                                                                  coalesce(lease_until, not_before)))
                                                     - clock_timestamp()) * 1000))
       END::bigint
  FROM outbox;

-- name: outbox_listen
LISTEN berth_outbox;

-- name: outbox_notify
SELECT pg_notify('berth_outbox', '');
