-- Who suspended an account: a team may not undo what the operator did.
--
-- '' when it is not suspended.  For accounts suspended before this ran, the audit log knows who it
-- was; an account of which it says nothing is the operator's, since he can undo that.

ALTER TABLE account ADD COLUMN suspended_by text NOT NULL DEFAULT ''
    CHECK (suspended_by IN ('', 'operator', 'team'));

UPDATE account a
   SET suspended_by = coalesce((SELECT CASE WHEN e.actor_type IN ('member', 'service') THEN 'team'
                                            ELSE 'operator' END
                                  FROM audit_event e
                                 WHERE e.account_id = a.account_id
                                   AND e.action = 'account.suspend'
                                   AND e.outcome = 'success'
                                 ORDER BY e.event_id DESC
                                 LIMIT 1), 'operator')
 WHERE a.state = 'suspended';

-- A view's a.* is what the table had when the view was made.
DROP VIEW account_item;
CREATE VIEW account_item WITH (security_invoker = true) AS
SELECT a.*, a.account_id AS id, 'account' AS kind,
       limits_json(a.override_set_id) AS overrides,
       (SELECT s.public_urls FROM system s WHERE s.system_id = a.system_id) AS connect_urls,
       jsonb_build_object('state', sync_word(a.revision, k.total, k.stored, k.applied, k.failed,
                                             a.sync_blocked, a.foreign_jti),
                          'revision', a.revision, 'nodes_ok', k.stored,
                          'nodes_total', k.total) AS sync
  FROM account a
 CROSS JOIN LATERAL (SELECT count(*) AS total,
                            count(*) FILTER (WHERE s.stored_revision >= a.revision) AS stored,
                            count(*) FILTER (WHERE s.applied_revision >= a.revision) AS applied,
                            count(*) FILTER (WHERE s.error_class <> '') AS failed
                       FROM node n
                       LEFT JOIN node_account_sync s
                         ON s.node_id = n.node_id AND s.account_id = a.account_id
                      WHERE n.system_id = a.system_id AND n.state <> 'retired') k;

GRANT SELECT ON account_item TO berth_service, berth_tenant;
