#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/revocation.h"
#include "tests/lib/scene.h"

static struct scene scene;

static const char key[] = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

static enum result put(const char *user_key, int64_t before, struct revocation *out)
{
    const struct revocation_settings settings = {.revoked_before = before, .reason = "test"};
    struct account account = scene_account(&scene);

    scene_as_tenant(&scene);
    return scene_end(&scene, revocation_put(&scene.work, &account, user_key, &settings, out));
}

static void test_its_time_moves_forward_only(void **state)
{
    struct revocation revocation;

    assert_int_equal(put(key, 2000 * NS_PER_S + 7, &revocation), OK);
    assert_int_equal(revocation.revoked_before, 2000 * NS_PER_S); /* tokens know seconds */
    assert_int_equal(put(key, 1000 * NS_PER_S, &revocation), OK);
    assert_int_equal(revocation.revoked_before, 2000 * NS_PER_S);
    assert_int_equal(put(key, 3000 * NS_PER_S, &revocation), OK);
    assert_int_equal(revocation.revoked_before, 3000 * NS_PER_S);
}

static void test_what_is_refused(void **state)
{
    struct revocation revocation;

    assert_int_equal(put("U123", 0, &revocation), ERR_INVALID);
    assert_int_equal(put(key, work_now(&scene.work) + 3600 * NS_PER_S, &revocation), ERR_INVALID);
    assert_int_equal(put("*", 0, &revocation), OK);
}

static void test_removed_says_what_is_valid_again(void **state)
{
    struct revocation revocation;
    struct db_rows rows;
    struct valid_again again;

    scene_as_tenant(&scene);
    assert_int_equal(revocation_by_key(&scene.work, scene.account_id, key, &revocation), OK);
    assert_int_equal(revocation_delete(&scene.work, &revocation, &again), OK);
    assert_int_equal(again.count, 0);
    assert_int_equal(again.ids.count, 0);
    assert_int_equal(revocation_by_key(&scene.work, scene.account_id, key, &revocation),
                     ERR_NOT_FOUND);
    assert_int_equal(
        revocation_list(&scene.work, scene.account_id, &(struct list_query){.limit = 10}, &rows),
        OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(scene_end(&scene, OK), OK);
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
        cmocka_unit_test(test_its_time_moves_forward_only),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_removed_says_what_is_valid_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
