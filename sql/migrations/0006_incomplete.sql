-- An account whose nodes lack imports says so in its own sync as well, and what happened to one
-- resource is found by an index.
--
-- On a database that is in use: writing of events waits while the index is made.

CREATE INDEX audit_event_resource ON audit_event (resource_id, event_id);

-- How far the newest revision of an account has come.  The one without `incomplete` stays for a
-- control plane of an older version that runs beside.
CREATE FUNCTION sync_word(revision bigint, total bigint, stored bigint, applied bigint,
                          incomplete bigint, failed bigint, blocked text, foreign_jti text)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE WHEN blocked <> '' THEN 'blocked'
                WHEN foreign_jti <> '' THEN 'foreign_writer'
                WHEN revision = 0 OR total = 0 THEN 'pending'
                WHEN applied = total THEN 'applied'
                WHEN stored = total AND incomplete > 0 THEN 'incomplete'
                WHEN stored = total THEN 'stored'
                WHEN failed > 0 THEN 'degraded'
                WHEN stored > 0 THEN 'pushing'
                ELSE 'pending'
           END
$$;

CREATE OR REPLACE VIEW account_item WITH (security_invoker = true) AS
SELECT a.*, a.account_id AS id, 'account' AS kind,
       limits_json(a.override_set_id) AS overrides,
       (SELECT s.public_urls FROM system s WHERE s.system_id = a.system_id) AS connect_urls,
       jsonb_build_object('state', sync_word(a.revision, k.total, k.stored, k.applied,
                                             k.incomplete, k.failed, a.sync_blocked,
                                             a.foreign_jti),
                          'revision', a.revision, 'nodes_ok', k.stored,
                          'nodes_total', k.total) AS sync
  FROM account a
 CROSS JOIN LATERAL (SELECT count(*) AS total,
                            count(*) FILTER (WHERE s.stored_revision >= a.revision) AS stored,
                            count(*) FILTER (WHERE s.applied_revision >= a.revision) AS applied,
                            count(*) FILTER (WHERE s.error_class = 'incomplete') AS incomplete,
                            count(*) FILTER (WHERE s.error_class NOT IN ('', 'incomplete'))
                                AS failed
                       FROM node n
                       LEFT JOIN node_account_sync s
                         ON s.node_id = n.node_id AND s.account_id = a.account_id
                      WHERE n.system_id = a.system_id AND n.state <> 'retired') k;
