#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/control_plane.h"

static void test_bootstrap_to_a_team(void **state)
{
    struct control_plane *control = control_plane_start(NULL);
    const char *admin = control_plane_admin(control);
    struct control_team team;
    char account[40];

    assert_int_equal(control_do(control, admin, "GET", "/v1/whoami", NULL), 200);
    assert_string_equal(control_text(control, "role"), "operator_admin");
    control_world(control, "[]");
    control_team_make(control, "payments", &team);
    control_account_make(control, &team, "orders", account);
    assert_int_equal(control_do(control, team.token, "GET", "/v1/accounts", NULL), 200);
    assert_string_equal(control_text(control, "items/0/id"), account);
    control_plane_restart(control);
    assert_int_equal(control_do(control, team.token, "GET", "/v1/accounts", NULL), 200);
    assert_string_equal(control_text(control, "items/0/id"), account);
    control_plane_stop(control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bootstrap_to_a_team),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
