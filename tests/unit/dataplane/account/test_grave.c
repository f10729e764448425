#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/mem.h"
#include "dataplane/account/grave.h"
#include "tests/lib/crew.h"

static struct grave *full(unsigned count)
{
    struct grave *grave = NULL;

    for (unsigned i = 0; i < count; i++)
        grave_add(&grave, mem_alloc(i));
    return grave;
}

/* The sanitizer counts what is freed. */
static void test_frees_at_once_without_workers(void **state)
{
    struct grave *grave = NULL;

    grave_add(&grave, NULL);
    assert_null(grave);
    grave_close(NULL);
    grave_close(full(1));
    grave_close(full(100));
}

static void close_many(struct worker *worker, void *arg)
{
    size_t before = reclaim_waiting(worker->reader);

    grave_close(full(20));
    assert_true(reclaim_waiting(worker->reader) > before); /* not freed in this turn */
    assert_true(reclaim_waiting(worker->reader) < before + 20);
}

static void test_retires_on_a_worker(void **state)
{
    struct crew crew = {0};

    crew_start(&crew, 2);
    for (unsigned i = 0; i < 20; i++)
        crew_run(&crew, i % 2, close_many, NULL);
    crew_stop(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frees_at_once_without_workers),
        cmocka_unit_test(test_retires_on_a_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
