#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "controlplane/db/migrate.h"
#include "tests/lib/pg.h"

/* sql/migrations, as migrate.c has them. */
extern const char _binary_migrations_sql_start[];

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

struct done {
    int64_t version;
    const char *name, *digest;
};
static const struct field done_fields[] = {
    {"version", INT_AT(struct done, version)},
    {"name", STRING_AT(struct done, name)},
    {"digest", STRING_AT(struct done, digest)},
};
static const struct shape done_shape = SHAPE(struct done, done_fields);

/* A database as the migrations before this one left it. */
static char *database_before(const char *name)
{
    const char *text = _binary_migrations_sql_start, *end = strstr(text, name);
    char *other = pg_database();
    struct db *whole = owner(conninfo), *db = owner(other);
    struct arena arena = {0};
    struct db_rows rows;

    assert_non_null(end);
    assert_int_equal(db_exec(db, SQL_migrate_table, DB_NO_ARGS), OK);
    must(db, arena_copy(&arena, slice_make(text, (size_t)(end - text))));
    assert_int_equal(db_all(whole, SQL_migrate_done, DB_NO_ARGS, &done_shape, &arena, &rows), OK);
    for (const struct done *row = rows.items; strstr(name, row->name) == NULL; row++)
        assert_int_equal(
            db_exec(db, SQL_migrate_note,
                    DB_ARGS(db_integer(row->version), db_text(row->name), db_text(row->digest))),
            OK);
    db_close(whole);
    db_close(db);
    arena_fini(&arena);
    return other;
}

/* What was there before is counted and has its labels found, what comes later too. */
static void test_a_full_database_gets_tally_and_labels(void **state)
{
    char message[DB_MESSAGE_MAX], *other = database_before("-- migration: 0004_tallies");
    struct db *db = owner(other);

    must(db,
         "INSERT INTO operator (operator_id, name, jwt, jwt_id, public_key)"
         " VALUES ('o', 'o', '', '', 'O' || repeat('A', 55));"
         "INSERT INTO system (system_id, name, operator_id) VALUES ('s', 's', 'o');"
         "INSERT INTO limit_set (limit_set_id) VALUES ('l');"
         "INSERT INTO plan (plan_id, name) VALUES ('p', 'p'), ('q', 'q');"
         "INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id)"
         " VALUES ('p', 1, 'l', 'l'), ('p', 2, 'l', 'l'), ('q', 1, 'l', 'l');"
         "INSERT INTO team (team_id, name, plan_id) VALUES ('a', 'a', 'p'), ('b', 'b', 'q');"
         "INSERT INTO account (account_id, name, system_id, public_key, is_system)"
         " VALUES ('acc_0', 'SYS', 's', 'A' || repeat('B', 55), true);"
         "INSERT INTO account (account_id, name, team_id, system_id, public_key, plan_id,"
         "                     plan_version, state, labels)"
         " SELECT 'acc_' || i, 'a' || i, CASE WHEN i % 3 = 0 THEN 'b' ELSE 'a' END, 's',"
         "        'A' || repeat('A', 53) || translate(i::text, '0189', 'WXYZ'), 'p', 1 + i % 2,"
         "        CASE WHEN i % 7 = 0 THEN 'deleted' WHEN i % 5 = 0 THEN 'suspended'"
         "             ELSE 'active' END, jsonb_build_object('n', i::text, 'odd', (i % 2)::text)"
         "   FROM generate_series(10, 60) i");
    assert_int_equal(migrate_run(other, message), OK);
    must(db, "UPDATE account SET plan_id = 'q', plan_version = 1 WHERE account_id < 'acc_20';"
             "UPDATE account SET state = 'deleted' WHERE account_id > 'acc_50';"
             "UPDATE account SET labels = '{}' WHERE account_id = 'acc_40';"
             "UPDATE account SET labels = labels || '{\"n\":\"x\"}' WHERE account_id = 'acc_41';"
             "DELETE FROM account WHERE account_id = 'acc_30';"
             "DO $$ BEGIN IF EXISTS (SELECT"
             " FROM (SELECT team_id, plan_id, plan_version, state, count(*)"
             "         FROM account WHERE NOT is_system GROUP BY 1, 2, 3, 4) a"
             " FULL JOIN account_tally t USING (team_id, plan_id, plan_version, state)"
             " WHERE coalesce(a.count, 0) <> coalesce(t.accounts, 0))"
             " THEN RAISE 'the tally is wrong'; END IF;"
             " IF (SELECT count(*) FROM account_tally WHERE accounts > 0) < 8"
             " THEN RAISE 'too few kinds'; END IF;"
             " IF EXISTS (SELECT FROM (SELECT account_id, team_id, e.key, e.value"
             "                           FROM account, jsonb_each_text(labels) e) a"
             " FULL JOIN account_label l USING (account_id, team_id, key, value)"
             " WHERE a.account_id IS NULL OR l.account_id IS NULL)"
             " THEN RAISE 'the labels are wrong'; END IF; END $$");
    db_close(db);
    pg_drop(other);
}

