-- The schema of the control plane.
--
-- Three roles.  The owner (whoever runs this) has the schema and serves nobody.  berth_service
-- serves operators and jobs; berth_tenant serves one team in a transaction that has set
-- berth.team, and sees the rows of that team only, whatever a statement forgets to say.
--
-- Every resource has the columns of resource_head.  Times are timestamptz, counters bigint.

DO $$
DECLARE
    name text;
BEGIN
    -- Roles belong to the whole server: another database may be making them this moment.
    FOREACH name IN ARRAY ARRAY['berth_service', 'berth_tenant'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
    END LOOP;
END
$$;

-- A pattern for others (LIKE), never filled.
CREATE TABLE resource_head (
    name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    display_name text        NOT NULL DEFAULT '' CHECK (length(display_name) <= 200),
    description  text        NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    labels       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by   text        NOT NULL DEFAULT '',
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    version      bigint      NOT NULL DEFAULT 1 CHECK (version > 0),
    conditions   jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(conditions) = 'array')
);

---------------------------------------------------------------------------------- secrets

-- A version of the master key; `proof` is a sealed constant that tells the right key from a wrong one.
CREATE TABLE sealing_key (
    key_version bigint      PRIMARY KEY CHECK (key_version > 0),
    proof       text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One random key for each account and operator, wrapped by the master key; gone with its owner.
CREATE TABLE data_key (
    data_key_id text        PRIMARY KEY,
    team_id     text,
    owner_id    text        NOT NULL UNIQUE,
    key_version bigint      NOT NULL REFERENCES sealing_key ON DELETE RESTRICT,
    wrapped     text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A seed, sealed under its owner's data key and bound to this row.
CREATE TABLE secret (
    secret_id   text        PRIMARY KEY,
    team_id     text,
    data_key_id text        NOT NULL REFERENCES data_key ON DELETE CASCADE,
    purpose     text        NOT NULL,
    ciphertext  text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX secret_data_key ON secret (data_key_id);

--------------------------------------------------------------------------- the operator's side

CREATE TABLE operator (
    operator_id           text   PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    state                 text   NOT NULL DEFAULT 'active' CHECK (state IN ('active')),
    public_key            text   NOT NULL UNIQUE CHECK (public_key ~ '^O[A-Z2-7]{55}$'),
    strict_signing_keys   boolean NOT NULL DEFAULT true,
    assert_server_version text   NOT NULL DEFAULT '',
    account_server_url    text   NOT NULL DEFAULT '',
    operator_service_urls text[] NOT NULL DEFAULT '{}',
    tags                  text[] NOT NULL DEFAULT '{}',
    jwt                   text   NOT NULL,
    jwt_id                text   NOT NULL,
    UNIQUE (name)
);

CREATE TABLE operator_key (
    operator_key_id text PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    operator_id     text NOT NULL REFERENCES operator ON DELETE RESTRICT,
    state           text NOT NULL DEFAULT 'staged'
                    CHECK (state IN ('staged', 'trusted', 'active', 'retiring', 'retired',
                                     'compromised')),
    public_key      text NOT NULL UNIQUE CHECK (public_key ~ '^O[A-Z2-7]{55}$'),
    secret_id       text REFERENCES secret ON DELETE RESTRICT
);
CREATE UNIQUE INDEX operator_key_one_active ON operator_key (operator_id) WHERE state = 'active';

CREATE TABLE system (
    system_id         text    PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    state             text    NOT NULL DEFAULT 'enrolling'
                      CHECK (state IN ('enrolling', 'ready', 'degraded', 'unreachable', 'released')),
    operator_id       text    NOT NULL REFERENCES operator ON DELETE RESTRICT,
    urls              text[]  NOT NULL DEFAULT '{}',
    public_urls       text[]  NOT NULL DEFAULT '{}',
    resolver_kind     text    NOT NULL DEFAULT 'full' CHECK (resolver_kind IN ('full', 'memory')),
    node_kind         text    NOT NULL DEFAULT 'mixed' CHECK (node_kind IN ('stock', 'own', 'mixed')),
    jetstream_enabled boolean NOT NULL DEFAULT false,
    jetstream_domain  text    NOT NULL DEFAULT '',
    jetstream_tiers   text[]  NOT NULL DEFAULT '{}',
    capacity          jsonb   NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(capacity) = 'object'),
    accounts_expected bigint  NOT NULL DEFAULT 1000 CHECK (accounts_expected > 0),
    sync_interval_s   bigint  NOT NULL DEFAULT 60 CHECK (sync_interval_s BETWEEN 1 AND 86400),
    last_reconcile_at timestamptz,
    last_compare_at   timestamptz,
    reconcile_wanted  boolean NOT NULL DEFAULT false,
    UNIQUE (name)
);
CREATE INDEX system_operator ON system (operator_id);

CREATE TABLE node (
    node_id         text    PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    system_id       text    NOT NULL REFERENCES system ON DELETE RESTRICT,
    state           text    NOT NULL DEFAULT 'joining'
                    CHECK (state IN ('joining', 'ready', 'suspect', 'lost', 'lame_duck',
                                     'retired')),
    server_id       text    NOT NULL,
    cluster         text    NOT NULL DEFAULT '',
    server_version  text    NOT NULL DEFAULT '',
    own             boolean NOT NULL DEFAULT false,
    started_at      timestamptz,
    resolver_kind   text    NOT NULL DEFAULT '',
    jetstream       boolean NOT NULL DEFAULT false,
    tags            text[]  NOT NULL DEFAULT '{}',
    trusted_keys    text[]  NOT NULL DEFAULT '{}',
    operator_jti    text    NOT NULL DEFAULT '',
    trust_read_at   timestamptz,
    accounts_stored bigint  NOT NULL DEFAULT 0,
    store_limit     bigint  NOT NULL DEFAULT 0,
    max_payload     bigint  NOT NULL DEFAULT 0,
    allow_delete    boolean NOT NULL DEFAULT false,
    clock_skew_ms   bigint  NOT NULL DEFAULT 0,
    last_seen_at    timestamptz,
    config_digest   text    NOT NULL DEFAULT '',
    UNIQUE (system_id, name)
);

-- One run of a node: the server id is new at each start.
CREATE TABLE node_incarnation (
    server_id    text        PRIMARY KEY,
    node_id      text        NOT NULL REFERENCES node ON DELETE RESTRICT,
    started_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    end_reason   text        NOT NULL DEFAULT ''
);
CREATE INDEX node_incarnation_node ON node_incarnation (node_id, started_at DESC);

-------------------------------------------------------------------------------------- plans

-- Quotas are columns.  NULL: not said here, the next source decides.  -1: unlimited.
CREATE TABLE limit_set (
    limit_set_id             text   PRIMARY KEY,
    team_id                  text,
    connections              bigint CHECK (connections >= -1),
    leaf_connections         bigint CHECK (leaf_connections >= -1),
    subscriptions_per_connection bigint CHECK (subscriptions_per_connection >= -1),
    max_payload              bigint CHECK (max_payload >= -1),
    data                     bigint CHECK (data >= -1),
    imports                  bigint CHECK (imports >= -1),
    exports                  bigint CHECK (exports >= -1),
    wildcard_exports         boolean,
    disallow_bearer          boolean,
    js_memory                bigint CHECK (js_memory >= -1),
    js_disk                  bigint CHECK (js_disk >= -1),
    js_streams               bigint CHECK (js_streams >= -1),
    js_consumers_per_stream  bigint CHECK (js_consumers_per_stream >= -1),
    js_max_ack_pending       bigint CHECK (js_max_ack_pending >= -1),
    js_memory_max_stream_bytes bigint CHECK (js_memory_max_stream_bytes >= -1),
    js_disk_max_stream_bytes bigint CHECK (js_disk_max_stream_bytes >= -1),
    js_max_bytes_required    boolean,
    subscriptions_total      bigint CHECK (subscriptions_total >= -1),
    msgs_per_second          bigint CHECK (msgs_per_second >= -1),
    bytes_per_second         bigint CHECK (bytes_per_second >= -1),
    monthly_bytes_soft       bigint CHECK (monthly_bytes_soft >= -1),
    monthly_bytes_hard       bigint CHECK (monthly_bytes_hard >= -1),
    credential_ttl_max_s     bigint CHECK (credential_ttl_max_s >= -1),
    accounts                 bigint CHECK (accounts >= -1),
    users                    bigint CHECK (users >= -1),
    credentials              bigint CHECK (credentials >= -1),
    tokens                   bigint CHECK (tokens >= -1)
);

-- Limits of one replica tier, in place of the flat ones.
CREATE TABLE limit_tier (
    limit_set_id             text   NOT NULL REFERENCES limit_set ON DELETE CASCADE,
    tier                     text   NOT NULL CHECK (tier ~ '^R[1-5]$'),
    js_memory                bigint NOT NULL CHECK (js_memory >= -1),
    js_disk                  bigint NOT NULL CHECK (js_disk >= -1),
    js_streams               bigint NOT NULL CHECK (js_streams >= -1),
    js_consumers_per_stream  bigint NOT NULL CHECK (js_consumers_per_stream >= -1),
    js_max_ack_pending       bigint NOT NULL CHECK (js_max_ack_pending >= -1),
    js_memory_max_stream_bytes bigint NOT NULL CHECK (js_memory_max_stream_bytes >= -1),
    js_disk_max_stream_bytes bigint NOT NULL CHECK (js_disk_max_stream_bytes >= -1),
    js_max_bytes_required    boolean NOT NULL,
    PRIMARY KEY (limit_set_id, tier)
);

CREATE TABLE plan (
    plan_id      text    PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    state        text    NOT NULL DEFAULT 'published'
                 CHECK (state IN ('draft', 'published', 'retired')),
    is_default   boolean NOT NULL DEFAULT false,
    plan_version bigint  NOT NULL DEFAULT 1 CHECK (plan_version > 0)
);
CREATE UNIQUE INDEX plan_name ON plan (name) WHERE state <> 'retired';
CREATE UNIQUE INDEX plan_one_default ON plan (is_default) WHERE is_default AND state <> 'retired';

CREATE TABLE plan_version (
    plan_id           text        NOT NULL REFERENCES plan ON DELETE RESTRICT,
    plan_version      bigint      NOT NULL CHECK (plan_version > 0),
    limit_set_id      text        NOT NULL REFERENCES limit_set ON DELETE RESTRICT,
    max_set_id        text        NOT NULL REFERENCES limit_set ON DELETE RESTRICT,
    allowed_overrides text[]      NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by        text        NOT NULL DEFAULT '',
    PRIMARY KEY (plan_id, plan_version)
);

------------------------------------------------------------------------------------- tenants

CREATE TABLE team (
    team_id text PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    state   text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted')),
    plan_id text NOT NULL REFERENCES plan ON DELETE RESTRICT
);
CREATE UNIQUE INDEX team_name ON team (name) WHERE state <> 'deleted';

CREATE TABLE member (
    member_id text   PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id   text   NOT NULL REFERENCES team ON DELETE RESTRICT,
    state     text   NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    role      text   NOT NULL CHECK (role IN ('admin', 'viewer')),
    accounts  text[]
);
CREATE UNIQUE INDEX member_name ON member (team_id, name) WHERE state = 'active';

CREATE TABLE api_token (
    token_id       text        PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id        text        REFERENCES team ON DELETE RESTRICT,
    member_id      text        REFERENCES member ON DELETE RESTRICT,
    parent_id      text        REFERENCES api_token ON DELETE RESTRICT,
    state          text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')),
    role           text        NOT NULL
                   CHECK (role IN ('bootstrap', 'operator_admin', 'operator_viewer', 'team_admin',
                                   'team_viewer', 'service')),
    scopes         text[]      NOT NULL DEFAULT '{}',
    accounts       text[],
    allowed_cidrs  text[]      NOT NULL DEFAULT '{}',
    secret_hash    text        NOT NULL,
    expires_at     timestamptz NOT NULL,
    last_used_at   timestamptz,
    last_used_from text        NOT NULL DEFAULT '',
    CHECK ((team_id IS NULL) = (role IN ('bootstrap', 'operator_admin', 'operator_viewer')))
);
CREATE INDEX api_token_team ON api_token (team_id, token_id);

CREATE TABLE account (
    account_id      text    PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id         text    REFERENCES team ON DELETE RESTRICT,
    system_id       text    NOT NULL REFERENCES system ON DELETE RESTRICT,
    state           text    NOT NULL DEFAULT 'active'
                    CHECK (state IN ('creating', 'active', 'suspended', 'deleting', 'purging',
                                     'tombstoned', 'deleted', 'failed')),
    state_reason    text    NOT NULL DEFAULT '' CHECK (length(state_reason) <= 500),
    is_system       boolean NOT NULL DEFAULT false,
    public_key      text    NOT NULL UNIQUE CHECK (public_key ~ '^A[A-Z2-7]{55}$'),
    secret_id       text    REFERENCES secret ON DELETE SET NULL,
    plan_id         text,
    plan_version    bigint,
    override_set_id text    REFERENCES limit_set ON DELETE RESTRICT,
    protection      boolean NOT NULL DEFAULT false,
    tags            text[]  NOT NULL DEFAULT '{}',
    info_url        text    NOT NULL DEFAULT '',
    default_permissions jsonb NOT NULL DEFAULT '{}',
    revision        bigint  NOT NULL DEFAULT 0 CHECK (revision >= 0),
    jti             text    NOT NULL DEFAULT '',
    iat             bigint  NOT NULL DEFAULT 0,
    claims_hash     text    NOT NULL DEFAULT '',
    jwt_size        bigint  NOT NULL DEFAULT 0,
    sync_blocked    text    NOT NULL DEFAULT '',
    foreign_jti     text    NOT NULL DEFAULT '',
    last_check_at   timestamptz,
    FOREIGN KEY (plan_id, plan_version) REFERENCES plan_version ON DELETE RESTRICT,
    CHECK (is_system OR (team_id IS NOT NULL AND plan_id IS NOT NULL)),
    CHECK ((plan_id IS NULL) = (plan_version IS NULL))
);
CREATE UNIQUE INDEX account_name ON account (team_id, name)
    WHERE state NOT IN ('tombstoned', 'deleted');
CREATE UNIQUE INDEX account_one_system ON account (system_id) WHERE is_system;
CREATE INDEX account_system ON account (system_id, account_id);
CREATE INDEX account_plan ON account (plan_id, plan_version);
CREATE INDEX account_labels ON account USING gin (labels jsonb_path_ops);

-- What was wanted of an account at each revision: never changed, never removed.
CREATE TABLE account_revision (
    account_id  text        NOT NULL REFERENCES account ON DELETE RESTRICT,
    revision    bigint      NOT NULL CHECK (revision > 0),
    team_id     text,
    jti         text        NOT NULL,
    iat         bigint      NOT NULL,
    claims_hash text        NOT NULL,
    claims      jsonb       NOT NULL,
    reason      text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by  text        NOT NULL,
    PRIMARY KEY (account_id, revision),
    UNIQUE (account_id, iat)
);

CREATE TABLE account_jwt (
    account_id text    NOT NULL,
    revision   bigint  NOT NULL,
    team_id    text,
    active     boolean NOT NULL DEFAULT true,
    jwt        text    NOT NULL CHECK (length(jwt) < 524288),
    PRIMARY KEY (account_id, revision),
    FOREIGN KEY (account_id, revision) REFERENCES account_revision ON DELETE RESTRICT
);
CREATE UNIQUE INDEX account_jwt_one_active ON account_jwt (account_id) WHERE active;

CREATE TABLE scoped_role (
    role_id          text    PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id          text    NOT NULL REFERENCES team ON DELETE RESTRICT,
    account_id       text    NOT NULL REFERENCES account ON DELETE RESTRICT,
    state            text    NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted')),
    permissions      jsonb   NOT NULL DEFAULT '{}',
    subs             bigint  NOT NULL DEFAULT -1 CHECK (subs >= -1),
    payload          bigint  NOT NULL DEFAULT -1 CHECK (payload >= -1),
    bearer           boolean NOT NULL DEFAULT false,
    connection_types text[]  NOT NULL DEFAULT '{}',
    src              text[]  NOT NULL DEFAULT '{}',
    times            jsonb   NOT NULL DEFAULT '[]',
    times_location   text    NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX scoped_role_name ON scoped_role (account_id, name) WHERE state = 'active';

CREATE TABLE signing_key (
    signing_key_id text PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id        text NOT NULL REFERENCES team ON DELETE RESTRICT,
    account_id     text NOT NULL REFERENCES account ON DELETE RESTRICT,
    state          text NOT NULL DEFAULT 'active'
                   CHECK (state IN ('active', 'retiring', 'retired', 'compromised')),
    public_key     text NOT NULL UNIQUE CHECK (public_key ~ '^A[A-Z2-7]{55}$'),
    custody        text NOT NULL DEFAULT 'managed' CHECK (custody IN ('managed', 'customer')),
    role_id        text REFERENCES scoped_role ON DELETE RESTRICT,
    secret_id      text REFERENCES secret ON DELETE SET NULL
);
CREATE UNIQUE INDEX signing_key_name ON signing_key (account_id, name)
    WHERE state IN ('active', 'retiring');
CREATE INDEX signing_key_role ON signing_key (role_id);

CREATE TABLE nats_user (
    user_id          text    PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id          text    NOT NULL REFERENCES team ON DELETE RESTRICT,
    account_id       text    NOT NULL REFERENCES account ON DELETE RESTRICT,
    state            text    NOT NULL DEFAULT 'active'
                     CHECK (state IN ('active', 'disabled', 'deleted')),
    public_key       text    CHECK (public_key ~ '^U[A-Z2-7]{55}$'),
    role_id          text    REFERENCES scoped_role ON DELETE RESTRICT,
    permissions      jsonb   NOT NULL DEFAULT '{}',
    subs             bigint  NOT NULL DEFAULT -1 CHECK (subs >= -1),
    payload          bigint  NOT NULL DEFAULT -1 CHECK (payload >= -1),
    bearer           boolean NOT NULL DEFAULT false,
    connection_types text[]  NOT NULL DEFAULT '{}',
    src              text[]  NOT NULL DEFAULT '{}',
    times            jsonb   NOT NULL DEFAULT '[]',
    times_location   text    NOT NULL DEFAULT '',
    tags             text[]  NOT NULL DEFAULT '{}',
    default_ttl_s    bigint  NOT NULL DEFAULT 7776000 CHECK (default_ttl_s >= -1)
);
CREATE UNIQUE INDEX nats_user_name ON nats_user (account_id, name) WHERE state <> 'deleted';
CREATE UNIQUE INDEX nats_user_key ON nats_user (account_id, public_key) WHERE state <> 'deleted';
CREATE INDEX nats_user_account ON nats_user (account_id, user_id);
CREATE INDEX nats_user_role ON nats_user (role_id) WHERE role_id IS NOT NULL;

CREATE TABLE credential (
    credential_id  text        PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id        text        NOT NULL REFERENCES team ON DELETE RESTRICT,
    account_id     text        NOT NULL REFERENCES account ON DELETE RESTRICT,
    user_id        text        NOT NULL REFERENCES nats_user ON DELETE RESTRICT,
    state          text        NOT NULL DEFAULT 'active'
                   CHECK (state IN ('active', 'superseded', 'revoked', 'expired', 'orphaned')),
    jti            text        NOT NULL UNIQUE,
    public_key     text        NOT NULL CHECK (public_key ~ '^U[A-Z2-7]{55}$'),
    issuer_key     text        NOT NULL,
    signing_key_id text        REFERENCES signing_key ON DELETE RESTRICT,
    issued_at      timestamptz NOT NULL,
    expires_at     timestamptz,
    last_seen_at   timestamptz,
    last_seen_from text        NOT NULL DEFAULT ''
);
CREATE INDEX credential_user ON credential (user_id, credential_id);
CREATE INDEX credential_account_key ON credential (account_id, public_key);

CREATE TABLE revocation (
    revocation_id  text        PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id        text        NOT NULL REFERENCES team ON DELETE RESTRICT,
    account_id     text        NOT NULL REFERENCES account ON DELETE RESTRICT,
    state          text        NOT NULL DEFAULT 'active' CHECK (state IN ('active')),
    user_key       text        NOT NULL CHECK (user_key = '*' OR user_key ~ '^U[A-Z2-7]{55}$'),
    revoked_before timestamptz NOT NULL,
    reason         text        NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    UNIQUE (account_id, user_key)
);

-- A deleted account: what keeps it from coming back.
CREATE TABLE tombstone (
    public_key text        PRIMARY KEY,
    account_id text        NOT NULL,
    team_id    text,
    system_id  text        NOT NULL,
    jti        text        NOT NULL,
    iat        bigint      NOT NULL,
    jwt        text        NOT NULL,
    removed    boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    keep_until timestamptz NOT NULL DEFAULT clock_timestamp() + interval '400 days'
);
CREATE INDEX tombstone_system ON tombstone (system_id);

---------------------------------------------------------------------------- work of the machine

-- What a node is known to hold of an account.
CREATE TABLE node_account_sync (
    node_id          text        NOT NULL REFERENCES node ON DELETE CASCADE,
    account_id       text        NOT NULL REFERENCES account ON DELETE CASCADE,
    team_id          text,
    server_id        text        NOT NULL DEFAULT '',
    stored_revision  bigint      NOT NULL DEFAULT 0,
    stored_jti       text        NOT NULL DEFAULT '',
    stored_at        timestamptz,
    applied_revision bigint      NOT NULL DEFAULT 0,
    applied_jti      text        NOT NULL DEFAULT '',
    applied_at       timestamptz,
    loaded           boolean     NOT NULL DEFAULT false,
    error_class      text        NOT NULL DEFAULT '',
    error_text       text        NOT NULL DEFAULT '',
    attempts         bigint      NOT NULL DEFAULT 0,
    next_retry_at    timestamptz,
    PRIMARY KEY (node_id, account_id)
);
CREATE INDEX node_account_sync_account ON node_account_sync (account_id);

-- Accounts whose newest revision has yet to reach every node: one open row for each.
CREATE TABLE outbox (
    outbox_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  text        NOT NULL UNIQUE REFERENCES account ON DELETE CASCADE,
    team_id     text,
    system_id   text        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('claims')),
    revision    bigint      NOT NULL,
    not_before  timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts    bigint      NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_epoch bigint      NOT NULL DEFAULT 0,
    last_error  text        NOT NULL DEFAULT ''
);
CREATE INDEX outbox_due ON outbox (not_before);

-- Which replica does what; the epoch is the fence.
CREATE TABLE lease (
    role       text        NOT NULL,
    scope      text        NOT NULL,
    holder     text        NOT NULL,
    epoch      bigint      NOT NULL CHECK (epoch > 0),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (role, scope)
);

CREATE TABLE operation (
    operation_id  text        PRIMARY KEY,
    LIKE resource_head INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    team_id       text,
    account_id    text,
    type          text        NOT NULL,
    state         text        NOT NULL DEFAULT 'pending'
                  CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'canceled')),
    resource_kind text        NOT NULL,
    resource_id   text        NOT NULL,
    input         jsonb       NOT NULL DEFAULT '{}',
    result        jsonb,
    error_code    text        NOT NULL DEFAULT '',
    error_detail  text        NOT NULL DEFAULT '',
    cancelable    boolean     NOT NULL DEFAULT false,
    finished_at   timestamptz,
    not_before    timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until   timestamptz,
    lease_epoch   bigint      NOT NULL DEFAULT 0
);
CREATE INDEX operation_resource ON operation (resource_id, operation_id);
CREATE INDEX operation_due ON operation (not_before) WHERE state IN ('pending', 'running');
CREATE UNIQUE INDEX operation_one_open ON operation (type, resource_id)
    WHERE state IN ('pending', 'running');

