-- name: node_by_ref
SELECT *, trusted_keys AS trusted_operator_keys
  FROM node_item
 WHERE system_id = $1
   AND $2 IN (id, name, server_id);

-- name: node_list
SELECT *, trusted_keys AS trusted_operator_keys
  FROM node_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND system_id = $9
 ORDER BY id
 LIMIT $2;

-- name: node_expected
SELECT *, trusted_keys AS trusted_operator_keys
  FROM node_item
 WHERE system_id = $1
   AND state <> 'retired'
 ORDER BY id;

-- name: node_retire
UPDATE node
   SET state = 'retired', updated_at = clock_timestamp(), version = version + 1
 WHERE node_id = $1
   AND state = ANY ($2);

-- name: node_upsert
-- $13: states that a heartbeat of the same process ends, $14: that another process does.  A retired
-- node that is heard again joins again.
INSERT INTO node (node_id, name, system_id, state, server_id, cluster, server_version, own,
                  started_at, jetstream, tags, max_payload, clock_skew_ms, last_seen_at,
                  created_by)
VALUES ($1, $2, $3, 'ready', $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp(), 'system')
ON CONFLICT (system_id, name) DO UPDATE
   SET server_id = excluded.server_id, cluster = excluded.cluster,
       server_version = excluded.server_version, own = excluded.own,
       started_at = coalesce(excluded.started_at, node.started_at),
       jetstream = excluded.jetstream, tags = excluded.tags,
       max_payload = CASE WHEN excluded.max_payload > 0 THEN excluded.max_payload
                          ELSE node.max_payload END,
       clock_skew_ms = excluded.clock_skew_ms, last_seen_at = clock_timestamp(),
       state = CASE WHEN node.state = ANY (CASE WHEN node.server_id = excluded.server_id
                                                THEN $13::text[] ELSE $14::text[] END)
                    THEN 'ready' ELSE node.state END,
       trusted_keys = CASE WHEN node.server_id = excluded.server_id THEN node.trusted_keys
                           ELSE '{}' END,
       trust_read_at = CASE WHEN node.server_id = excluded.server_id THEN node.trust_read_at END;

-- name: node_incarnation_insert
-- One row if this server id is new.
INSERT INTO node_incarnation (server_id, node_id, started_at)
SELECT $1, n.node_id, coalesce($4::timestamptz, clock_timestamp())
  FROM node n
 WHERE n.system_id = $2
   AND n.name = $3
ON CONFLICT (server_id) DO NOTHING;

-- name: node_incarnation_seen
UPDATE node_incarnation
   SET last_seen_at = clock_timestamp()
 WHERE server_id = $1;

-- name: node_incarnation_supersede
-- Earlier processes of the same node have ended; their ids.
UPDATE node_incarnation i
   SET ended_at = clock_timestamp(),
       end_reason = CASE WHEN i.end_reason = '' THEN 'replaced' ELSE i.end_reason END
  FROM node n
 WHERE n.node_id = i.node_id
   AND n.system_id = $2
   AND n.name = $3
   AND i.server_id <> $1
   AND i.ended_at IS NULL;

-- name: node_facts_set
UPDATE node
   SET trusted_keys = $2, operator_jti = $3, resolver_kind = $4, config_digest = $5,
       allow_delete = $6, store_limit = $7, trust_read_at = clock_timestamp()
 WHERE node_id = $1;

-- name: node_operator
SELECT s.operator_id
  FROM node n
  JOIN system s ON s.system_id = n.system_id
 WHERE n.node_id = $1;

-- name: node_stored_count
UPDATE node
   SET accounts_stored = $2
 WHERE node_id = $1;

-- name: node_leaving
UPDATE node
   SET state = $2, updated_at = clock_timestamp(), version = version + 1
 WHERE server_id = $1
   AND state = ANY ($3);

-- name: node_incarnation_end
UPDATE node_incarnation
   SET ended_at = clock_timestamp(), end_reason = 'shutdown'
 WHERE server_id = $1
   AND ended_at IS NULL;

