#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/tenants.h"

static char system_id[40];

static int begin(void **state)
{
    tenants_start_team(state);
    control_want(control, 200, admin, "GET", "/v1/systems", NULL);
    snprintf(system_id, sizeof(system_id), "%s", control_text(control, "items/0/id"));
    return 0;
}

static const char *path_of(const char *rest)
{
    return control_format(control, "/v1/systems/%s%s", system_id, rest);
}

static void test_a_system_has_an_account_of_its_own(void **state)
{
    char id[40];

    control_want(control, 200, admin, "GET", path_of(""), NULL);
    assert_string_equal(control_text(control, "state"), "enrolling");
    assert_memory_equal(control_text(control, "system_account_key"), "A", 1);
    snprintf(id, sizeof(id), "%s", control_text(control, "system_account_id"));
    control_refused_if(control, 409, "protected", admin, "*", "DELETE",
                       control_format(control, "/v1/accounts/%s", id), NULL); /* DEL-04 */
    control_refused(control, 404, "not_found", payments.token, "GET",
                    control_format(control, "/v1/accounts/%s", id), NULL);
}

static void test_settings(void **state)
{
    static const struct {
        const char *body, *pointer;
    } refused[] = {
        {"{\"urls\":[\"http://h:1\"]}", "/urls/0"},
        {"{\"urls\":[\"nats://user:word@h:1\"]}", "/urls/0"},
        {"{\"urls\":[\"nats://h:1/path\"]}", "/urls/0"},
        {"{\"resolver_kind\":\"files\"}", "/resolver_kind"},
        {"{\"jetstream\":{\"tiers\":[\"R1\",\"R6\"]}}", "/jetstream/tiers/1"},
        {"{\"jetstream\":{\"domain\":\"a.b\"}}", "/jetstream/domain"},
        {"{\"jetstream\":{\"domain\":\"a\\\"b\"}}", "/jetstream/domain"},
        {"{\"jetstream\":true}", "/jetstream"},
        {"{\"sync_interval_s\":0}", "/sync_interval_s"},
        {"{\"operator_id\":\"opr_other\"}", "/operator_id"},
    };

    control_want_if(control, 200, admin, "*", "PATCH", path_of(""),
                    "{\"public_urls\":[\"tls://nats.example.com:4222\"],\"sync_interval_s\":30}");
    assert_int_equal(control_int(control, "sync_interval_s"), 30);
    assert_int_equal(control_int(control, "accounts_expected"), 1000);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        control_refused_if(control, 422, "validation_failed", admin, "*", "PATCH", path_of(""),
                           refused[i].body);
        assert_string_equal(control_text(control, "errors/0/pointer"), refused[i].pointer);
    }
    control_refused(control, 428, "precondition_required", admin, "PATCH", path_of(""), "{}");
}

/* SYS-01: one object, and a change names only what changes. */
static void test_jetstream_is_an_object(void **state)
{
    control_want_if(control, 200, admin, "*", "PATCH", path_of(""),
                    "{\"jetstream\":{\"enabled\":true,\"tiers\":[\"R1\",\"R3\"]}}");
    control_want_if(control, 200, admin, "*", "PATCH", path_of(""),
                    "{\"jetstream\":{\"domain\":\"hub\"}}");
    control_want(control, 200, admin, "GET", "/v1/systems?q=main", NULL);
    assert_true(json_is_true(control_member(control, "items/0/jetstream/enabled")));
    assert_string_equal(control_text(control, "items/0/jetstream/domain"), "hub");
    assert_string_equal(control_text(control, "items/0/jetstream/tiers/1"), "R3");
    control_want(control, 200, admin, "GET", path_of("/server-config?name=n1&store_dir=/var/lib/n"),
                 NULL);
    assert_non_null(strstr(buf_text(&control_last(control)->body), "domain: \"hub\""));
    control_want_if(control, 200, admin, "*", "PATCH", path_of(""), "{\"jetstream\":null}");
    assert_true(json_is_false(control_member(control, "jetstream/enabled")));
    assert_int_equal(json_array_size(control_member(control, "jetstream/tiers")), 0);
    control_want_if(control, 200, admin, "*", "PATCH", path_of(""), /* as it was read */
                    "{\"jetstream\":{\"enabled\":false,\"domain\":\"\",\"tiers\":[]}}");
    control_refused_if(control, 422, "unknown_field", admin, "*", "PATCH", path_of(""),
                       "{\"jetstream_enabled\":true}");
    control_want(control, 200, admin, "GET", path_of(""), NULL);
    control_want(control, 201, admin, "POST", "/v1/systems", /* and as a PATCH may say it */
                 control_format(control,
                                "{\"name\":\"plain\",\"operator_id\":\"%s\",\"urls\":[],"
                                "\"jetstream\":null}",
                                control_text(control, "operator_id")));
    assert_true(json_is_false(control_member(control, "jetstream/enabled")));
    control_want_if(control, 204, admin, "*", "DELETE",
                    control_format(control, "/v1/systems/%s", control_text(control, "id")), NULL);
}

