#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/nats/digest.h"
#include "tests/lib/tenants.h"

static char user[40];

static const char *issue_path(void)
{
    if (user[0] == '\0') {
        control_want(control, 201, payments.token, "POST",
                     control_format(control, "/v1/accounts/%s/users", account),
                     "{\"name\":\"billing\"}");
        snprintf(user, sizeof(user), "%s", control_text(control, "id"));
    }
    return control_format(control, "/v1/accounts/%s/users/%s/credentials", account, user);
}

/* As sha256sum has it. */
static void fingerprint(const char *text, char out[80])
{
    uint8_t digest[DIGEST_LEN];

    digest_sha256(text, strlen(text), digest);
    snprintf(out, 80, "sha256:");
    for (size_t i = 0; i < DIGEST_LEN; i++)
        snprintf(out + strlen(out), 3, "%02x", digest[i]);
}

/* The seed is in the answer once, and nowhere else: no list, no audit, no replay. */
static void test_shown_once(void **state)
{
    char seed[80], id[40], print[80];
    const char *headers[] = {"Idempotency-Key: once", NULL};
    struct control_request request = {.method = "POST",
                                      .token = payments.token,
                                      .body = "{\"generate\":true}",
                                      .headers = headers};
    struct control_reply reply = {0};

    request.path = issue_path();
    control_exchange(control, &request, &reply);
    assert_int_equal(reply.status, 201);
    snprintf(seed, sizeof(seed), "%s", json_string_value(json_object_get(reply.json, "seed")));
    snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(reply.json, "id")));
    assert_int_equal(strlen(seed), 58);
    assert_non_null(strstr(json_string_value(json_object_get(reply.json, "creds")), seed));
    control_reply_fini(&reply);

    control_exchange(control, &request, &reply);
    assert_int_equal(reply.status, 410);
    assert_string_equal(json_string_value(json_object_get(reply.json, "code")),
                        "secret_no_longer_available");
    assert_null(strstr(buf_text(&reply.body), seed));
    control_reply_fini(&reply);

    control_want(control, 200, payments.token, "GET", issue_path(), NULL);
    assert_null(strstr(buf_text(&control_last(control)->body), seed));
    control_want(
        control, 200, payments.token, "GET",
        control_format(control,
                       "/v1/accounts/%s/audit-events?action=credential.issue&outcome=success",
                       account),
        NULL);
    assert_string_equal(control_text(control, "items/0/resource/id"), id);
    assert_null(strstr(buf_text(&control_last(control)->body), seed));
    assert_null(strstr(buf_text(&control_last(control)->body), "eyJ")); /* nor its JWT */
    fingerprint(seed, print);
    assert_string_equal(control_text(control, "items/0/after/seed"), print);
    assert_int_equal(strlen(control_text(control, "items/0/after/jwt")), strlen(print));
    assert_int_equal(strlen(control_text(control, "items/0/after/creds")), strlen(print));
    assert_null(control_member(control, "items/0/after/env")); /* none was asked for */
}

/* AUZ-02: operators mint no tenant's credentials. */
static void test_who_may_issue(void **state)
{
    control_refused(control, 403, "forbidden", admin, "POST", issue_path(), "{\"generate\":true}");
    control_refused(control, 404, "not_found", games.token, "POST", issue_path(),
                    "{\"generate\":true}");
    control_refused(control, 401, "unauthenticated", NULL, "POST", issue_path(),
                    "{\"generate\":true}");
}

static void test_revoked(void **state)
{
    char one[160], key[64];

    control_want(control, 201, payments.token, "POST", issue_path(), "{\"generate\":true}");
    snprintf(key, sizeof(key), "%s", control_text(control, "public_key"));
    snprintf(one, sizeof(one), "/v1/accounts/%s/credentials/%s", account,
             control_text(control, "id"));
    control_want(control, 200, payments.token, "POST", control_format(control, "%s:revoke", one),
                 "{\"reason\":\"laptop lost\"}");
    assert_string_equal(control_text(control, "state"), "revoked");
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/revocations/%s", account, key), NULL);
    assert_string_equal(control_text(control, "reason"), "laptop lost");
    control_want(control, 200, payments.token, "GET",
                 control_format(control, "/v1/accounts/%s/claims", account), NULL);
    assert_true(control_int(control, control_format(control, "claims/nats/revocations/%s", key)) >
                0);
}

static void test_bodies_that_are_refused(void **state)
{
    static const struct {
        const char *body, *code;
        int status;
    } cases[] = {
        {"{}", "validation_failed", 422},
        {"{\"public_key\":\"UBAD\"}", "validation_failed", 422},
        {"{\"generate\":true,\"ttl_s\":0}", "validation_failed", 422},
        {"{\"generate\":true,\"ttl_s\":-1}", "plan_forbids", 403},
        {"{\"generate\":true,\"format\":\"paper\"}", "validation_failed", 422},
        {"{\"generate\":true,\"seed\":\"S\"}", "unknown_field", 422},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(control, cases[i].status, cases[i].code, payments.token, "POST",
                        issue_path(), cases[i].body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown_once),
        cmocka_unit_test(test_who_may_issue),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_bodies_that_are_refused),
    };
    return cmocka_run_group_tests(tests, tenants_start_accounts, tenants_stop);
}
