-- name: metrics_of_service
-- Of what belongs to a node its system is said, too: two systems may have nodes of one name.
SELECT 'cp_outbox_depth' AS name, '' AS label, '' AS value_of, '' AS system, count(*) AS value
  FROM outbox
UNION ALL
SELECT 'cp_outbox_oldest_seconds', '', '', '',
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at))::bigint, 0)
  FROM outbox
UNION ALL
SELECT 'cp_accounts_by_state', 'state', state, '', sum(accounts)::bigint
  FROM account_tally
 WHERE state <> 'deleted'
 GROUP BY state
UNION ALL
SELECT 'cp_accounts', 'sync_state', word, '', count(*)
  FROM (SELECT sync_word(a.revision, count(n.node_id),
                         count(*) FILTER (WHERE s.stored_revision >= a.revision),
                         count(*) FILTER (WHERE s.applied_revision >= a.revision),
                         count(*) FILTER (WHERE s.error_class = 'incomplete'),
                         count(*) FILTER (WHERE s.error_class NOT IN ('', 'incomplete')),
                         a.sync_blocked, a.foreign_jti) AS word
          FROM account a
          LEFT JOIN node n ON n.system_id = a.system_id AND n.state <> 'retired'
          LEFT JOIN node_account_sync s
            ON s.node_id = n.node_id AND s.account_id = a.account_id
         WHERE NOT a.is_system AND a.state <> 'deleted'
         GROUP BY a.account_id) w
 GROUP BY word
UNION ALL
SELECT 'cp_node_behind_accounts', 'node', n.name, y.name,
       count(a.account_id) FILTER (WHERE coalesce(s.stored_revision, 0) < a.revision)
  FROM node n
  JOIN system y ON y.system_id = n.system_id
  LEFT JOIN account a
    ON a.system_id = n.system_id AND NOT a.is_system AND a.state <> 'deleted'
  LEFT JOIN node_account_sync s ON s.node_id = n.node_id AND s.account_id = a.account_id
 WHERE n.state <> 'retired'
 GROUP BY n.node_id, n.name, y.name
UNION ALL
SELECT 'cp_lease_held', 'role', role, '', count(*)
  FROM lease
 WHERE expires_at > clock_timestamp()
 GROUP BY role
UNION ALL
SELECT 'cp_node_up', 'node', n.name, y.name,
       CASE WHEN n.state IN ('ready', 'lame_duck') THEN 1 ELSE 0 END
  FROM node n
  JOIN system y ON y.system_id = n.system_id
 WHERE n.state <> 'retired'
UNION ALL
SELECT 'cp_node_accounts_stored', 'node', n.name, y.name, n.accounts_stored
  FROM node n
  JOIN system y ON y.system_id = n.system_id
 WHERE n.state <> 'retired'
UNION ALL
SELECT 'cp_operations_open', 'type', type, '', count(*)
  FROM operation
 WHERE state IN ('pending', 'running')
 GROUP BY type
UNION ALL
SELECT 'cp_usage_gap_seconds_total', '', '', '',
       coalesce(sum(extract(epoch FROM ends_at - starts_at)), 0)::bigint
  FROM usage_gap
UNION ALL
SELECT 'cp_credentials_expiring', 'days', d.days::text, '', count(c.credential_id)
  FROM (VALUES (1), (7), (30)) AS d (days)
  LEFT JOIN credential c
    ON c.state = 'active' AND c.expires_at BETWEEN now() AND now() + make_interval(days => d.days)
 GROUP BY d.days;

-- name: metrics_of_accounts
-- $1: of so many accounts, those with the most messages.  A node that was started anew is its newest
-- epoch, while the one before is not closed yet.  Epochs of a node that was retired or lost, and of
-- a deleted account, stay open: a node may come back, and ends them with its next start.
WITH latest AS (
    SELECT DISTINCT ON (e.account_id, e.node_id) e.*
      FROM usage_epoch e
      JOIN node n ON n.node_id = e.node_id AND n.state IN ('ready', 'suspect', 'lame_duck')
     WHERE e.closed_at IS NULL
     ORDER BY e.account_id, e.node_id, e.epoch_id DESC),
used AS (
    SELECT a.account_id, a.name, a.team_id, sum(l.msgs_in + l.msgs_out) AS msgs
      FROM latest l
      JOIN account a
        ON a.account_id = l.account_id AND NOT a.is_system AND a.state <> 'deleted'
     GROUP BY a.account_id),
busiest AS (
    SELECT * FROM used ORDER BY msgs DESC, account_id LIMIT $1)
SELECT b.account_id, b.name AS account, t.name AS team, y.name AS system, n.name AS node,
       l.connections, l.subscriptions, l.msgs_in, l.bytes_in, l.msgs_out, l.bytes_out,
       l.slow_consumers, (SELECT count(*) FROM used) AS accounts
  FROM busiest b
  JOIN team t ON t.team_id = b.team_id
  JOIN latest l ON l.account_id = b.account_id
  JOIN node n ON n.node_id = l.node_id
  JOIN system y ON y.system_id = n.system_id
 ORDER BY t.name, b.name, b.account_id, y.name, n.name;
