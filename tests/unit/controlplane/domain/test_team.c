#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/scene.h"

static struct scene scene;

static enum result add_member(const char *name, int role, struct member *out)
{
    const struct member_settings settings = {.settings = {.name = name}, .role = role};

    scene_as_tenant(&scene);
    return scene_end(&scene, member_create(&scene.work, scene.team_id, &settings, out));
}

/* TEA-02: somebody who may do everything must be left. */
static void test_the_last_admin_stays(void **state)
{
    struct member ada, bob, out;
    struct member_settings settings;

    assert_int_equal(add_member("ada@example.com", 0, &ada), OK);
    assert_int_equal(add_member("ada@example.com", 1, &bob), ERR_EXISTS);
    scene_as_tenant(&scene);
    assert_int_equal(member_remove(&scene.work, &ada), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "illegal_state");
    scene.refusal.code = REFUSAL_none;
    settings = member_settings_of(&ada);
    settings.role = 1;
    assert_int_equal(member_update(&scene.work, &ada, &settings, &out), ERR_STATE);
    assert_int_equal(scene_end(&scene, OK), OK);
    assert_int_equal(add_member("bob@example.com", 0, &bob), OK);
    scene_as_tenant(&scene);
    assert_int_equal(member_remove(&scene.work, &ada), OK);
    assert_int_equal(member_by_id(&scene.work, scene.team_id, ada.resource.id, &out),
                     ERR_NOT_FOUND);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_team_with_accounts_stays(void **state)
{
    struct team team;

    scene_as_admin(&scene);
    assert_int_equal(team_by_ref(&scene.work, scene.team_id, &team), OK);
    assert_int_equal(team.account_count, 1);
    assert_int_equal(team_delete(&scene.work, &team), ERR_STATE);
    assert_string_equal(scene_refused(&scene), "in_use");
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_an_empty_team_goes_and_its_name_is_free(void **state)
{
    const struct team_settings settings = {.settings = {.name = "short-lived"}};
    struct team team;

    scene_as_admin(&scene);
    assert_int_equal(team_create(&scene.work, &settings, &team), OK);
    assert_int_equal(team_delete(&scene.work, &team), OK);
    assert_int_equal(team_create(&scene.work, &settings, &team), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static void test_a_team_sees_itself_and_changes_not_its_plan(void **state)
{
    struct team_settings settings;
    struct team team, out;
    struct db_rows rows;

    scene_as_tenant(&scene);
    assert_int_equal(team_list(&scene.work, &(struct list_query){.limit = 10}, &rows), OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(team_by_ref(&scene.work, scene.team_id, &team), OK);
    settings = team_settings_of(&team);
    settings.settings.display_name = "Payments";
    assert_int_equal(team_update(&scene.work, &team, &settings, &out), OK);
    assert_int_equal(out.resource.version, 2);
    assert_int_equal(team_update(&scene.work, &team, &settings, &out), ERR_CONFLICT);
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
        cmocka_unit_test(test_the_last_admin_stays),
        cmocka_unit_test(test_a_team_with_accounts_stays),
        cmocka_unit_test(test_an_empty_team_goes_and_its_name_is_free),
        cmocka_unit_test(test_a_team_sees_itself_and_changes_not_its_plan),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
