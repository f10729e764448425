-- name: audit_insert
INSERT INTO audit_event (event_id, at, team_id, account_id, actor_type, actor_id, actor_name,
                         via_token, source_ip, user_agent, request_id, action, resource_kind,
                         resource_id, resource_name, outcome, reason, before, after, revision,
                         operation_id, on_behalf_of)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22);

-- name: audit_list
-- Newest first.
SELECT e.*, e.event_id AS id, 'audit_event' AS kind, e.at AS time
  FROM audit_event e
 WHERE event_id < coalesce($1, '~')
   AND ($3::timestamptz IS NULL OR at >= $3)
   AND ($4::timestamptz IS NULL OR at < $4)
   AND ($5::text IS NULL OR team_id = $5)
   AND ($6::text IS NULL OR account_id = $6)
   AND ($7::text IS NULL OR actor_id = $7 OR via_token = $7)
   AND ($8::text IS NULL OR action = $8)
   AND ($9::text IS NULL OR resource_id = $9)
   AND ($10::text IS NULL OR outcome = $10)
   AND ($11::text[] IS NULL OR account_id = ANY ($11))
 ORDER BY event_id DESC
 LIMIT $2;

-- name: audit_state_near
-- The state of a resource whose version is nearest to one, among its newest events.
SELECT (states.state ->> 'version')::bigint AS version, states.state
  FROM (SELECT e.before, e.after
          FROM audit_event e
         WHERE e.resource_id = $1
         ORDER BY e.event_id DESC
         LIMIT $3) AS recent
 CROSS JOIN LATERAL (VALUES (recent.before), (recent.after)) AS states (state)
 WHERE jsonb_typeof(states.state -> 'version') = 'number'
 ORDER BY abs((states.state ->> 'version')::bigint - $2)
 LIMIT 1;
