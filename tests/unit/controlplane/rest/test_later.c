#include "controlplane/rest/later.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "tests/lib/tenants.h"

static char user[40], system_id[40];

static int begin(void **state)
{
    tenants_start_team(state);
    control_want(control, 200, admin, "GET", "/v1/systems", NULL);
    snprintf(system_id, sizeof(system_id), "%s", control_text(control, "items/0/id"));
    control_account_make(control, &payments, "orders", account);
    control_want(control, 201, payments.token, "POST",
                 control_format(control, "/v1/accounts/%s/users", account), "{\"name\":\"u\"}");
    snprintf(user, sizeof(user), "%s", control_text(control, "id"));
    return 0;
}

static const char *path(int which)
{
    switch (which) {
    case 0:
        return control_format(control, "/v1/accounts/%s/users/%s/credentials", account, user);
    case 1:
        return control_format(control, "/v1/accounts/%s/signing-keys", account);
    case 2:
        return "/v1/systems";
    default:
        return control_format(control, "/v1/systems/%s", system_id);
    }
}

/* Who asks learns that it is not he who is wrong, and what to use. */
static void test_what_a_later_version_has(void **state)
{
    static const struct {
        int path;
        const char *body, *pointer, *instead;
    } rows[] = {
        {0, "{\"generate\":true,\"custody\":\"sealed\"}", "/custody", "public_key"},
        {1, "{\"name\":\"k\",\"custody\":\"sealed\"}", "/custody", "managed"},
        {1, "{\"name\":\"k\",\"custody\":\"external\"}", "/custody", "customer"},
        {2, "{\"name\":\"s\",\"resolver_kind\":\"cache\"}", "/resolver_kind", "full"},
        {3, "{\"resolver_kind\":\"url\"}", "/resolver_kind", "memory"},
        {2, "{\"name\":\"s\",\"tls\":{\"ca\":\"x\"}}", "/tls", "tls://"},
        {3, "{\"tls\":true}", "/tls", "SSL_CERT_FILE"},
        {2, "{\"name\":\"s\",\"urls\":[\"nats://h:1\",\"wss://h:2\"]}", "/urls", "public_urls"},
        {3, "{\"urls\":[\"ws://h:2\"]}", "/urls", "nats://"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *token = rows[i].path < 2 ? payments.token : admin;

        control_refused_if(control, 422, "not_supported", token, rows[i].path == 3 ? "*" : NULL,
                           rows[i].path == 3 ? "PATCH" : "POST", path(rows[i].path), rows[i].body);
        assert_string_equal(control_text(control, "errors/0/pointer"), rows[i].pointer);
        assert_string_equal(control_text(control, "errors/0/code"), "not_supported");
        assert_non_null(strstr(control_text(control, "detail"), "not supported yet"));
        assert_non_null(strstr(control_text(control, "detail"), rows[i].instead));
    }
}

/* A mistake stays a mistake, and what is there is not in the way. */
static void test_all_else_is_as_before(void **state)
{
    static const struct {
        int path;
        const char *body, *code;
    } rows[] = {
        {0, "{\"generate\":true,\"custody\":\"safe\"}", "unknown_field"},
        {1, "{\"name\":\"k\",\"custody\":\"mine\"}", "validation_failed"},
        {2, "{\"name\":\"s\",\"resolver_kind\":\"files\"}", "validation_failed"},
        {2, "{\"name\":\"s\",\"urls\":[\"http://h:1\"]}", "validation_failed"},
        {2, "{\"name\":\"s\",\"urls\":\"nats://h:1\"}", "validation_failed"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        control_refused(control, 422, rows[i].code, rows[i].path < 2 ? payments.token : admin,
                        "POST", path(rows[i].path), rows[i].body);
    control_want_if(control, 200, admin, "*", "PATCH", path(3),
                    "{\"public_urls\":[\"wss://nats.example.com\",\"tls://nats.example.com\"],"
                    "\"resolver_kind\":\"memory\"}");
    /* Elsewhere the word means nothing. */
    control_refused(control, 422, "unknown_field", payments.token, "POST",
                    control_format(control, "/v1/accounts/%s/users", account),
                    "{\"name\":\"v\",\"custody\":\"sealed\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_later_version_has),
        cmocka_unit_test(test_all_else_is_as_before),
    };

    return cmocka_run_group_tests(tests, begin, tenants_stop);
}
