-- name: health_systems
SELECT s.name, count(n.node_id) AS total,
       count(n.node_id) FILTER (WHERE n.state = 'ready') AS ready
  FROM system s
  LEFT JOIN node n ON n.system_id = s.system_id AND n.state <> 'retired'
 WHERE s.state <> 'released'
 GROUP BY s.system_id, s.name
 ORDER BY s.name;
