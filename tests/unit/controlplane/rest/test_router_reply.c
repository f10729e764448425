#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controlplane/rest/router_parts.h"
#include "tests/lib/tenants.h"

static int begin(void **state)
{
    tenants_start_team(state);
    for (int i = 0; i < 5; i++)
        control_want(
            control, 201, admin, "POST", "/v1/teams",
            control_format(control, "{\"name\":\"t%d\",\"labels\":{\"a/b\":\"n %d\"}}", i, i));
    return 0;
}

static void test_the_next_page_is_linked(void **state)
{
    char link[1024], *close;
    int pages = 1;

    control_want(control, 200, admin, "GET", "/v1/teams?q=t&limit=2", NULL);
    while (control_last_header(control, "Link") != NULL) {
        snprintf(link, sizeof(link), "%s", control_last_header(control, "Link"));
        close = strchr(link, '>');
        assert_non_null(close);
        assert_string_equal(close, ">; rel=\"next\"");
        *close = '\0';
        control_want(control, 200, admin, "GET", link + 1, NULL);
        pages++;
    }
    assert_int_equal(pages, 3);
    assert_true(json_is_null(control_member(control, "next_cursor")));
    assert_true(json_is_false(control_member(control, "has_more")));
}

static void test_a_creation_says_where_it_is(void **state)
{
    char location[80], etag[16];

    control_want(control, 201, admin, "POST", "/v1/teams", "{\"name\":\"there\"}");
    snprintf(location, sizeof(location), "%s", control_last_header(control, "Location"));
    snprintf(etag, sizeof(etag), "%s", control_last_header(control, "ETag"));
    control_want(control, 200, admin, "GET", location, NULL);
    assert_string_equal(control_last_header(control, "ETag"), etag);
    assert_string_equal(control_text(control, "name"), "there");
}

static void test_a_deletion_says_nothing(void **state)
{
    control_want(control, 201, admin, "POST", "/v1/teams", "{\"name\":\"gone\"}");
    control_want(control, 204, admin, "DELETE",
                 control_format(control, "/v1/teams/%s", control_text(control, "id")), NULL);
    assert_null(control_last_header(control, "ETag"));
    assert_null(control_last_header(control, "Content-Type"));
    assert_int_equal(control_last(control)->body.len, 0);
}

/* Who looks for an action finds what was refused as well as what was done. */
static void test_events_of_refusals_are_called_as_those_of_successes(void **state)
{
    static const char actions[] =
        " account.create account.change account.delete account.limits account.push account.put"
        " account.resume account.suspend bootstrap.exchange credential.issue credential.revoke"
        " member.change member.create member.delete node.retire operation.cancel operator.change"
        " operator.create operator_key.activate operator_key.create operator_key.retire plan.change"
        " plan.create plan.delete revocation.delete revocation.put role.change role.create"
        " role.delete signing_key.create signing_key.delete system.change system.create"
        " system.delete system.reconcile system.test team.change team.create team.delete"
        " token.change token.create token.delete user.change user.create user.delete user.put ";
    struct arena arena = {0};

    for (size_t i = 0; rest_tables[i] != NULL; i++) {
        for (const struct rest_route *route = rest_tables[i]; route->method != NULL; route++) {
            const char *action = router_action(route, &arena);

            if (strcmp(route->method, "GET") != 0 &&
                strstr(actions, arena_printf(&arena, " %s ", action)) == NULL)
                fail_msg("%s: %s", route->id, action);
        }
    }
    arena_fini(&arena);
}

static void test_the_common_members(void **state)
{
    static const char *const names[] = {"id",          "kind",    "name",       "display_name",
                                        "description", "labels",  "created_at", "created_by",
                                        "updated_at",  "version", "state",      "conditions"};
    static const char *const lists[] = {"/v1/teams", "/v1/plans", "/v1/operators", "/v1/systems",
                                        "/v1/tokens"};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        json_t *item;
        void *at;

        control_want(control, 200, admin, "GET", lists[i], NULL);
        item = control_member(control, "items/0");
        at = json_object_iter(item);
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            assert_string_equal(json_object_iter_key(at), names[j]);
            at = json_object_iter_next(item, at);
        }
        assert_int_equal(strlen(control_text(control, "items/0/created_at")),
                         strlen("2026-11-23T01:40:00.000Z"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_page_is_linked),
        cmocka_unit_test(test_a_creation_says_where_it_is),
        cmocka_unit_test(test_a_deletion_says_nothing),
        cmocka_unit_test(test_events_of_refusals_are_called_as_those_of_successes),
        cmocka_unit_test(test_the_common_members),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
