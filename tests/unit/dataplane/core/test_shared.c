#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api/base/check.h"
#include "dataplane/core/shared.h"

enum { HOLDERS = 4, TIMES = 20000 };

static void test_holders(void **state)
{
    int64_t before = shared_balance();
    struct shared *shared = shared_new(1000);

    memset(shared->data, 7, shared->len);
    assert_true(shared_balance() - before >= 1000);
    assert_ptr_equal(shared_ref(shared), shared);
    shared_unref(shared);
    assert_int_equal(shared->data[999], 7);
    shared_unref(shared);
    assert_int_equal(shared_balance(), before);
    shared_unref(NULL);
}

struct holder {
    struct shared *shared;
    int64_t balance;
    pthread_t thread;
};

static void *hold(void *arg)
{
    struct holder *holder = arg;

    for (int i = 0; i < TIMES; i++) {
        struct shared *mine = shared_ref(holder->shared), *own = shared_new(10);

        CHECK(mine->data[5] == 5);
        shared_unref(mine);
        shared_unref(own);
    }
    shared_unref(holder->shared); /* the one that was handed to us */
    holder->balance = shared_balance();
    return NULL;
}

/* Whoever is last frees; the balances of all threads add up to nothing. */
static void test_threads(void **state)
{
    int64_t before = shared_balance(), sum;
    struct shared *shared = shared_new(100);
    struct holder holders[HOLDERS];

    memset(shared->data, 5, shared->len);
    for (int i = 0; i < HOLDERS; i++) {
        holders[i].shared = shared_ref(shared);
        assert_int_equal(pthread_create(&holders[i].thread, NULL, hold, &holders[i]), 0);
    }
    shared_unref(shared);
    sum = shared_balance() - before;
    for (int i = 0; i < HOLDERS; i++) {
        (void)pthread_join(holders[i].thread, NULL);
        sum += holders[i].balance;
    }
    assert_int_equal(sum, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holders),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
