-- name: usage_ingest
-- Samples of one node, as JSON.  The difference to the last sample of the epoch goes into the
-- ledger; an epoch's row is locked, so two collectors count nothing twice.  A counter that went
-- back opens a sub-epoch, unless the sample is so close to the last one that it may only have
-- come out of order: then it is left out, and the next one says the same.  Counters that went on
-- are newer, whatever the clocks say.
WITH given AS (
    SELECT DISTINCT ON (s.account_key) s.*, a.account_id, a.team_id, a.created_at AS account_created_at
      FROM jsonb_to_recordset($1::jsonb) AS s(
               system_id text, node_id text, server_id text, account_key text,
               started_at timestamptz, sampled_at timestamptz,
               msgs_in bigint, bytes_in bigint, msgs_out bigint, bytes_out bigint,
               slow_consumers bigint, connections bigint, leaf_connections bigint,
               subscriptions bigint, quality text)
      JOIN account a ON a.public_key = s.account_key
     ORDER BY s.account_key, s.sampled_at DESC
), known AS (
    SELECT e.*
      FROM usage_epoch e
      JOIN given g ON g.server_id = e.server_id AND g.account_id = e.account_id
     WHERE e.closed_at IS NULL
     ORDER BY e.epoch_id
       FOR UPDATE OF e
), compared AS (
    SELECT g.*, k.epoch_id, k.sub_epoch, k.sample_seq, k.sampled_at AS last_at,
           k.msgs_in AS last_msgs_in, k.bytes_in AS last_bytes_in, k.msgs_out AS last_msgs_out,
           k.bytes_out AS last_bytes_out, k.slow_consumers AS last_slow,
           k.connections AS last_connections, k.leaf_connections AS last_leafs,
           k.epoch_id IS NULL AS is_new,
           coalesce(g.msgs_in < k.msgs_in OR g.bytes_in < k.bytes_in OR g.msgs_out < k.msgs_out
                        OR g.bytes_out < k.bytes_out, false) AS went_back
      FROM given g
      LEFT JOIN known k ON k.server_id = g.server_id AND k.account_id = g.account_id
     WHERE k.epoch_id IS NULL
        OR g.sampled_at > k.sampled_at
        OR (g.msgs_in >= k.msgs_in AND g.bytes_in >= k.bytes_in AND g.msgs_out >= k.msgs_out
            AND g.bytes_out >= k.bytes_out
            AND g.msgs_in + g.msgs_out > k.msgs_in + k.msgs_out)
), usable AS (
    SELECT * FROM compared WHERE NOT went_back OR sampled_at > last_at + interval '5 seconds'
), ended AS (
    UPDATE usage_epoch e
       SET closed_at = u.sampled_at
      FROM usable u
     WHERE u.went_back AND e.epoch_id = u.epoch_id
    RETURNING e.epoch_id
), opened AS (
    INSERT INTO usage_epoch (system_id, node_id, server_id, account_id, team_id, sub_epoch, started_at,
                             sample_seq, sampled_at, msgs_in, bytes_in, msgs_out, bytes_out,
                             slow_consumers, connections, leaf_connections, subscriptions, quality,
                             msgs_rate, bytes_rate)
    SELECT u.system_id, u.node_id, u.server_id, u.account_id, u.team_id,
           CASE WHEN u.went_back THEN u.sub_epoch + 1 ELSE 0 END,
           CASE WHEN u.went_back THEN u.last_at
                ELSE least(u.sampled_at, greatest(u.started_at, u.account_created_at)) END,
           1, u.sampled_at, u.msgs_in, u.bytes_in, u.msgs_out, u.bytes_out, u.slow_consumers,
           u.connections, u.leaf_connections, u.subscriptions, u.quality,
           usage_peak(u.msgs_in + u.msgs_out,
                      u.sampled_at - greatest(u.started_at, u.account_created_at)),
           usage_peak(u.bytes_in + u.bytes_out,
                      u.sampled_at - greatest(u.started_at, u.account_created_at))
      FROM usable u
     CROSS JOIN (SELECT count(*) FROM ended) AS after_the_old_one_is_closed
     WHERE u.went_back
        OR (u.is_new AND NOT EXISTS (SELECT 1 FROM usage_epoch e
                                      WHERE e.server_id = u.server_id AND e.account_id = u.account_id))
    ON CONFLICT DO NOTHING
    RETURNING *
), moved AS (
    UPDATE usage_epoch e
       SET sample_seq = e.sample_seq + 1,
           sampled_at = greatest(u.sampled_at, e.sampled_at),
           msgs_in = u.msgs_in, bytes_in = u.bytes_in, msgs_out = u.msgs_out, bytes_out = u.bytes_out,
           slow_consumers = greatest(u.slow_consumers, e.slow_consumers),
           connections = u.connections, leaf_connections = u.leaf_connections,
           subscriptions = u.subscriptions, quality = u.quality,
           msgs_rate = greatest(e.msgs_rate, usage_peak(u.msgs_in - u.last_msgs_in + u.msgs_out - u.last_msgs_out,
                                                        u.sampled_at - u.last_at)),
           bytes_rate = greatest(e.bytes_rate, usage_peak(u.bytes_in - u.last_bytes_in + u.bytes_out - u.last_bytes_out,
                                                          u.sampled_at - u.last_at))
      FROM usable u
     WHERE NOT u.is_new AND NOT u.went_back AND e.epoch_id = u.epoch_id
    RETURNING e.*
), counted AS (
    SELECT m.epoch_id, m.sample_seq, m.sampled_at, m.system_id, m.node_id, m.account_id, m.team_id,
           m.msgs_in - u.last_msgs_in AS msgs_in, m.bytes_in - u.last_bytes_in AS bytes_in,
           m.msgs_out - u.last_msgs_out AS msgs_out, m.bytes_out - u.last_bytes_out AS bytes_out,
           greatest(m.slow_consumers - u.last_slow, 0) AS slow_consumers,
           m.connections, m.leaf_connections, m.subscriptions,
           (u.last_connections * extract(epoch FROM m.sampled_at - u.last_at))::bigint AS connection_seconds,
           (u.last_leafs * extract(epoch FROM m.sampled_at - u.last_at))::bigint AS leaf_seconds,
           m.sampled_at - u.last_at AS span, m.quality
      FROM moved m
      JOIN usable u ON u.epoch_id = m.epoch_id
    UNION ALL
    SELECT o.epoch_id, o.sample_seq, o.sampled_at, o.system_id, o.node_id, o.account_id, o.team_id,
           o.msgs_in, o.bytes_in, o.msgs_out, o.bytes_out, o.slow_consumers,
           o.connections, o.leaf_connections, o.subscriptions, 0, 0, o.sampled_at - o.started_at, o.quality
      FROM opened o
), written AS (
    INSERT INTO usage_ledger (epoch_id, sample_seq, minute, system_id, node_id, account_id, team_id,
                              msgs_in, bytes_in, msgs_out, bytes_out, slow_consumers, connections,
                              leaf_connections, subscriptions, connection_seconds, leaf_seconds, quality)
    SELECT c.epoch_id, c.sample_seq, date_trunc('minute', c.sampled_at, 'UTC'), c.system_id, c.node_id,
           c.account_id, c.team_id, c.msgs_in, c.bytes_in, c.msgs_out, c.bytes_out, c.slow_consumers,
           c.connections, c.leaf_connections, c.subscriptions, c.connection_seconds, c.leaf_seconds,
           CASE WHEN c.span > interval '2 minutes' AND c.msgs_in + c.msgs_out > 0 THEN 'bounded'
                ELSE c.quality END
      FROM counted c
     WHERE c.msgs_in + c.bytes_in + c.msgs_out + c.bytes_out + c.slow_consumers + c.connections
               + c.leaf_connections + c.subscriptions + c.connection_seconds + c.leaf_seconds > 0
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM written;

-- name: usage_close_clean
-- The process said goodbye after its last sample.
UPDATE usage_epoch
   SET closed_at = greatest($2::timestamptz, sampled_at)
 WHERE server_id = $1
   AND closed_at IS NULL;

-- name: usage_close_with_gap
-- What was counted after the last sample is lost: a gap up to $2, bounded by the highest rate that
-- any account had on that node (usage_peak), 10,000 messages and 10 MB a second at least.  An
-- account of which there is no sample had done nothing when the others were sampled last (two
-- minutes are more than a round of samples), and may have lost all since; unless the process said
-- goodbye: what was counted then was told, or is a gap since.
WITH run AS (
    SELECT i.server_id, i.node_id, i.started_at, n.system_id,
           (SELECT max(sampled_at) FROM usage_epoch WHERE server_id = $1) AS sampled_at
      FROM node_incarnation i
      JOIN node n ON n.node_id = i.node_id
     WHERE i.server_id = $1
       AND i.end_reason <> 'shutdown'
), rates AS (
    SELECT greatest(max(e.msgs_rate), 10000) AS msgs_rate, greatest(max(e.bytes_rate), 10000000) AS bytes_rate
      FROM usage_epoch e
     WHERE e.server_id = $1
        OR e.node_id IN (SELECT node_id FROM node_incarnation WHERE server_id = $1)
), closed AS (
    UPDATE usage_epoch
       SET closed_at = greatest($2::timestamptz, sampled_at)
     WHERE server_id = $1
       AND closed_at IS NULL
    RETURNING *
), lost AS (
    SELECT system_id, node_id, server_id, account_id, team_id, sampled_at AS starts_at,
           closed_at AS ends_at
      FROM closed
     UNION ALL
    SELECT r.system_id, r.node_id, r.server_id, a.account_id, a.team_id,
           greatest(r.started_at, a.created_at, r.sampled_at - interval '2 minutes'), $2::timestamptz
      FROM run r
      JOIN account a ON a.system_id = r.system_id
     WHERE NOT a.is_system
       AND a.state <> 'deleted'
       AND greatest(r.started_at, a.created_at) < $2::timestamptz
       AND NOT EXISTS (SELECT FROM usage_epoch e
                        WHERE e.server_id = $1 AND e.account_id = a.account_id)
)
INSERT INTO usage_gap (system_id, node_id, server_id, account_id, team_id, starts_at, ends_at, reason,
                       msgs_max, bytes_max)
SELECT l.system_id, l.node_id, l.server_id, l.account_id, l.team_id, l.starts_at, l.ends_at, $3,
       ceil(r.msgs_rate * (extract(epoch FROM l.ends_at - l.starts_at) + 1))::bigint,
       ceil(r.bytes_rate * (extract(epoch FROM l.ends_at - l.starts_at) + 1))::bigint
  FROM lost l
 CROSS JOIN rates r
ON CONFLICT DO NOTHING;

-- name: usage_roll_up
-- The hours that may still change, rebuilt from the ledger.
INSERT INTO usage_hour (account_id, hour, team_id, system_id, msgs_in, bytes_in, msgs_out, bytes_out,
                        slow_consumers, connections_peak, leaf_connections_peak, subscriptions_peak,
                        connection_seconds, leaf_seconds, quality)
SELECT l.account_id, date_trunc('hour', l.minute, 'UTC'), max(l.team_id), max(l.system_id), sum(l.msgs_in),
       sum(l.bytes_in), sum(l.msgs_out), sum(l.bytes_out), sum(l.slow_consumers), max(l.connections),
       max(l.leaf_connections), max(l.subscriptions), sum(l.connection_seconds), sum(l.leaf_seconds),
       CASE WHEN bool_or(l.quality = 'bounded') THEN 'bounded' ELSE 'exact' END
  FROM usage_ledger l
 WHERE l.minute >= date_trunc('hour', clock_timestamp() - interval '1 hour', 'UTC')
 GROUP BY l.account_id, date_trunc('hour', l.minute, 'UTC')
ON CONFLICT (account_id, hour) DO UPDATE
   SET msgs_in = excluded.msgs_in, bytes_in = excluded.bytes_in, msgs_out = excluded.msgs_out,
       bytes_out = excluded.bytes_out, slow_consumers = excluded.slow_consumers,
       connections_peak = excluded.connections_peak,
       leaf_connections_peak = excluded.leaf_connections_peak,
       subscriptions_peak = excluded.subscriptions_peak,
       connection_seconds = excluded.connection_seconds, leaf_seconds = excluded.leaf_seconds,
       quality = excluded.quality
 WHERE (usage_hour.connection_seconds, usage_hour.msgs_in, usage_hour.msgs_out, usage_hour.bytes_in,
        usage_hour.bytes_out, usage_hour.connections_peak, usage_hour.subscriptions_peak)
       IS DISTINCT FROM
       (excluded.connection_seconds, excluded.msgs_in, excluded.msgs_out, excluded.bytes_in,
        excluded.bytes_out, excluded.connections_peak, excluded.subscriptions_peak);

-- name: usage_series
-- One row for each bucket, empty ones too, none of the future.  $4: minute, hour or day.
WITH buckets AS (
    SELECT at, at + ('1 ' || $4)::interval AS until
      FROM generate_series(date_trunc($4, $2::timestamptz, 'UTC'),
                           least($3::timestamptz, clock_timestamp()) - interval '1 microsecond',
                           ('1 ' || $4)::interval) AS at
), sums AS (
    SELECT date_trunc($4, l.minute, 'UTC') AS at, sum(l.msgs_in) AS msgs_in, sum(l.bytes_in) AS bytes_in,
           sum(l.msgs_out) AS msgs_out, sum(l.bytes_out) AS bytes_out,
           sum(l.slow_consumers) AS slow_consumers, max(l.connections) AS connections,
           max(l.leaf_connections) AS leaf_connections, max(l.subscriptions) AS subscriptions,
           sum(l.connection_seconds) AS connection_seconds, sum(l.leaf_seconds) AS leaf_seconds,
           bool_or(l.quality = 'bounded') AS bounded
      FROM usage_ledger l
     WHERE l.account_id = $1
       AND l.minute >= date_trunc($4, $2::timestamptz, 'UTC')
       AND l.minute < $3::timestamptz
     GROUP BY 1
)
SELECT b.at, coalesce(s.msgs_in, 0) AS msgs_in, coalesce(s.bytes_in, 0) AS bytes_in,
       coalesce(s.msgs_out, 0) AS msgs_out, coalesce(s.bytes_out, 0) AS bytes_out,
       coalesce(s.slow_consumers, 0) AS slow_consumers, coalesce(s.connections, 0) AS connections,
       coalesce(s.leaf_connections, 0) AS leaf_connections, coalesce(s.subscriptions, 0) AS subscriptions,
       coalesce(s.connection_seconds, 0) AS connection_seconds, coalesce(s.leaf_seconds, 0) AS leaf_seconds,
       CASE WHEN EXISTS (SELECT 1 FROM usage_gap g
                          WHERE g.account_id = $1 AND g.starts_at < b.until AND g.ends_at > b.at) THEN 'gap'
            WHEN s.bounded THEN 'bounded'
            ELSE 'exact' END AS quality
  FROM buckets b
  LEFT JOIN sums s ON s.at = b.at
 ORDER BY b.at
 LIMIT $5;

-- name: usage_sampled
UPDATE node
   SET sampled_at = greatest(sampled_at, $2::timestamptz)
 WHERE node_id = $1;

-- name: usage_now
-- Gauges of the open epochs, and the month so far.  Those of a retired node stay open, as it may come
-- back; nobody is connected to it.  A node that runs and has no epoch of the account did not name it
-- when it was sampled last.
SELECT coalesce(sum(e.connections), 0)::bigint AS connections,
       coalesce(sum(e.leaf_connections), 0)::bigint AS leaf_connections,
       coalesce(sum(e.subscriptions), 0)::bigint AS subscriptions,
       least(min(e.sampled_at),
             (SELECT min(n.sampled_at)
                FROM node n
                JOIN account a ON a.system_id = n.system_id
               WHERE a.account_id = $1
                 AND n.state IN ('ready', 'suspect', 'lame_duck')
                 AND n.sampled_at >= a.created_at
                 AND NOT EXISTS (SELECT FROM usage_epoch o
                                  WHERE o.account_id = $1 AND o.node_id = n.node_id
                                    AND o.closed_at IS NULL))) AS sampled_at,
       coalesce(max(m.msgs_in), 0)::bigint AS month_msgs_in, coalesce(max(m.bytes_in), 0)::bigint AS month_bytes_in,
       coalesce(max(m.msgs_out), 0)::bigint AS month_msgs_out,
       coalesce(max(m.bytes_out), 0)::bigint AS month_bytes_out
  FROM (SELECT sum(msgs_in) AS msgs_in, sum(bytes_in) AS bytes_in, sum(msgs_out) AS msgs_out,
               sum(bytes_out) AS bytes_out
          FROM usage_ledger
         WHERE account_id = $1
           AND minute >= date_trunc('month', clock_timestamp(), 'UTC')) m
  LEFT JOIN (usage_epoch e JOIN node r ON r.node_id = e.node_id AND r.state <> 'retired')
    ON e.account_id = $1 AND e.closed_at IS NULL;

-- name: usage_totals_by_team
SELECT l.team_id AS group_id, max(t.name) AS group_name, sum(l.msgs_in)::bigint AS msgs_in,
       sum(l.bytes_in)::bigint AS bytes_in, sum(l.msgs_out)::bigint AS msgs_out,
       sum(l.bytes_out)::bigint AS bytes_out, sum(l.connection_seconds)::bigint AS connection_seconds,
       max(l.connections) AS connections_peak,
       CASE WHEN EXISTS (SELECT 1 FROM usage_gap g
                          WHERE g.team_id = l.team_id AND g.starts_at < $2::timestamptz
                            AND g.ends_at > $1::timestamptz) THEN 'gap'
            WHEN bool_or(l.quality = 'bounded') THEN 'bounded' ELSE 'exact' END AS quality
  FROM usage_ledger l
  JOIN team t ON t.team_id = l.team_id
 WHERE l.minute >= $1::timestamptz AND l.minute < $2::timestamptz
 GROUP BY l.team_id
 ORDER BY l.team_id;

-- name: usage_totals_by_account
SELECT l.account_id AS group_id, max(a.name) AS group_name, sum(l.msgs_in)::bigint AS msgs_in,
       sum(l.bytes_in)::bigint AS bytes_in, sum(l.msgs_out)::bigint AS msgs_out,
       sum(l.bytes_out)::bigint AS bytes_out, sum(l.connection_seconds)::bigint AS connection_seconds,
       max(l.connections) AS connections_peak,
       CASE WHEN EXISTS (SELECT 1 FROM usage_gap g
                          WHERE g.account_id = l.account_id AND g.starts_at < $2::timestamptz
                            AND g.ends_at > $1::timestamptz) THEN 'gap'
            WHEN bool_or(l.quality = 'bounded') THEN 'bounded' ELSE 'exact' END AS quality
  FROM usage_ledger l
  JOIN account a ON a.account_id = l.account_id
 WHERE l.minute >= $1::timestamptz AND l.minute < $2::timestamptz
 GROUP BY l.account_id
 ORDER BY l.account_id;

-- name: usage_totals_by_system
SELECT l.system_id AS group_id, max(s.name) AS group_name, sum(l.msgs_in)::bigint AS msgs_in,
       sum(l.bytes_in)::bigint AS bytes_in, sum(l.msgs_out)::bigint AS msgs_out,
       sum(l.bytes_out)::bigint AS bytes_out, sum(l.connection_seconds)::bigint AS connection_seconds,
       max(l.connections) AS connections_peak,
       CASE WHEN EXISTS (SELECT 1 FROM usage_gap g
                          WHERE g.system_id = l.system_id AND g.starts_at < $2::timestamptz
                            AND g.ends_at > $1::timestamptz) THEN 'gap'
            WHEN bool_or(l.quality = 'bounded') THEN 'bounded' ELSE 'exact' END AS quality
  FROM usage_ledger l
  JOIN system s ON s.system_id = l.system_id
 WHERE l.minute >= $1::timestamptz AND l.minute < $2::timestamptz
 GROUP BY l.system_id
 ORDER BY l.system_id;

-- name: usage_gaps
SELECT node_id, server_id, account_id, reason, starts_at, ends_at, msgs_max, bytes_max
  FROM usage_gap
 WHERE account_id = $1
   AND starts_at < $3::timestamptz
   AND ends_at > $2::timestamptz
 ORDER BY starts_at;
