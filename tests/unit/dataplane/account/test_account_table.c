#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/account_table.h"

enum { THREADS = 4, NAMES = 50, ROUNDS = 20 };

static void test_find_obtain_remove(void **state)
{
    struct account_table *table = account_table_new(NULL);
    struct account *a, *b;

    assert_null(account_table_find(table, SLICE("A")));
    a = account_table_obtain(table, SLICE("A"));
    assert_string_equal(a->name, "A");
    assert_ptr_equal(account_table_obtain(table, SLICE("A")), a);
    assert_ptr_equal(account_table_find(table, SLICE("A")), a);
    b = account_table_obtain(table, SLICE("B"));
    assert_ptr_not_equal(a, b);
    assert_int_equal(account_table_count(table), 2);
    account_unref(a);
    account_unref(a);
    account_table_remove(table, a);
    assert_null(account_table_find(table, SLICE("A")));
    assert_int_equal(account_table_count(table), 1);
    assert_string_equal(a->name, "A"); /* our reference holds it */
    account_unref(a);
    account_unref(b);
    account_table_free(table);
    account_table_free(NULL);
}

static void test_snapshot_holds_what_is_in_it(void **state)
{
    struct account_table *table = account_table_new(NULL);
    struct account **all;
    size_t count;

    all = account_table_all(table, &count);
    assert_int_equal(count, 0);
    mem_free(all);
    account_unref(account_table_obtain(table, SLICE("A")));
    account_unref(account_table_obtain(table, SLICE("B")));
    all = account_table_all(table, &count);
    assert_int_equal(count, 2);
    account_table_remove(table, all[0]);
    assert_true(slice_of(all[0]->name).len == 1);
    for (size_t i = 0; i < count; i++)
        account_unref(all[i]);
    mem_free(all);
    account_table_free(table);
}

/* Everybody obtains the same names at once: each is made once. */
static void *obtain_all(void *arg)
{
    struct account_table *table = arg;

    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < NAMES; i++) {
            char name[20];
            struct account *account;

            snprintf(name, sizeof(name), "account-%u", i);
            account = account_table_obtain(table, slice_of(name));
            CHECK(slice_equal(slice_of(account->name), slice_of(name)));
            account_unref(account);
        }
    return NULL;
}

static void test_obtained_by_several_at_once(void **state)
{
    struct account_table *table = account_table_new(NULL);
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, obtain_all, table), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(account_table_count(table), NAMES);
    account_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_obtain_remove),
        cmocka_unit_test(test_snapshot_holds_what_is_in_it),
        cmocka_unit_test(test_obtained_by_several_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