-- name: node_age
-- $2: states that become suspect, $3: those that are lost.
WITH moved AS (
    UPDATE node
       SET state = CASE WHEN last_seen_at < clock_timestamp() - interval '5 minutes' THEN 'lost'
                        ELSE 'suspect' END,
           updated_at = clock_timestamp(), version = version + 1
     WHERE system_id = $1
       AND CASE WHEN last_seen_at < clock_timestamp() - interval '5 minutes'
                THEN state = ANY ($3::text[])
                ELSE state = ANY ($2::text[])
                     AND last_seen_at < clock_timestamp() - interval '30 seconds' END
    RETURNING 1
)
SELECT count(*)
  FROM moved;

-- name: sync_record
-- $5 is what the node is known to hold now; NULL leaves that as it is, 0 means "does not hold it".
-- What a process said that has been replaced meanwhile is left out.
INSERT INTO node_account_sync AS s (node_id, account_id, team_id, server_id, stored_revision,
                                    stored_jti, stored_at, applied_revision, applied_jti,
                                    applied_at, loaded, error_class, error_text, attempts,
                                    next_retry_at)
SELECT $1, $2, a.team_id, $3, coalesce($5::bigint, 0), $4,
       CASE WHEN $5::bigint > 0 THEN clock_timestamp() END,
       coalesce($6::bigint, 0), CASE WHEN $6::bigint > 0 THEN $4 ELSE '' END,
       CASE WHEN $6::bigint > 0 THEN clock_timestamp() END, $7,
       $8, $9, CASE WHEN $8 <> '' THEN 1 ELSE 0 END, $10
  FROM account a
  JOIN node n ON n.node_id = $1
 WHERE a.account_id = $2
   AND $3 IN ('', n.server_id)
ON CONFLICT (node_id, account_id) DO UPDATE
   SET server_id = excluded.server_id,
       stored_revision = CASE WHEN $5::bigint = 0 THEN 0
                              ELSE greatest(s.stored_revision, excluded.stored_revision) END,
       stored_jti = CASE WHEN $5::bigint >= s.stored_revision THEN excluded.stored_jti
                         ELSE s.stored_jti END,
       stored_at = CASE WHEN $5::bigint >= s.stored_revision THEN excluded.stored_at
                        ELSE s.stored_at END,
       applied_revision = CASE WHEN $5::bigint = 0 THEN 0
                               WHEN excluded.error_class = 'incomplete'
                               THEN least(s.applied_revision, $5::bigint - 1)
                               ELSE greatest(s.applied_revision, excluded.applied_revision) END,
       applied_jti = CASE WHEN $6::bigint >= s.applied_revision THEN excluded.applied_jti
                          ELSE s.applied_jti END,
       applied_at = CASE WHEN $6::bigint >= s.applied_revision THEN excluded.applied_at
                         ELSE s.applied_at END,
       loaded = excluded.loaded,
       error_class = excluded.error_class,
       error_text = excluded.error_text,
       attempts = CASE WHEN excluded.error_class <> '' THEN s.attempts + 1 ELSE 0 END,
       next_retry_at = excluded.next_retry_at;

-- name: sync_held
-- Seen in the node's store: $3, $4, $5 are accounts, revisions and jtis.  A node of ours applies
-- what it has stored; of a stock node we only know that it will.
INSERT INTO node_account_sync AS s (node_id, account_id, team_id, server_id, stored_revision,
                                    stored_jti, stored_at, applied_revision, applied_jti,
                                    applied_at)
SELECT n.node_id, a.account_id, a.team_id, n.server_id, w.revision, w.jti, clock_timestamp(),
       CASE WHEN n.own THEN w.revision ELSE 0 END, CASE WHEN n.own THEN w.jti ELSE '' END,
       CASE WHEN n.own THEN clock_timestamp() END
  FROM unnest($3::text[], $4::bigint[], $5::text[]) AS w (account_id, revision, jti)
  JOIN account a ON a.account_id = w.account_id
  JOIN node n ON n.node_id = $1 AND n.server_id = $2
 ORDER BY a.account_id
