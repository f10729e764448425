-- What the API shows of each resource: the columns are named here, once.
--
-- Views run with the rights and row policies of whoever asks (security_invoker).

-- The common filters of lists; NULL: not asked for.
CREATE FUNCTION list_matches(name text, state text, labels jsonb, created_at timestamptz,
                             updated_at timestamptz, want_state text, want_q text,
                             want_labels jsonb, created_after timestamptz,
                             created_before timestamptz, updated_after timestamptz)
    RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT (want_state IS NULL OR state = want_state)
       AND (want_q IS NULL OR starts_with(name, want_q))
       AND (want_labels IS NULL OR labels @> want_labels)
       AND (list_matches.created_after IS NULL OR created_at >= list_matches.created_after)
       AND (list_matches.created_before IS NULL OR created_at < list_matches.created_before)
       AND (list_matches.updated_after IS NULL OR updated_at >= list_matches.updated_after)
$$;

-- A set of limits as one document; an empty one for NULL.
CREATE FUNCTION limits_json(id text) RETURNS jsonb LANGUAGE sql STABLE AS
$$
    SELECT coalesce((SELECT jsonb_strip_nulls(to_jsonb(s)) - 'limit_set_id' - 'team_id'
                            || jsonb_build_object('tiers',
                                   coalesce((SELECT jsonb_agg(to_jsonb(t) - 'limit_set_id'
                                                              ORDER BY t.tier)
                                               FROM limit_tier t
                                              WHERE t.limit_set_id = s.limit_set_id), '[]'))
                       FROM limit_set s
                      WHERE s.limit_set_id = id), '{}')
$$;

CREATE VIEW operator_item WITH (security_invoker = true) AS
SELECT o.*, o.operator_id AS id, 'operator' AS kind,
       (SELECT k.operator_key_id
          FROM operator_key k
         WHERE k.operator_id = o.operator_id AND k.state = 'active') AS active_signing_key_id
  FROM operator o;

CREATE VIEW operator_key_item WITH (security_invoker = true) AS
SELECT k.*, k.operator_key_id AS id, 'operator_signing_key' AS kind
  FROM operator_key k;

CREATE VIEW system_item WITH (security_invoker = true) AS
SELECT s.*, s.system_id AS id, 'system' AS kind,
       a.account_id AS system_account_id, a.public_key AS system_account_key,
       coalesce(n.allow_delete, false) AS allow_delete,
       coalesce(n.total, 0) AS nodes_total, coalesce(n.ready, 0) AS nodes_ready
  FROM system s
  LEFT JOIN account a ON a.system_id = s.system_id AND a.is_system
  LEFT JOIN LATERAL (SELECT bool_and(n.allow_delete) AS allow_delete, count(*) AS total,
                            count(*) FILTER (WHERE n.state = 'ready') AS ready
                       FROM node n
                      WHERE n.system_id = s.system_id AND n.state <> 'retired') n ON true;

CREATE VIEW node_item WITH (security_invoker = true) AS
SELECT n.*, n.node_id AS id, 'node' AS kind
  FROM node n;

CREATE VIEW plan_item WITH (security_invoker = true) AS
SELECT p.plan_id AS id, 'plan' AS kind, p.name, p.display_name, p.description, p.labels,
       p.created_at, p.created_by, p.updated_at, p.version, p.conditions, p.state, p.is_default,
       v.plan_version, v.plan_version = p.plan_version AS is_current,
       limits_json(v.limit_set_id) AS limits, limits_json(v.max_set_id) AS max,
       v.allowed_overrides,
       (SELECT count(*)
          FROM account a
         WHERE a.plan_id = p.plan_id AND a.plan_version = v.plan_version
           AND a.state NOT IN ('tombstoned', 'deleted')) AS account_count
  FROM plan p
  JOIN plan_version v ON v.plan_id = p.plan_id;

CREATE VIEW team_item WITH (security_invoker = true) AS
SELECT t.*, t.team_id AS id, 'team' AS kind,
       (SELECT count(*)
          FROM account a
         WHERE a.team_id = t.team_id
           AND a.state NOT IN ('tombstoned', 'deleted')) AS account_count
  FROM team t;

CREATE VIEW member_item WITH (security_invoker = true) AS
SELECT m.*, m.member_id AS id, 'member' AS kind
  FROM member m;

