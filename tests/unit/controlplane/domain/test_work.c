#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/scene.h"

static struct scene scene;

static void test_a_failed_work_wakes_nobody(void **state)
{
    assert_int_equal(work_begin(&scene.work), OK);
    assert_int_equal(scene.work.who->role, ROLE_MACHINE);
    scene.work.wake = WAKE_OUTBOX;
    assert_int_equal(work_end(&scene.work, ERR_STATE), ERR_STATE);
    assert_int_equal(scene.work.wake, 0);
    assert_int_equal(work_begin(&scene.work), OK);
    scene.work.wake = WAKE_OUTBOX;
    assert_int_equal(work_end(&scene.work, OK), OK);
    assert_int_equal(scene.work.wake, WAKE_OUTBOX);
}

static int set_up(void **state)
{
    scene_start(&scene);
    return 0;
}

static int tear_down(void **state)
{
    scene_stop(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failed_work_wakes_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