ON CONFLICT (node_id, account_id) DO UPDATE
   SET server_id = excluded.server_id,
       stored_revision = excluded.stored_revision,
       stored_jti = excluded.stored_jti,
       stored_at = coalesce(s.stored_at, excluded.stored_at),
       applied_revision = greatest(s.applied_revision, excluded.applied_revision),
       applied_jti = CASE WHEN excluded.applied_revision > s.applied_revision
                          THEN excluded.applied_jti ELSE s.applied_jti END,
       applied_at = coalesce(s.applied_at, excluded.applied_at),
       loaded = false,
       error_class = '',
       error_text = '',
       attempts = 0,
       next_retry_at = NULL
 WHERE s.stored_revision < excluded.stored_revision
    OR (s.stored_revision = excluded.stored_revision
        AND (s.applied_revision < excluded.applied_revision
             OR s.error_class NOT IN ('', 'incomplete')));

-- name: sync_forget_node
-- It has to be asked again; until then it counts as not having anything.
UPDATE node_account_sync
   SET stored_revision = 0, applied_revision = 0, loaded = false
 WHERE node_id = $1;

-- name: sync_block
UPDATE account
   SET sync_blocked = $2
 WHERE account_id = $1
   AND sync_blocked <> $2;

-- name: sync_foreign
UPDATE account
   SET foreign_jti = $2
 WHERE account_id = $1
   AND foreign_jti <> $2;

-- name: sync_foreign_over
-- Every node of the system was looked at: only these are still another hand's.
UPDATE account
   SET foreign_jti = ''
 WHERE system_id = $1
   AND foreign_jti <> ''
   AND account_id <> ALL ($2::text[]);

-- name: sync_of_account
-- A full pass looks at all accounts that there are.
SELECT a.sync ->> 'state' AS state, a.revision, a.jti, a.claims_hash, a.sync_blocked AS blocked,
       a.iat, (a.sync ->> 'nodes_total')::bigint AS nodes_total,
       (a.sync ->> 'nodes_ok')::bigint AS nodes_stored,
       (SELECT s.last_compare_at
          FROM system s
         WHERE s.system_id = a.system_id
           AND s.last_compare_at > a.created_at) AS last_full_check_at
  FROM account_item a
 WHERE a.id = $1;

-- name: sync_nodes
SELECT n.name AS node, n.node_id, n.server_id, n.state AS node_state,
       CASE WHEN coalesce(s.stored_revision, 0) >= a.revision AND a.revision > 0 THEN 'current'
            WHEN coalesce(s.stored_revision, 0) > 0 THEN 'behind'
            ELSE 'never' END AS stored,
       CASE WHEN coalesce(s.applied_revision, 0) >= a.revision AND a.revision > 0 THEN 'current'
            WHEN s.stored_revision >= a.revision AND s.error_class = 'incomplete'
            THEN 'incomplete'
            WHEN s.stored_revision >= a.revision AND NOT s.loaded THEN 'not_loaded'
            WHEN coalesce(s.applied_revision, 0) > 0 THEN 'behind'
            ELSE 'never' END AS applied,
       coalesce(s.stored_revision, 0) AS stored_revision,
       coalesce(s.applied_revision, 0) AS applied_revision, s.stored_at, s.applied_at,
       coalesce(s.error_class, '') AS error_class, coalesce(s.error_text, '') AS error_text,
       coalesce(s.attempts, 0) AS attempts, s.next_retry_at
  FROM account a
  JOIN node n ON n.system_id = a.system_id AND n.state <> 'retired'
  LEFT JOIN node_account_sync s ON s.node_id = n.node_id AND s.account_id = a.account_id
 WHERE a.account_id = $1
 ORDER BY n.node_id;

-- name: sync_reached
-- Pairs of account and revision that every node has: applied (if not all imports), or stored
-- where it cannot tell.
SELECT w.account_id AS text
  FROM unnest($1::text[], $2::bigint[]) AS w (account_id, revision)
  JOIN account a ON a.account_id = w.account_id
 WHERE EXISTS (SELECT FROM node n WHERE n.system_id = a.system_id AND n.state <> 'retired')
   AND NOT EXISTS (SELECT
                     FROM node n
                     LEFT JOIN node_account_sync s
                       ON s.node_id = n.node_id AND s.account_id = a.account_id
                    WHERE n.system_id = a.system_id
                      AND n.state <> 'retired'
                      AND NOT coalesce(s.applied_revision >= w.revision
                                       OR (s.stored_revision >= w.revision
                                           AND (s.error_class = 'incomplete'
                                                OR (NOT s.loaded AND NOT n.own))), false));