CREATE VIEW token_item WITH (security_invoker = true) AS
SELECT t.token_id AS id, 'token' AS kind, t.name, t.display_name, t.description, t.labels,
       t.created_at, t.created_by, t.updated_at, t.version, t.conditions,
       CASE WHEN t.state = 'active' AND t.expires_at <= now() THEN 'expired' ELSE t.state
       END AS state,
       t.team_id, t.member_id, t.parent_id, t.role, t.scopes, t.accounts, t.allowed_cidrs,
       t.expires_at, t.last_used_at, t.last_used_from
  FROM api_token t;

-- How far the newest revision of an account has come.
CREATE FUNCTION sync_word(revision bigint, total bigint, stored bigint, applied bigint,
                          failed bigint, blocked text, foreign_jti text)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE WHEN blocked <> '' THEN 'blocked'
                WHEN foreign_jti <> '' THEN 'foreign_writer'
                WHEN revision = 0 OR total = 0 THEN 'pending'
                WHEN applied = total THEN 'applied'
                WHEN stored = total THEN 'stored'
                WHEN failed > 0 THEN 'degraded'
                WHEN stored > 0 THEN 'pushing'
                ELSE 'pending'
           END
$$;

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

CREATE VIEW role_item WITH (security_invoker = true) AS
SELECT r.*, r.role_id AS id, 'role' AS kind,
       (SELECT count(*)
          FROM nats_user u
         WHERE u.role_id = r.role_id AND u.state <> 'deleted') AS user_count
  FROM scoped_role r;

CREATE VIEW signing_key_item WITH (security_invoker = true) AS
SELECT k.*, k.signing_key_id AS id, 'signing_key' AS kind,
       (SELECT count(*)
          FROM credential c
         WHERE c.signing_key_id = k.signing_key_id AND c.state = 'active'
           AND (c.expires_at IS NULL OR c.expires_at > now())) AS live_credentials
  FROM signing_key k;

CREATE VIEW user_item WITH (security_invoker = true) AS
SELECT u.*, u.user_id AS id, 'user' AS kind
  FROM nats_user u;

CREATE VIEW credential_item WITH (security_invoker = true) AS
SELECT c.credential_id AS id, 'credential' AS kind, c.name, c.display_name, c.description,
       c.labels, c.created_at, c.created_by, c.updated_at, c.version, c.conditions,
       CASE WHEN c.state = 'active' AND c.expires_at <= now() THEN 'expired' ELSE c.state
       END AS state,
       c.team_id, c.account_id, c.user_id, c.jti, c.public_key, c.issuer_key, c.signing_key_id,
       c.issued_at, c.expires_at, c.last_seen_at, c.last_seen_from
  FROM credential c;

CREATE VIEW revocation_item WITH (security_invoker = true) AS
SELECT r.*, r.revocation_id AS id, 'revocation' AS kind
  FROM revocation r;

CREATE VIEW operation_item WITH (security_invoker = true) AS
SELECT o.*, o.operation_id AS id, 'operation' AS kind,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
                            'ordinal', s.ordinal, 'name', s.name, 'state', s.state,
                            'attempts', s.attempts, 'detail', s.detail, 'data', s.data,
                            'started_at', to_char(s.started_at AT TIME ZONE 'UTC',
                                                  'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                            'finished_at', to_char(s.finished_at AT TIME ZONE 'UTC',
                                                   'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                                  ORDER BY s.ordinal)
                   FROM operation_step s
                  WHERE s.operation_id = o.operation_id), '[]') AS steps
  FROM operation o;

CREATE VIEW audit_item WITH (security_invoker = true) AS
SELECT e.*, e.event_id AS id, 'audit_event' AS kind, e.at AS time
  FROM audit_event e;

GRANT SELECT ON operator_item, operator_key_item, system_item, node_item, plan_item, team_item,
    member_item, token_item, account_item, role_item, signing_key_item, user_item,
    credential_item, revocation_item, operation_item, audit_item TO berth_service;
GRANT SELECT ON system_item, node_item, plan_item, team_item, member_item, token_item,
    account_item, role_item, signing_key_item, user_item, credential_item, revocation_item,
    operation_item, audit_item TO berth_tenant;
