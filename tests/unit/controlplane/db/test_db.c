#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/db/db.h"
#include "controlplane/db/migrate.h"
#include "tests/lib/pg.h"

static char *conninfo;
static struct arena arena;

static struct db *open_db(void)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    if (db_open(conninfo, DB_PREPARED, &db, message) != OK)
        fail_msg("%s", message);
    return db;
}

/* Rights: what a statement of the application may not do, whoever it runs for. */
static void test_rights_are_walls(void **state)
{
    static const struct {
        const char *sql;
        enum result expect;
    } cases[] = {
        {"UPDATE audit_event SET reason = 'x'", ERR_DENIED},
        {"DELETE FROM account_revision", ERR_DENIED},
        {"UPDATE usage_ledger SET msgs_in = 0", ERR_DENIED},
        {"UPDATE account_tally SET accounts = 0", ERR_DENIED},
        {"DROP TABLE account", ERR_DENIED},
        {"CREATE TABLE mine (x int)", ERR_DENIED},
        {"INSERT INTO schema_version (version, name, digest) VALUES (9, '', '')", ERR_DENIED},
        {"SELECT count(*) FROM account", OK},
    };
    struct db *db = open_db();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (db_script(db, cases[i].sql) != cases[i].expect)
            fail_msg("%s: %s", cases[i].sql, db_error(db));
    }
    db_close(db);
}

/* A tenant sees its own rows in every table, and may not write into another's. */
static void test_row_level_security(void **state)
{
    struct db *db = open_db();
    const char *make =
        "INSERT INTO limit_set (limit_set_id) VALUES ('l');"
        "INSERT INTO plan (plan_id, name) VALUES ('p', 'p');"
        "INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id)"
        "     VALUES ('p', 1, 'l', 'l');"
        "INSERT INTO team (team_id, name, plan_id) VALUES ('a', 'a', 'p'), ('b', 'b', 'p');"
        "INSERT INTO member (member_id, name, team_id, role)"
        "     VALUES ('ma', 'x', 'a', 'admin'), ('mb', 'x', 'b', 'admin')";

    assert_int_equal(db_script(db, make), OK);

    assert_int_equal(db_begin(db, "a"), OK);
    assert_int_equal(db_script(db, "DO $$BEGIN IF (SELECT count(*) FROM member) <> 1 OR"
                                   " (SELECT count(*) FROM team) <> 1"
                                   " THEN RAISE 'sees too much'; END IF; END$$"),
                     OK);
    assert_int_equal(db_as_service(db), OK);
    assert_int_equal(db_script(db, "DO $$BEGIN IF (SELECT count(*) FROM member) <> 2"
                                   " THEN RAISE 'sees too little'; END IF; END$$"),
                     OK);
    assert_int_equal(db_as_tenant(db), OK);
    assert_int_equal(db_script(db, "INSERT INTO member (member_id, name, team_id, role)"
                                   " VALUES ('mc', 'y', 'b', 'admin')"),
                     ERR_DENIED);
    assert_int_equal(db_end(db, ERR_DENIED), ERR_DENIED);

    assert_int_equal(db_begin(db, ""), OK); /* a team that is none sees nothing */
    assert_int_equal(db_script(db, "DO $$BEGIN IF EXISTS (SELECT FROM member)"
                                   " THEN RAISE 'sees too much'; END IF; END$$"),
                     OK);
    assert_int_equal(db_end(db, OK), OK);

    assert_int_equal(db_begin(db, NULL), OK); /* the wall went with its transaction */
    assert_int_equal(db_script(db, "DO $$BEGIN IF (SELECT count(*) FROM member) <> 2"
                                   " THEN RAISE 'sees too little'; END IF; END$$"),
                     OK);
    assert_int_equal(db_end(db, OK), OK);
    db_close(db);
}

