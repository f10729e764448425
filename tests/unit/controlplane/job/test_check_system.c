#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/job/check_system.h"
#include "tests/lib/workshop.h"

#define KEY "AKEY"

static const struct fake_answer with_a_store[] = {
    {"$SYS.REQ.SERVER.PING.IDZ", "{}"},       {"$SYS.REQ.SERVER.PING.VARZ", "{}"},
    {"$SYS.REQ.ACCOUNT.PING.STATZ", "{}"},    {"$SYS.REQ.ACCOUNT." KEY ".INFO", "{}"},
    {"$SYS.REQ.ACCOUNT." KEY ".CONNZ", "{}"}, {"$SYS.REQ.CLAIMS.UPDATE", "{}"},
    {"$SYS.REQ.CLAIMS.LIST", "{}"},           {"$SYS.REQ.CLAIMS.PACK", ""},
    {"$SYS.REQ.CLAIMS.DELETE", "{}"},         {0},
};
static const struct fake_answer without_a_store[] = {
    {"$SYS.REQ.SERVER.PING.IDZ", "{}"},
    {"$SYS.REQ.SERVER.PING.VARZ", "{}"},
    {"$SYS.REQ.ACCOUNT.PING.STATZ", "{}"},
    {"$SYS.REQ.ACCOUNT." KEY ".INFO", "{}"},
    {"$SYS.REQ.ACCOUNT." KEY ".CONNZ", "{}"},
    {"$SYS.REQ.CLAIMS.UPDATE", "{}"},
    {0},
};
static const struct fake_answer that_says_little[] = {
    {"$SYS.REQ.SERVER.PING.IDZ", "{}"},
    {"$SYS.REQ.SERVER.PING.VARZ", NULL},
    {"$SYS.REQ.CLAIMS.LIST", "{}"},
    {0},
};

/* The check of that subject; NULL: it was not asked for. */
static json_t *find(const json_t *tree, const char *subject)
{
    json_t *link = json_array_get(json_object_get(tree, "links"), 0), *check;
    size_t i;

    json_array_foreach(json_object_get(link, "checks"), i, check)
    {
        if (strcmp(json_string_value(json_object_get(check, "subject")), subject) == 0)
            return check;
    }
    return NULL;
}

static json_t *check(struct workshop *workshop)
{
    workshop_connect(workshop);
    return check_system(&workshop->context, "sys_1", KEY, 1);
}

static void test_all_is_answered(void **state)
{
    struct workshop *workshop = workshop_open(with_a_store);
    json_t *tree = check(workshop), *link = json_array_get(json_object_get(tree, "links"), 0);

    assert_true(json_is_true(json_object_get(tree, "ok")));
    assert_true(json_is_true(json_object_get(link, "connected")));
    assert_string_equal(json_string_value(json_object_get(link, "server_id")),
                        fake_node_id(workshop->node));
    assert_int_equal(json_array_size(json_object_get(link, "checks")), 9);
    /* Nothing that could change a node was sent. */
    assert_string_equal(fake_node_heard(workshop->node, 5), "");
    assert_string_equal(fake_node_heard(workshop->node, 8), "");
    json_decref(tree);
    workshop_close(workshop);
}

static void test_a_memory_resolver_has_no_store(void **state)
{
    struct workshop *workshop = workshop_open(without_a_store);
    json_t *tree = check(workshop);

    assert_true(json_is_true(json_object_get(tree, "ok")));
    assert_null(find(tree, "$SYS.REQ.CLAIMS.LIST"));
    json_decref(tree);
    workshop_close(workshop);
}

static void test_what_is_missing_is_named(void **state)
{
    struct workshop *workshop = workshop_open(that_says_little);
    json_t *tree = check(workshop);

    assert_true(json_is_false(json_object_get(tree, "ok")));
    assert_true(json_is_true(json_object_get(find(tree, "$SYS.REQ.SERVER.PING.IDZ"), "ok")));
    assert_true(json_is_false(json_object_get(find(tree, "$SYS.REQ.CLAIMS.PACK"), "ok")));
    assert_non_null(
        strstr(json_string_value(json_object_get(find(tree, "$SYS.REQ.CLAIMS.PACK"), "error")),
               "nobody answers"));
    assert_non_null(
        strstr(json_string_value(json_object_get(find(tree, "$SYS.REQ.SERVER.PING.VARZ"), "error")),
               "no answer"));
    json_decref(tree);
    workshop_close(workshop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_answered),
        cmocka_unit_test(test_a_memory_resolver_has_no_store),
        cmocka_unit_test(test_what_is_missing_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
