-- name: migrate_lock
SELECT pg_advisory_lock(4242000);

-- name: migrate_begun
-- Whoever only serves may not make the table, and need not.
SELECT (to_regclass('schema_version') IS NOT NULL)::int;

-- name: migrate_table
CREATE TABLE IF NOT EXISTS schema_version (
    version    bigint      PRIMARY KEY,
    name       text        NOT NULL,
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: migrate_done
SELECT version, name, digest
  FROM schema_version
 ORDER BY version;

-- name: migrate_note
INSERT INTO schema_version (version, name, digest)
VALUES ($1, $2, $3);

-- name: migrate_level
SELECT coalesce(max(version), 0)
  FROM schema_version;