static void test_failures_become_results(void **state)
{
    static const struct {
        const char *sql;
        enum result expect;
    } cases[] = {
        {"INSERT INTO team (team_id, name, plan_id) VALUES ('a', 'z', 'p')", ERR_EXISTS},
        {"INSERT INTO team (team_id, name, plan_id) VALUES ('c', '', 'p')", ERR_INVALID},
        {"INSERT INTO team (team_id, name, plan_id) VALUES ('c', 'c', 'none')", ERR_STATE},
        {"DELETE FROM plan", ERR_STATE},
        {"SELECT nothing", ERR_DATABASE},
        {"SET statement_timeout = 1; SELECT pg_sleep(5)", ERR_TIMEOUT},
    };
    struct db *db = open_db();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (db_script(db, cases[i].sql) != cases[i].expect)
            fail_msg("%s: %s", cases[i].sql, db_error(db));
    }
    db_close(db);
}

/* A transaction in which a statement failed never commits, whatever its end is told. */
static void test_a_failed_transaction_does_not_commit(void **state)
{
    struct db *db = open_db();

    assert_int_equal(db_begin(db, NULL), OK);
    assert_int_not_equal(db_script(db, "SELECT nothing"), OK);
    assert_int_equal(db_end(db, OK), ERR_DATABASE);
    assert_true(db_usable(db));
    db_close(db);
}

struct sample {
    bool yes;
    int64_t number, at;
    struct optional_int some, none;
    const char *text;
    struct strings list;
    struct string_map map;
};
#define T struct sample
static const struct field sample_fields[] = {
    {"name", STRING_AT(T, text), FIELD_READ_ONLY},
    {"version", INT_AT(T, number)},
    {"applied_at", TIME_AT(T, at)},
};
#undef T
static const struct shape sample_shape = SHAPE(struct sample, sample_fields);

static void test_rows_become_structs(void **state)
{
    struct db *db = open_db();
    struct sample *sample;
    struct db_rows rows;

    assert_int_equal(db_all(db, SQL_migrate_done, DB_NO_ARGS, &sample_shape, &arena, &rows), OK);
    assert_int_equal(rows.count, (size_t)migrate_version());
    sample = rows.items;
    assert_string_equal(sample->text, "0001_begin");
    assert_int_equal(sample->number, 1);
    db_close(db);
}

static void test_no_server_is_said(void **state)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    assert_int_equal(db_open("host=/nonexistent", DB_PREPARED, &db, message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, "/nonexistent"));
}

static int set_up(void **state)
{
    conninfo = pg_database_migrated();
    return 0;
}

static int tear_down(void **state)
{
    pg_drop(conninfo);
    arena_fini(&arena);
    return 0;
}

/* Opens a connection to whoever listens there. */
static void *run_open(void *arg)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    assert_int_equal(db_open(arg, DB_PLAIN, &db, message), ERR_UNAVAILABLE);
    return NULL;
}

/* A socket of this process that is connected to `port`; -1: none. */
static int find_connected(int port)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);

        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == port)
            return fd;
    }
    return -1;
}

static int option_of(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* A machine that vanishes sends nothing: without these a connection would wait for it for hours. */
static void test_a_machine_that_vanishes_is_given_up(void **state)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(own);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), taken, fd;
    char text[64], byte;
    pthread_t thread;

    assert_int_equal(bind(listener, (struct sockaddr *)&own, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&own, &len), 0);
    snprintf(text, sizeof(text), "host=127.0.0.1 port=%d sslmode=disable", ntohs(own.sin_port));
    assert_int_equal(pthread_create(&thread, NULL, run_open, text), 0);
    taken = accept(listener, NULL, NULL);
    assert_true(taken >= 0);
    assert_true(read(taken, &byte, 1) == 1); /* it has said something: all is set */
    fd = find_connected(ntohs(own.sin_port));
    assert_true(fd >= 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
    close(taken);
    close(listener);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights_are_walls),
        cmocka_unit_test(test_row_level_security),
        cmocka_unit_test(test_failures_become_results),
        cmocka_unit_test(test_a_failed_transaction_does_not_commit),
        cmocka_unit_test(test_rows_become_structs),
        cmocka_unit_test(test_no_server_is_said),
        cmocka_unit_test(test_a_machine_that_vanishes_is_given_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
