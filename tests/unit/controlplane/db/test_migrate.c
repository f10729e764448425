#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "controlplane/db/migrate.h"
#include "tests/lib/pg.h"

static char *conninfo;

static struct db *owner(const char *where)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    if (db_open(where, DB_PLAIN, &db, message) != OK)
        fail_msg("%s", message);
    return db;
}

static void must(struct db *db, const char *sql)
{
    if (db_script(db, sql) != OK)
        fail_msg("%s: %s", sql, db_error(db));
}

static void test_migrating_again_changes_nothing(void **state)
{
    char message[DB_MESSAGE_MAX];
    struct db *db = owner(conninfo);
    int64_t level;

    assert_int_equal(migrate_run(conninfo, message), OK);
    assert_int_equal(migrate_level(db, &level), OK);
    assert_int_equal(level, migrate_version());
    db_close(db);
}

static void *migrate_in_thread(void *arg)
{
    char message[DB_MESSAGE_MAX];

    return migrate_run(arg, message) == OK ? arg : NULL;
}

/* Two programs that start together migrate once. */
static void test_two_at_once(void **state)
{
    char *other = pg_database(), message[DB_MESSAGE_MAX];
    pthread_t thread;
    void *result;

    assert_int_equal(pthread_create(&thread, NULL, migrate_in_thread, other), 0);
    assert_int_equal(migrate_run(other, message), OK);
    pthread_join(thread, &result);
    assert_non_null(result);
    pg_drop(other);
}

static void test_what_is_refused(void **state)
{
    char message[DB_MESSAGE_MAX], *other = pg_database_migrated();
    struct db *db = owner(other);

    must(db, "INSERT INTO schema_version VALUES (99, '0099_later', '')");
    assert_int_equal(migrate_run(other, message), ERR_UNSUPPORTED);
    assert_non_null(strstr(message, "newer"));
    must(db, "DELETE FROM schema_version WHERE version = 99;"
             "UPDATE schema_version SET digest = 'other' WHERE version = 1");
    assert_int_equal(migrate_run(other, message), ERR_UNSUPPORTED);
    assert_non_null(strstr(message, "0001_begin"));
    db_close(db);
    pg_drop(other);
}

/* DB-01: whatever a tenant's transaction may read has a wall, or belongs to nobody. */
static void test_every_table_of_tenants_has_its_wall(void **state)
{
    struct db *db = owner(conninfo);

    must(db, "DO $$ DECLARE t record; BEGIN"
             " FOR t IN SELECT c.oid, c.relname, c.relrowsecurity FROM pg_class c"
             "  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
             "    AND has_table_privilege('berth_tenant', c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
             "    AND c.relname NOT IN ('system', 'node', 'plan', 'plan_version')"
             " LOOP"
             "  IF NOT t.relrowsecurity THEN RAISE 'no wall around %', t.relname; END IF;"
             "  IF NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = t.relname"
             "                    AND 'berth_tenant' = ANY (p.roles))"
             "  THEN RAISE 'no policy for tenants on %', t.relname; END IF;"
             " END LOOP;"
             " FOR t IN SELECT c.relname, c.reloptions FROM pg_class c"
             "  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'"
             " LOOP"
             "  IF NOT coalesce('security_invoker=true' = ANY (t.reloptions), false)"
             "  THEN RAISE 'view % looks over the wall', t.relname; END IF;"
             " END LOOP; END $$");
    /* Nothing of the owner's: no table, no right to make one, nothing for everybody. */
    must(db, "DO $$ BEGIN"
             " IF has_schema_privilege('berth_tenant', 'public', 'CREATE')"
             "    OR has_schema_privilege('berth_service', 'public', 'CREATE')"
             "    OR EXISTS (SELECT FROM pg_roles WHERE rolname LIKE 'berth\\_%'"
             "                  AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin))"
             "    OR EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
             "                WHERE r.rolname IN ('berth_service', 'berth_tenant'))"
             " THEN RAISE 'too many rights'; END IF; END $$");
    db_close(db);
}

/* DB-03, DB-04, DB-06. */
static void test_ledgers_are_append_only_and_whole_numbers(void **state)
{
    struct db *db = owner(conninfo);

    must(db, "DO $$ DECLARE t text; BEGIN"
             " FOREACH t IN ARRAY ARRAY['account_revision', 'audit_event', 'usage_ledger'] LOOP"
             "  IF has_table_privilege('berth_service', t, 'UPDATE')"
             "     OR has_table_privilege('berth_service', t, 'DELETE')"
             "     OR has_table_privilege('berth_service', t, 'TRUNCATE')"
             "  THEN RAISE '% may be changed', t; END IF;"
             " END LOOP;"
             " IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = 'public'"
             "               AND data_type IN ('real', 'double precision', 'integer', 'smallint'))"
             " THEN RAISE 'a column that is not wide enough, or not exact'; END IF;"
             " END $$");
    /* Old partitions go, new ones come, rows of the wrong time are kept. */
    must(db, "CREATE TABLE idempotency_20200101 PARTITION OF idempotency"
             " FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-02 00:00Z');"
             "SELECT keep_partitions();"
             "DO $$ BEGIN IF to_regclass('idempotency_20200101') IS NOT NULL"
             " THEN RAISE 'an old partition stays'; END IF; END $$;"
             "INSERT INTO idempotency (key_hash, body_hash, status, body, created_at)"
             " VALUES ('k', 'b', 200, '', '2001-01-01')");
    db_close(db);
}

static int set_up(void **state)
{
    conninfo = pg_database_migrated();
    return 0;
}

static int tear_down(void **state)
{
    pg_drop(conninfo);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_migrating_again_changes_nothing),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_every_table_of_tenants_has_its_wall),
        cmocka_unit_test(test_ledgers_are_append_only_and_whole_numbers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
