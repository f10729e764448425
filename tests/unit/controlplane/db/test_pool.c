#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "controlplane/db/pool.h"
#include "tests/lib/pg.h"

static char *conninfo;

static void test_the_pool_is_bounded(void **state)
{
    struct pool *pool = pool_new(conninfo, 2);
    char message[DB_MESSAGE_MAX];
    struct db *a, *b, *c;

    assert_int_equal(pool_take(pool, 60000, &a), OK);
    assert_int_equal(pool_take(pool, 60000, &b), OK);
    assert_int_equal(pool_take(pool, 1, &c), ERR_TIMEOUT);
    assert_int_equal(pool_in_use(pool), 2);
    pool_give(pool, a);
    assert_int_equal(pool_take(pool, 60000, &c), OK);
    assert_ptr_equal(a, c);
    /* A connection whose server process is gone is replaced. */
    pool_give(pool, c);
    assert_int_equal(db_open(conninfo, DB_PLAIN, &a, message), OK);
    assert_int_equal(db_script(a, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE datname = current_database()"
                                  "   AND pid <> pg_backend_pid()"),
                     OK);
    db_close(a);
    assert_int_equal(pool_take(pool, 60000, &c), OK);
    assert_int_equal(db_exec(c, SQL_db_ping, DB_NO_ARGS), OK);
    pool_give(pool, b);
    pool_give(pool, c);
    pool_free(pool);
}

static void *give_later(void *arg)
{
    void **pair = arg;

    pool_give(pair[0], pair[1]);
    return NULL;
}

static void test_a_waiting_taker_gets_what_is_given(void **state)
{
    struct pool *pool = pool_new(conninfo, 1);
    struct db *a, *b;
    void *pair[2];
    pthread_t thread;

    assert_int_equal(pool_take(pool, 60000, &a), OK);
    pair[0] = pool;
    pair[1] = a;
    assert_int_equal(pthread_create(&thread, NULL, give_later, pair), 0);
    assert_int_equal(pool_take(pool, 60000, &b), OK);
    pthread_join(thread, NULL);
    pool_give(pool, b);
    pool_free(pool);
}

/* No waiting for a server that is away. */
static void test_no_server(void **state)
{
    struct pool *pool = pool_new("host=/nonexistent", 1);
    struct db *db;

    assert_int_equal(pool_take(pool, 60000, &db), ERR_UNAVAILABLE);
    assert_int_equal(pool_in_use(pool), 0);
    assert_string_equal(pool_conninfo(pool), "host=/nonexistent");
    pool_free(pool);
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
        cmocka_unit_test(test_the_pool_is_bounded),
        cmocka_unit_test(test_a_waiting_taker_gets_what_is_given),
        cmocka_unit_test(test_no_server),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
