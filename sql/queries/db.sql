-- name: db_session
-- What every serving connection begins with; the owner's rights are given up.
SELECT set_config('role', 'berth_service', false),
       set_config('TimeZone', 'UTC', false),
       set_config('DateStyle', 'ISO', false),
       set_config('statement_timeout', '20s', false),
       set_config('lock_timeout', '10s', false),
       set_config('idle_in_transaction_session_timeout', '60s', false);

-- name: db_tenant
-- For this transaction: one team and nothing else.
SELECT set_config('role', 'berth_tenant', true),
       set_config('berth.team', $1, true);

-- name: db_role
-- Within a tenant's transaction: the wall down, the wall up.
SELECT set_config('role', $1, true);

-- name: db_ping
SELECT 1;

-- name: db_keep_partitions
SELECT keep_partitions();
