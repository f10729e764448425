-- name: health_figures
SELECT 'cp_outbox_depth' AS name, '' AS label, '' AS value_of, count(*) AS value
  FROM outbox
UNION ALL
SELECT 'cp_outbox_oldest_seconds', '', '',
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at))::bigint, 0)
  FROM outbox
UNION ALL
SELECT 'cp_accounts', 'state', state, sum(accounts)::bigint
  FROM account_tally
 WHERE state <> 'deleted'
 GROUP BY state
UNION ALL
SELECT 'cp_accounts_by_sync', 'sync_state', word, count(*)
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
SELECT 'cp_node_behind_accounts', 'node', n.name,
       count(a.account_id) FILTER (WHERE coalesce(s.stored_revision, 0) < a.revision)
  FROM node n
  LEFT JOIN account a
    ON a.system_id = n.system_id AND NOT a.is_system AND a.state <> 'deleted'
  LEFT JOIN node_account_sync s ON s.node_id = n.node_id AND s.account_id = a.account_id
 WHERE n.state <> 'retired'
 GROUP BY n.node_id, n.name
UNION ALL
SELECT 'cp_lease_held', 'role', role, count(*)
  FROM lease
 WHERE expires_at > clock_timestamp()
 GROUP BY role
UNION ALL
SELECT 'cp_node_up', 'node', name, CASE WHEN state IN ('ready', 'lame_duck') THEN 1 ELSE 0 END
  FROM node
 WHERE state <> 'retired'
UNION ALL
SELECT 'cp_node_accounts_stored', 'node', name, accounts_stored
  FROM node
 WHERE state <> 'retired'
UNION ALL
SELECT 'cp_operations_open', 'type', type, count(*)
  FROM operation
 WHERE state IN ('pending', 'running')
 GROUP BY type
UNION ALL
SELECT 'cp_usage_gap_seconds_total', '', '',
       coalesce(sum(extract(epoch FROM ends_at - starts_at)), 0)::bigint
  FROM usage_gap
UNION ALL
SELECT 'cp_credentials_expiring', 'days', d.days::text, count(c.credential_id)
  FROM (VALUES (1), (7), (30)) AS d (days)
  LEFT JOIN credential c
    ON c.state = 'active' AND c.expires_at BETWEEN now() AND now() + make_interval(days => d.days)
 GROUP BY d.days;

-- name: health_systems
SELECT s.name, count(n.node_id) AS total,
       count(n.node_id) FILTER (WHERE n.state = 'ready') AS ready
  FROM system s
  LEFT JOIN node n ON n.system_id = s.system_id AND n.state <> 'retired'
 WHERE s.state <> 'released'
 GROUP BY s.system_id, s.name
 ORDER BY s.name;
