-- What a team of 100,000 accounts, or an account of 100,000 users, asks of the database: indexes
-- for what is looked for, and a tally in place of counting accounts at each request.
--
-- On a database that is in use: writing to account, credential and nats_user waits until this is
-- done, reading does not.  100,000 accounts, users and credentials take about two seconds.  A
-- control plane of an older version that writes meanwhile may lose against it in a deadlock, or
-- make it lose; then nothing is changed, and the next start tries again.

------------------------------------------------------------------------------------- indexes

-- Pages of a team's accounts, and those in a state that few have.
CREATE INDEX account_team ON account (team_id, account_id) WHERE state <> 'deleted';
CREATE INDEX account_team_state ON account (team_id, state, account_id) WHERE state <> 'active';

-- team_id stands in what is counted, so that a tenant's wall is looked up in the index too.
CREATE INDEX nats_user_live ON nats_user (account_id) INCLUDE (team_id) WHERE state <> 'deleted';
DROP INDEX nats_user_role;
CREATE INDEX nats_user_role ON nats_user (role_id) INCLUDE (team_id)
    WHERE role_id IS NOT NULL AND state <> 'deleted';

CREATE INDEX credential_account ON credential (account_id, credential_id);
CREATE INDEX credential_live ON credential (account_id, expires_at) INCLUDE (team_id)
    WHERE state = 'active';
CREATE INDEX credential_signing_key ON credential (signing_key_id, expires_at) INCLUDE (team_id)
    WHERE state = 'active';
CREATE INDEX credential_expiry ON credential (expires_at) WHERE state = 'active';

--------------------------------------------------------------------------------------- tally

-- How many accounts a team has of each plan's version in each state.  A trigger keeps it, with the
-- owner's rights; nobody else writes.  The system's own account is nobody's and not in it.
--
-- Whoever changes an account holds its row first, whoever creates one the team's (team_lock), and
-- then the rows here in the order of their key, until his transaction ends: so two that want the
-- same rows wait for one another and never in a circle.
CREATE TABLE account_tally (
    team_id      text   NOT NULL,
    plan_id      text   NOT NULL,
    plan_version bigint NOT NULL,
    state        text   NOT NULL,
    accounts     bigint NOT NULL,
    PRIMARY KEY (team_id, plan_id, plan_version, state)
);
CREATE INDEX account_tally_plan ON account_tally (plan_id, plan_version);

CREATE FUNCTION account_tally_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
BEGIN
    INSERT INTO account_tally AS t (team_id, plan_id, plan_version, state, accounts)
    SELECT c.*
      FROM (SELECT OLD.team_id, OLD.plan_id, OLD.plan_version, OLD.state, -1 WHERE TG_OP <> 'INSERT'
             UNION ALL
            SELECT NEW.team_id, NEW.plan_id, NEW.plan_version, NEW.state, 1 WHERE TG_OP <> 'DELETE')
           AS c (team_id, plan_id, plan_version, state, change)
     WHERE c.team_id IS NOT NULL AND c.plan_id IS NOT NULL
     ORDER BY c.team_id, c.plan_id, c.plan_version, c.state
    ON CONFLICT (team_id, plan_id, plan_version, state) DO UPDATE
       SET accounts = t.accounts + excluded.accounts;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION account_tally_keep() FROM PUBLIC;

-- The lock that this takes stays until the end: what is counted below is what there is.
CREATE TRIGGER account_tally_made AFTER INSERT OR DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION account_tally_keep();
CREATE TRIGGER account_tally_moved AFTER UPDATE ON account
    FOR EACH ROW
    WHEN ((OLD.team_id, OLD.plan_id, OLD.plan_version, OLD.state)
          IS DISTINCT FROM (NEW.team_id, NEW.plan_id, NEW.plan_version, NEW.state))
    EXECUTE FUNCTION account_tally_keep();

INSERT INTO account_tally (team_id, plan_id, plan_version, state, accounts)
SELECT team_id, plan_id, plan_version, state, count(*)
  FROM account
 WHERE team_id IS NOT NULL AND plan_id IS NOT NULL
 GROUP BY team_id, plan_id, plan_version, state;

GRANT SELECT ON account_tally TO berth_service, berth_tenant;
ALTER TABLE account_tally ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON account_tally TO berth_service USING (true);
CREATE POLICY own_rows ON account_tally TO berth_tenant
    USING (team_id = current_setting('berth.team', true));

-- The words of a state in which an account counts for its team and its plan stand here, once.
CREATE VIEW account_total WITH (security_invoker = true) AS
SELECT team_id, plan_id, plan_version, accounts
  FROM account_tally
 WHERE state NOT IN ('tombstoned', 'deleted');
GRANT SELECT ON account_total TO berth_service, berth_tenant;

CREATE OR REPLACE VIEW team_item WITH (security_invoker = true) AS
SELECT t.*, t.team_id AS id, 'team' AS kind,
       (SELECT coalesce(sum(a.accounts), 0)::bigint
          FROM account_total a
         WHERE a.team_id = t.team_id) AS account_count
  FROM team t;

-- A version of a plan, as accounts are made from it: what depends on how many there are is not here.
CREATE VIEW plan_terms WITH (security_invoker = true) AS
SELECT p.plan_id AS id, 'plan' AS kind, p.name, p.display_name, p.description, p.labels,
       p.created_at, p.created_by, p.updated_at, p.version, p.conditions, p.state, p.is_default,
       v.plan_version, v.plan_version = p.plan_version AS is_current,
       limits_json(v.limit_set_id) AS limits, limits_json(v.max_set_id) AS max,
       v.allowed_overrides
  FROM plan p
  JOIN plan_version v ON v.plan_id = p.plan_id;
GRANT SELECT ON plan_terms TO berth_service, berth_tenant;

CREATE OR REPLACE VIEW plan_item WITH (security_invoker = true) AS
SELECT p.*,
       (SELECT coalesce(sum(a.accounts), 0)::bigint
          FROM account_total a
         WHERE a.plan_id = p.id AND a.plan_version = p.plan_version) AS account_count
  FROM plan_terms p;
