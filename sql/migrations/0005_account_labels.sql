-- A team's accounts by label, in the order of lists.
--
-- Behind a tenant's wall no index is asked for labels @> '...', because it might tell of others'
-- rows; so each label of an account is a row here too.  A value is looked for by its beginning;
-- lists ask the account's own labels as well.
--
-- On a database that is in use: writing to account waits until this is done; 100,000 accounts with
-- two labels each take about two seconds.
CREATE TABLE account_label (
    team_id    text NOT NULL,
    key        text NOT NULL,
    value      text NOT NULL,
    account_id text NOT NULL
);

CREATE FUNCTION account_label_value(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT left(value, 200)
$$;

CREATE FUNCTION account_label_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM account_label l
         USING jsonb_each_text(OLD.labels) e
         WHERE l.team_id = OLD.team_id AND l.key = e.key
           AND l.value = account_label_value(e.value) AND l.account_id = OLD.account_id;
    END IF;
    INSERT INTO account_label (team_id, key, value, account_id)
    SELECT NEW.team_id, e.key, account_label_value(e.value), NEW.account_id
      FROM jsonb_each_text(NEW.labels) e;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION account_label_keep() FROM PUBLIC;

-- The lock that this takes stays until the end: what is copied below is what there is.
CREATE TRIGGER account_label_made AFTER INSERT ON account
    FOR EACH ROW WHEN (NEW.team_id IS NOT NULL AND NEW.labels <> '{}')
    EXECUTE FUNCTION account_label_keep();
CREATE TRIGGER account_label_changed AFTER UPDATE ON account
    FOR EACH ROW WHEN (NEW.team_id IS NOT NULL AND OLD.labels <> NEW.labels)
    EXECUTE FUNCTION account_label_keep();

INSERT INTO account_label (team_id, key, value, account_id)
SELECT a.team_id, e.key, account_label_value(e.value), a.account_id
  FROM account a, jsonb_each_text(a.labels) e
 WHERE a.team_id IS NOT NULL;
ALTER TABLE account_label ADD PRIMARY KEY (team_id, key, value, account_id);
ALTER TABLE account_label ADD FOREIGN KEY (account_id) REFERENCES account ON DELETE CASCADE;

GRANT SELECT ON account_label TO berth_service, berth_tenant;
ALTER TABLE account_label ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON account_label TO berth_service USING (true);
CREATE POLICY own_rows ON account_label TO berth_tenant
    USING (team_id = current_setting('berth.team', true));