/* Who suspended what was suspended before is in the audit log; what is not is the operator's. */
static void test_who_suspended_is_read_from_the_log(void **state)
{
    char message[DB_MESSAGE_MAX], *other = database_before("-- migration: 0003_suspended_by");
    struct db *db = owner(other);

    must(db,
         "INSERT INTO operator (operator_id, name, jwt, jwt_id, public_key)"
         " VALUES ('o', 'o', '', '', 'O' || repeat('A', 55));"
         "INSERT INTO system (system_id, name, operator_id) VALUES ('s', 's', 'o');"
         "INSERT INTO limit_set (limit_set_id) VALUES ('l');"
         "INSERT INTO plan (plan_id, name) VALUES ('p', 'p');"
         "INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id)"
         " VALUES ('p', 1, 'l', 'l');"
         "INSERT INTO team (team_id, name, plan_id) VALUES ('a', 'a', 'p');"
         "INSERT INTO account (account_id, name, team_id, system_id, public_key, plan_id,"
         "                     plan_version, state)"
         " SELECT 'acc_' || i, 'a' || i, 'a', 's', 'A' || repeat('A', 54) || (i + 1), 'p', 1,"
         "        CASE WHEN i = 5 THEN 'active' ELSE 'suspended' END"
         "   FROM generate_series(1, 5) i;"
         "INSERT INTO audit_event (event_id, at, account_id, actor_type, actor_id, actor_name,"
         "                         action, resource_kind, resource_id, outcome)"
         " SELECT 'evt_' || e.n, now(), e.account, e.actor, '', '', 'account.suspend', 'account',"
         "        e.account, e.outcome"
         "   FROM (VALUES (1, 'acc_1', 'operator', 'success'), (2, 'acc_1', 'member', 'success'),"
         "                (3, 'acc_2', 'member', 'success'), (4, 'acc_2', 'operator', 'success'),"
         "                (5, 'acc_3', 'service', 'success'), (6, 'acc_3', 'operator', 'denied'),"
         "                (7, 'acc_5', 'member', 'success')) AS e (n, account, actor, outcome)");
    assert_int_equal(migrate_run(other, message), OK);
    must(db, "DO $$ BEGIN IF (SELECT string_agg(suspended_by, ' ' ORDER BY id) FROM account_item)"
             "              <> 'team operator team operator '"
             " THEN RAISE 'not who it was'; END IF; END $$");
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
        cmocka_unit_test(test_a_full_database_gets_tally_and_labels),
        cmocka_unit_test(test_who_suspended_is_read_from_the_log),
        cmocka_unit_test(test_every_table_of_tenants_has_its_wall),
        cmocka_unit_test(test_ledgers_are_append_only_and_whole_numbers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