static void test_a_system_in_use_stays(void **state)
{
    char other[40];

    control_account_make(control, &payments, "orders", account);
    control_refused_if(control, 409, "in_use", admin, "*", "DELETE", path_of(""), NULL);
    control_want(control, 201, admin, "POST", "/v1/systems", "{\"name\":\"other\"}");
    snprintf(other, sizeof(other), "%s", control_text(control, "id"));
    control_want_if(control, 204, admin, "*", "DELETE",
                    control_format(control, "/v1/systems/%s", other), NULL);
}

static void test_a_node_gets_a_configuration(void **state)
{
    const char *text;

    control_want(control, 200, admin, "GET",
                 path_of("/server-config?name=n1&port=4333&http_port=8333&store_dir=/var/lib/n"),
                 NULL);
    text = buf_text(&control_last(control)->body);
    assert_non_null(strstr(text, "server_name: \"n1\""));
    assert_non_null(strstr(text, "listen: \"127.0.0.1:4333\""));
    assert_non_null(strstr(text, "allow_delete: true"));
    assert_null(strstr(text, "\nSO"));
    control_refused(control, 400, "invalid_parameter", admin, "GET",
                    path_of("/server-config?name=n1&store_dir=relative"), NULL);
    control_refused(control, 400, "invalid_parameter", admin, "GET",
                    path_of("/server-config?name=n1&store_dir=/x&listen=%22"), NULL);
    assert_string_equal(control_text(control, "detail"), "listen must be an address");
    control_refused(control, 400, "invalid_parameter", admin, "GET",
                    path_of("/server-config?name=n%22&store_dir=/x"), NULL);
    control_refused(control, 400, "invalid_parameter", admin, "GET",
                    path_of("/server-config?name=n1&store_dir=/x%22%0Ainclude%20y"), NULL);
    control_refused(control, 400, "invalid_parameter", admin, "GET",
                    path_of("/server-config?name=n1&store_dir=/x&port=70000"), NULL);
}

static void test_without_nodes(void **state)
{
    control_want(control, 200, admin, "GET", path_of("/nodes"), NULL);
    assert_int_equal(control_count(control), 0);
    control_refused(control, 404, "not_found", admin, "GET", path_of("/nodes/n1"), NULL);
    control_refused(control, 404, "not_found", admin, "POST", path_of("/nodes/n1:retire"), NULL);
    control_want(control, 200, admin, "POST", path_of(":test-connection"), NULL);
    assert_true(json_is_false(control_member(control, "ok")));
    assert_int_equal(json_array_size(control_member(control, "links")), 0);
    control_want_if(control, 200, admin, "*", "PATCH", path_of(""),
                    "{\"urls\":[\"nats://127.0.0.1:1\"]}");
    control_want(control, 200, admin, "POST", path_of(":test-connection"), NULL);
    assert_true(json_is_false(control_member(control, "ok")));
    assert_true(json_is_false(control_member(control, "links/0/connected")));
    assert_string_equal(control_text(control, "links/0/url"), "nats://127.0.0.1:1");
    assert_true(control_text(control, "links/0/trouble")[0] != '\0');
    control_want(control, 200, admin, "GET", path_of("/sync"), NULL);
    assert_non_null(control_member(control, "accounts"));
    control_want(control, 202, admin, "POST", path_of(":reconcile"), NULL);
}

static void test_tenants_see_no_system(void **state)
{
    static const struct {
        const char *method, *rest;
    } cases[] = {
        {"GET", ""},      {"GET", "/nodes"},           {"GET", "/server-config"},
        {"GET", "/sync"}, {"POST", ":reconcile"},      {"POST", ":test-connection"},
        {"DELETE", ""},   {"POST", "/nodes/n:retire"}, {"GET", "/nodes/n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(control, 403, "forbidden", payments.token, cases[i].method,
                        path_of(cases[i].rest), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_system_has_an_account_of_its_own),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_jetstream_is_an_object),
        cmocka_unit_test(test_a_system_in_use_stays),
        cmocka_unit_test(test_a_node_gets_a_configuration),
        cmocka_unit_test(test_without_nodes),
        cmocka_unit_test(test_tenants_see_no_system),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
