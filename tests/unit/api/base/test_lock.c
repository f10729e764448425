#include "api/base/lock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/dies.h"

enum { THREADS = 4, ROUNDS = 5000 };

static struct lock lock;
static int counter, twin;

static void *work(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        lock_write(&lock);
        counter++;
        twin++;
        lock_release(&lock);
        lock_read(&lock);
        assert_int_equal(counter, twin);
        lock_release(&lock);
    }
    return NULL;
}

static void test_writers_exclude_everybody(void **state)
{
    pthread_t threads[THREADS];

    lock_init(&lock);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(counter, THREADS * ROUNDS);
    lock_fini(&lock);
}

static void hold_two(void *arg)
{
    struct lock a, b;

    lock_init(&a);
    lock_init(&b);
    lock_read(&a);
    lock_read(&b);
}

static void release_another(void *arg)
{
    struct lock a, b;

    lock_init(&a);
    lock_init(&b);
    lock_write(&a);
    lock_release(&b);
}

static void test_a_second_lock_stops(void **state)
{
    assert_true(dies(hold_two, NULL));
    assert_true(dies(release_another, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writers_exclude_everybody),
        cmocka_unit_test(test_a_second_lock_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