CREATE TABLE operation_step (
    operation_id text   NOT NULL REFERENCES operation ON DELETE CASCADE,
    ordinal      bigint NOT NULL CHECK (ordinal > 0),
    team_id      text,
    name         text   NOT NULL,
    state        text   NOT NULL DEFAULT 'pending'
                 CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
    attempts     bigint NOT NULL DEFAULT 0,
    detail       text   NOT NULL DEFAULT '',
    data         jsonb  NOT NULL DEFAULT '{}',
    started_at   timestamptz,
    finished_at  timestamptz,
    PRIMARY KEY (operation_id, ordinal)
);

CREATE TABLE idempotency (
    key_hash    text        NOT NULL,
    body_hash   text        NOT NULL,
    team_id     text,
    status      bigint      NOT NULL,
    body        text        NOT NULL,
    media_type  text        NOT NULL DEFAULT '',
    location    text        NOT NULL DEFAULT '',
    etag        text        NOT NULL DEFAULT '',
    secret      boolean     NOT NULL DEFAULT false,
    resource_id text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (created_at);
CREATE INDEX idempotency_key ON idempotency (key_hash);

CREATE TABLE audit_event (
    event_id      text        NOT NULL,
    at            timestamptz NOT NULL,
    team_id       text,
    account_id    text,
    actor_type    text        NOT NULL,
    actor_id      text        NOT NULL,
    actor_name    text        NOT NULL,
    via_token     text        NOT NULL DEFAULT '',
    source_ip     text        NOT NULL DEFAULT '',
    user_agent    text        NOT NULL DEFAULT '',
    request_id    text        NOT NULL DEFAULT '',
    action        text        NOT NULL,
    resource_kind text        NOT NULL,
    resource_id   text        NOT NULL,
    resource_name text        NOT NULL DEFAULT '',
    outcome       text        NOT NULL CHECK (outcome IN ('success', 'denied', 'failed', 'partial')),
    reason        text        NOT NULL DEFAULT '',
    before        jsonb,
    after         jsonb,
    revision      bigint,
    operation_id  text        NOT NULL DEFAULT ''
) PARTITION BY RANGE (at);
CREATE INDEX audit_event_id ON audit_event (event_id);
CREATE INDEX audit_event_team ON audit_event (team_id, event_id);
CREATE INDEX audit_event_account ON audit_event (account_id, event_id);

-------------------------------------------------------------------------------------- usage

-- One unbroken run of counters: a node's process, an account, and how often it began anew.
CREATE TABLE usage_epoch (
    epoch_id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system_id      text        NOT NULL,
    node_id        text        NOT NULL REFERENCES node ON DELETE RESTRICT,
    server_id      text        NOT NULL,
    account_id     text        NOT NULL,
    team_id        text,
    sub_epoch      bigint      NOT NULL DEFAULT 0,
    started_at     timestamptz NOT NULL,
    sample_seq     bigint      NOT NULL DEFAULT 0,
    sampled_at     timestamptz NOT NULL,
    msgs_in        bigint      NOT NULL DEFAULT 0 CHECK (msgs_in >= 0),
    bytes_in       bigint      NOT NULL DEFAULT 0 CHECK (bytes_in >= 0),
    msgs_out       bigint      NOT NULL DEFAULT 0 CHECK (msgs_out >= 0),
    bytes_out      bigint      NOT NULL DEFAULT 0 CHECK (bytes_out >= 0),
    slow_consumers bigint      NOT NULL DEFAULT 0 CHECK (slow_consumers >= 0),
    connections    bigint      NOT NULL DEFAULT 0 CHECK (connections >= 0),
    leaf_connections bigint    NOT NULL DEFAULT 0 CHECK (leaf_connections >= 0),
    subscriptions  bigint      NOT NULL DEFAULT 0 CHECK (subscriptions >= 0),
    msgs_rate      bigint      NOT NULL DEFAULT 0 CHECK (msgs_rate >= 0),
    bytes_rate     bigint      NOT NULL DEFAULT 0 CHECK (bytes_rate >= 0),
    quality        text        NOT NULL DEFAULT 'exact' CHECK (quality IN ('exact', 'bounded')),
    closed_at      timestamptz,
    UNIQUE (server_id, account_id, sub_epoch)
);
CREATE UNIQUE INDEX usage_epoch_one_open ON usage_epoch (server_id, account_id)
    WHERE closed_at IS NULL;
CREATE INDEX usage_epoch_account ON usage_epoch (account_id) WHERE closed_at IS NULL;

-- What a node said, as it said it; for proofs, dropped after 35 days.
CREATE TABLE usage_sample (
    epoch_id      bigint      NOT NULL,
    sample_seq    bigint      NOT NULL,
    sampled_at    timestamptz NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    team_id       text,
    msgs_in       bigint      NOT NULL,
    bytes_in      bigint      NOT NULL,
    msgs_out      bigint      NOT NULL,
    bytes_out     bigint      NOT NULL,
    slow_consumers bigint     NOT NULL,
    connections   bigint      NOT NULL,
    leaf_connections bigint   NOT NULL,
    subscriptions bigint      NOT NULL
) PARTITION BY RANGE (sampled_at);
CREATE INDEX usage_sample_epoch ON usage_sample (epoch_id, sample_seq);

-- What is billed: the difference of two samples, once, in the minute of the later one.
CREATE TABLE usage_ledger (
    epoch_id      bigint      NOT NULL,
    sample_seq    bigint      NOT NULL,
    minute        timestamptz NOT NULL CHECK (date_trunc('minute', minute, 'UTC') = minute),
    system_id     text        NOT NULL,
    node_id       text        NOT NULL,
    account_id    text        NOT NULL,
    team_id       text,
    msgs_in       bigint      NOT NULL CHECK (msgs_in >= 0),
    bytes_in      bigint      NOT NULL CHECK (bytes_in >= 0),
    msgs_out      bigint      NOT NULL CHECK (msgs_out >= 0),
    bytes_out     bigint      NOT NULL CHECK (bytes_out >= 0),
    slow_consumers bigint     NOT NULL CHECK (slow_consumers >= 0),
    connections   bigint      NOT NULL CHECK (connections >= 0),
    leaf_connections bigint   NOT NULL CHECK (leaf_connections >= 0),
    subscriptions bigint      NOT NULL CHECK (subscriptions >= 0),
    connection_seconds bigint NOT NULL CHECK (connection_seconds >= 0),
    leaf_seconds  bigint      NOT NULL CHECK (leaf_seconds >= 0),
    quality       text        NOT NULL CHECK (quality IN ('exact', 'bounded')),
    PRIMARY KEY (epoch_id, sample_seq, minute)
) PARTITION BY RANGE (minute);
CREATE INDEX usage_ledger_account ON usage_ledger (account_id, minute);
CREATE INDEX usage_ledger_minute ON usage_ledger (minute);

-- Where something may be missing, and at most how much.
CREATE TABLE usage_gap (
    gap_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system_id  text        NOT NULL,
    node_id    text        NOT NULL,
    server_id  text        NOT NULL,
    account_id text        NOT NULL,
    team_id    text,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    reason     text        NOT NULL,
    msgs_max   bigint      NOT NULL CHECK (msgs_max >= 0),
    bytes_max  bigint      NOT NULL CHECK (bytes_max >= 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (server_id, account_id, starts_at),
    CHECK (ends_at >= starts_at)
);
CREATE INDEX usage_gap_account ON usage_gap (account_id, starts_at);

-- Sums of the ledger by hour; may be rebuilt from it at any time.
CREATE TABLE usage_hour (
    account_id    text        NOT NULL,
    hour          timestamptz NOT NULL,
    team_id       text,
    system_id     text        NOT NULL,
    msgs_in       bigint      NOT NULL,
    bytes_in      bigint      NOT NULL,
    msgs_out      bigint      NOT NULL,
    bytes_out     bigint      NOT NULL,
    slow_consumers bigint     NOT NULL,
    connections_peak bigint   NOT NULL,
    leaf_connections_peak bigint NOT NULL,
    subscriptions_peak bigint NOT NULL,
    connection_seconds bigint NOT NULL,
    leaf_seconds  bigint      NOT NULL,
    quality       text        NOT NULL CHECK (quality IN ('exact', 'bounded', 'gap')),
    PRIMARY KEY (account_id, hour)
);

------------------------------------------------------------------------------------ partitions

-- Makes the partitions that the next days need, drops those that are too old.  Safe to call often.
CREATE FUNCTION keep_partitions() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
DECLARE
    made bigint := 0;
    rule record;
    part record;
    at   timestamptz;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(4242002);
    FOR rule IN SELECT * FROM (VALUES
            ('idempotency', 'day', interval '1 day', interval '3 days'),
            ('usage_sample', 'day', interval '1 day', interval '35 days'),
            ('usage_ledger', 'month', interval '1 month', interval '13 months'),
            ('audit_event', 'month', interval '1 month', interval '14 months')
        ) AS rules (parent, unit, width, keep) LOOP
        at := date_trunc(rule.unit, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - rule.width;
        FOR i IN 0..3 LOOP
            name := rule.parent || '_' || to_char(at AT TIME ZONE 'UTC', 'YYYYMMDD');
            IF to_regclass(name) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                               name, rule.parent, at,
                               (at AT TIME ZONE 'UTC' + rule.width) AT TIME ZONE 'UTC');
                made := made + 1;
            END IF;
            at := (at AT TIME ZONE 'UTC' + rule.width) AT TIME ZONE 'UTC';
        END LOOP;
        FOR part IN SELECT c.relname
                      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                     WHERE i.inhparent = to_regclass(rule.parent)
                       AND c.relname ~ '_[0-9]{8}$'
                       AND to_date(right(c.relname, 8), 'YYYYMMDD')
                           < (now() AT TIME ZONE 'UTC') - rule.keep - rule.width LOOP
            EXECUTE format('DROP TABLE %I', part.relname);
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- Rows that no partition wants (a late sample, a clock gone wrong) are kept, not refused.
CREATE TABLE idempotency_rest PARTITION OF idempotency DEFAULT;
CREATE TABLE usage_sample_rest PARTITION OF usage_sample DEFAULT;
CREATE TABLE usage_ledger_rest PARTITION OF usage_ledger DEFAULT;
CREATE TABLE audit_event_rest PARTITION OF audit_event DEFAULT;

SELECT keep_partitions();

---------------------------------------------------------------------------------------- rights

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON FUNCTION keep_partitions() FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO berth_service, berth_tenant;
GRANT EXECUTE ON FUNCTION keep_partitions() TO berth_service;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    sealing_key, data_key, secret, operator, operator_key, system, node, node_incarnation,
    limit_set, limit_tier, plan, plan_version, team, member, api_token, account, account_jwt,
    scoped_role, signing_key, nats_user, credential, revocation, tombstone, node_account_sync,
    outbox, lease, operation, operation_step, idempotency, usage_epoch, usage_sample, usage_gap,
    usage_hour TO berth_service;
GRANT SELECT, INSERT ON account_revision, audit_event, usage_ledger TO berth_service;
GRANT SELECT ON schema_version TO berth_service;

-- A tenant's transaction removes nothing but what has no history.
GRANT SELECT ON system, node, plan, plan_version, usage_epoch, usage_ledger, usage_gap, usage_hour,
    tombstone, node_account_sync TO berth_tenant;
GRANT SELECT, INSERT, UPDATE ON
    data_key, secret, member, api_token, account, account_jwt, scoped_role, signing_key, nats_user,
    credential, outbox, operation, operation_step TO berth_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON limit_set, limit_tier, revocation TO berth_tenant;
GRANT SELECT, UPDATE ON team TO berth_tenant;
GRANT SELECT, INSERT ON account_revision, audit_event, idempotency TO berth_tenant;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'data_key', 'secret', 'team', 'member', 'api_token', 'account', 'account_revision',
        'account_jwt', 'scoped_role', 'signing_key', 'nats_user', 'credential', 'revocation',
        'tombstone', 'node_account_sync', 'outbox', 'operation', 'operation_step', 'idempotency',
        'audit_event', 'usage_epoch', 'usage_sample', 'usage_ledger', 'usage_gap', 'usage_hour'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY all_rows ON %I TO berth_service USING (true)', name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO berth_tenant '
                       'USING (team_id = current_setting(''berth.team'', true))', name);
    END LOOP;
END
$$;

-- Limits of plans belong to nobody and may be read by all; a team's overrides are its own.
ALTER TABLE limit_set ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON limit_set TO berth_service USING (true);
CREATE POLICY own_rows ON limit_set TO berth_tenant
    USING (team_id IS NULL OR team_id = current_setting('berth.team', true))
    WITH CHECK (team_id = current_setting('berth.team', true));
ALTER TABLE limit_tier ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON limit_tier TO berth_service USING (true);
CREATE POLICY own_rows ON limit_tier TO berth_tenant
    USING (EXISTS (SELECT FROM limit_set s WHERE s.limit_set_id = limit_tier.limit_set_id));
CREATE POLICY own_writes ON limit_tier AS RESTRICTIVE TO berth_tenant
    USING (true)
    WITH CHECK (EXISTS (SELECT FROM limit_set s
                         WHERE s.limit_set_id = limit_tier.limit_set_id
                           AND s.team_id = current_setting('berth.team', true)));
