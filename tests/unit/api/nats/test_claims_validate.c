#include "api/nats/claims_validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/claims_text.h"

static int set_up(void **state)
{
    *state = mem_alloc(sizeof(struct arena));
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    mem_free(*state);
    return 0;
}

static void test_a_good_account_has_no_issue(void **state)
{
    struct claims_issues issues;
    struct claims claims;

    assert_int_equal(claims_text_decode(*state, claims_text_account(*state), &claims), OK);
    claims_validate(&claims, 10, *state, &issues);
    if (issues.count > 0)
        fail_msg("%s", issues.items[0].text);
}

/* `from` in a whole account is replaced by `to`; what the issue then says, or NULL for none. */
static const struct {
    const char *from, *to, *says;
} account_rules[] = {
    {"\"sub\":\"" ACCOUNT, "\"sub\":\"" USER, "the subject is not an account's key"},
    {"\"subs\":-1", "\"subs\":-2", "limit \"subs\""},
    {"\"conn\":10", "\"conn\":-5", "limit \"conn\""},
    {"\"streams\":3", "\"streams\":-3", "limit \"streams\""},
    {"\"imports\":-1", "\"imports\":1", "2 imports, but no more than 1"},
    {"\"exports\":-1", "\"exports\":0", "2 exports, but no more than 0"},
    {"{\"R1\":", "{\" \":", "a tier of JetStream limits has no name"},
    {"\"in.a\"", "\"in..a\"", "is not a valid subject"},
    {"\"in.a\"", "\"in. a\"", "is not a valid subject"},
    {"\"account\":\"" OTHER "\",\"local", "\"account\":\"" ACCOUNT "\",\"local",
     "from the account itself"},
    {"\"account\":\"" OTHER "\",\"local", "\"local", "does not say from which account"},
    {"\"local_subject\":\"here.a\"", "\"local_subject\":\"here.$1\"",
     "is not a subject with the same wildcards"},
    {"\"local_subject\":\"here.a\"", "\"to\":\"x\",\"local_subject\":\"here.a\"",
     "has a \"to\" and a local subject"},
    {"\"type\":\"stream\",\"allow_trace\":true", "\"type\":\"stream\",\"share\":true",
     "only services are told who asks"},
    {"\"type\":\"stream\",\"allow_trace\":true", "\"type\":\"service\",\"allow_trace\":true",
     "tracing is allowed of streams only"},
    {"\"local_subject\":\"here.a\",\"type\":\"stream\",\"allow_trace\":true",
     "\"local_subject\":\"*\",\"type\":\"service\"", "overlap"},
    {"\"local_subject\"", "\"token\":\"x\",\"local_subject\"", "the token is not an activation"},
    {"\"type\":\"service\",\"token_req\"", "\"token_req\"", "neither a stream nor a service"},
    {"\"type\":\"service\",\"token_req\"", "\"type\":\"stream\",\"token_req\"",
     "tracing is allowed of services only"},
    {"\"Stream\"", "\"Many\"", "response type is not known"},
    {"\"response_threshold\":1000", "\"response_threshold\":-1", "response threshold is negative"},
    {"\"sampling\":\"headers\"", "\"sampling\":101", "sampling is not between"},
    {"\"results\":\"lat\"", "\"results\":\"lat.*\"", "results go to a subject without wildcards"},
    {"\"account_token_position\":2", "\"account_token_position\":1", "not that of a \"*\""},
    {"\"account_token_position\":2", "\"account_token_position\":-1", "out of range"},
    {"\"info_url\":\"http://x\"", "\"info_url\":\"x\"", "the info URL is not a URL"},
    {"\"subject\":\"str\",\"type\":\"stream\"", "\"subject\":\"out.x\",\"type\":\"service\"",
     "export \"out.x\" is contained in export \"out.*\""},
    {"\"subject\":\"str\",\"type\":\"stream\"", "\"subject\":\"out.*\",\"type\":\"service\"",
     "is contained in"},
    {"\"subject\":\"str\",\"type\":\"stream\"", "\"subject\":\"out.*\",\"type\":\"stream\"", NULL},
    {"[\"" KEY1 "\"", "[\"" USER "\"", "signing key"},
    {"\"allow\":[\"a\"]", "\"allow\":[\"a..b\"]", "publish allow"},
    {"\"m.*\"", "\"m..x\"", "mapping \"m..x\""},
    {"\"weight\":50}", "\"weight\":101}", "a weight is not between 1 and 100"},
    {"\"weight\":50,\"cluster\":\"c\"", "\"weight\":51", "exceed 100"},
    {"\"weight\":50}", "\"cluster\":\"c\"}", "exceed 100"},
    {"[\"" USER "\"]", "[]", "external authorization has no users"},
    {"[\"" USER "\"]", "[\"" KEY1 "\"]", "is not a user's key"},
    {"[\"*\"]", "[\"*\",\"" OTHER "\"]", "stands alone"},
    {"[\"*\"]", "[\"x\"]", "authorization: \"x\" is not an account's key"},
    {"\"xkey\":\"X", "\"xkey\":\"Y", "is not a curve key"},
    {"\"dest\":\"t\"", "\"dest\":\"t.*\"", "trace destination"},
    {"\"sampling\":50", "\"sampling\":500", "trace sampling"},
    {"\"owner\"", "\"both\"", "cluster traffic"},
    {"\"jti\":\"J\"", "\"exp\":9", "expired"},
    {"\"jti\":\"J\"", "\"exp\":10", NULL},
    {"\"jti\":\"J\"", "\"nbf\":11", "not valid yet"},
};

static bool mentions(const struct claims_issues *issues, const char *text, bool blocking)
{
    for (size_t i = 0; i < issues->count; i++) {
        if (strstr(issues->items[i].text, text) != NULL &&
            (issues->items[i].level != CLAIMS_WARNING) == blocking)
            return true;
    }
    return false;
}

static bool says(const struct claims_issues *issues, const char *text)
{
    return mentions(issues, text, true);
}

/* What hurts nobody else, or nobody at all, is said and does not block. */
static const struct {
    const char *from, *to, *says;
} account_warnings[] = {
    {"\"wildcards\":true", "\"wildcards\":false", "exports with wildcards are not allowed"},
    {"\"account\":\"" OTHER "\",\"local", "\"account\":\"" USER "\",\"local",
     "is not an account's key"},
    {"\"" KEY1 "\":7", "\"" USER "\":7", "neither a key of the right kind"},
    {"\"" USER "\":4", "\"" ACCOUNT "\":4", "revocations"},
    {"[\"" KEY1 "\"", "[\"" KEY2 "\"", "is there twice"},
    {"x.{{name()}}.>", "x..{{name()}}", "publish allow"},
    {"x.{{name()}}.>", "x q", "publish allow"},
    {"\"deny\":[\"y\"]", "\"deny\":[\"y q z\"]", "subscribe deny"},
    {"10.0.0.0/8", "10.0.0.0/33", "CIDR"},
    {"08:00:00", "8:00:00", "HH:MM:SS"},
    {"Europe/Berlin", "Nowhere/Town", "time zone"},
    {"\"STANDARD\"", "\"PIGEON\"", "none of the allowed connection types"},
};

static void test_warnings_of_accounts(void **state)
{
    const char *whole = claims_text_account(*state);

    for (size_t i = 0; i < COUNT_OF(account_warnings); i++) {
        char *text =
            claims_text_replaced(*state, whole, account_warnings[i].from, account_warnings[i].to);
        struct claims_issues issues;
        struct claims claims;

        assert_int_equal(claims_text_decode(*state, text, &claims), OK);
        claims_validate(&claims, 10, *state, &issues);
        if (claims_blocking(&issues, true) != NULL)
            fail_msg("%s: %s", account_warnings[i].to, claims_blocking(&issues, true)->text);
        if (!mentions(&issues, account_warnings[i].says, false))
            fail_msg("%s: nothing is said", account_warnings[i].to);
    }
}

/* "from" -> "local": may the import be called that? */
static void test_local_subjects(void **state)
{
    static const struct {
        const char *from, *local;
        bool valid;
    } cases[] = {
        {"a", "b", true},          {"a", "$1", false},        {"a.*", "$1", true},
        {"a.*", "b.*", true},      {"a.*", "$2", false},      {"a.*", "$0", true},
        {"a.*", "b", false},       {"a.*.*", "$2.$1", true},  {"a.*.*", "b.$1", false},
        {"a.*.*", "$1.$1", true},  {"a.*.*", "b.*.$2", true}, {"a.>", "b.>", true},
        {"a.>", ">", true},        {"a.>", "b", false},       {"a", "b.>", false},
        {"a.*.>", "$1.b.>", true}, {"a.*.>", "b.>", false},   {"a.*", "b.$1x", false},
        {"a.*", "b.$", false},     {"a.*", "b..$1", false},   {"a.*", "b.{{wildcard(1)}}", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = arena_printf(
            *state,
            "{\"sub\":\"" ACCOUNT "\",\"nats\":{\"type\":\"account\",\"version\":2,\"limits\":"
            "{\"imports\":-1},\"imports\":[{\"subject\":\"%s\",\"account\":\"" OTHER
            "\",\"type\":\"service\",\"local_subject\":\"%s\"}]}}",
            cases[i].from, cases[i].local);
        struct claims_issues issues;
        struct claims claims;

        assert_int_equal(claims_text_decode(*state, text, &claims), OK);
        claims_validate(&claims, 10, *state, &issues);
        if ((claims_blocking(&issues, true) == NULL) != cases[i].valid)
            fail_msg("%s -> %s", cases[i].from, cases[i].local);
    }
}

static void test_rules_of_accounts(void **state)
{
    const char *whole = claims_text_account(*state);

    for (size_t i = 0; i < COUNT_OF(account_rules); i++) {
        char *text =
            claims_text_replaced(*state, whole, account_rules[i].from, account_rules[i].to);
        struct claims_issues issues;
        struct claims claims;

        assert_int_equal(claims_text_decode(*state, text, &claims), OK);
        claims_validate(&claims, 10, *state, &issues);
        if (account_rules[i].says == NULL && claims_blocking(&issues, true) != NULL)
            fail_msg("%s: %s", account_rules[i].to, claims_blocking(&issues, true)->text);
        if (account_rules[i].says != NULL && !says(&issues, account_rules[i].says))
            fail_msg("%s: %s", account_rules[i].to,
                     issues.count > 0 ? issues.items[0].text : "nothing");
    }
}

#define OPERATOR_WITH(members) \
    "{\"sub\":\"" OPER "\",\"nats\":{" members "\"type\":\"operator\",\"version\":2}}"
#define USER_WITH(members) \
    "{\"sub\":\"" USER "\",\"nats\":{" members "\"type\":\"user\",\"version\":2}}"
#define ACTIVATION_WITH(members) \
    "{\"sub\":\"" ACCOUNT "\",\"nats\":{" members "\"type\":\"activation\",\"version\":2}}"

static const struct {
    const char *text, *says;
} other_rules[] = {
    {OPERATOR_WITH("\"signing_keys\":[\"" OKEY "\"],\"account_server_url\":\"https://x/jwt\","
                   "\"operator_service_urls\":[\"nats://a:1\",\"tls://b\",\"ws://c\",\"wss://d\"],"
                   "\"system_account\":\"" ACCOUNT "\",\"assert_server_version\":\"2.14.3\","
                   "\"strict_signing_key_usage\":true,"),
     NULL},
    {"{\"sub\":\"" USER "\",\"nats\":{\"type\":\"operator\",\"version\":2}}",
     "the subject is not an operator's key"},
    {OPERATOR_WITH("\"signing_keys\":[\"" ACCOUNT "\"],"), "is not an operator's key"},
    {OPERATOR_WITH("\"account_server_url\":\"x\","), "is not a URL"},
    {OPERATOR_WITH("\"operator_service_urls\":[\"http://x\"],"), "not a URL of nats"},
    {OPERATOR_WITH("\"operator_service_urls\":[\"nats://u@x\"],"), "more than host and port"},
    {OPERATOR_WITH("\"operator_service_urls\":[\"nats://x/y\"],"), "more than host and port"},
    {OPERATOR_WITH("\"system_account\":\"x\","), "system account"},
    {OPERATOR_WITH("\"assert_server_version\":\"2.14\","), "major.minor.update"},
    {USER_WITH("\"issuer_account\":\"" ACCOUNT "\",\"pub\":{\"allow\":[\"a.>\"]},"), NULL},
    {USER_WITH("\"issuer_account\":\"" USER "\","), "issuer account"},
    {USER_WITH("\"pub\":{\"allow\":[\"a..b\"]},"), "publish allow"},
    {USER_WITH("\"pub\":{\"allow\":[\"x q\"]},"), "publish allow"},
    {USER_WITH("\"sub\":{\"deny\":[\"y q\"]},"), NULL},
    {USER_WITH("\"sub\":{\"deny\":[\"y q z\"]},"), "subscribe deny"},
    {USER_WITH("\"src\":[\"10.0.0.0/33\"],"), "CIDR"},
    {USER_WITH("\"src\":[\"10.0.0.0\"],"), "CIDR"},
    {USER_WITH("\"src\":[\"fe80::/10\"],"), NULL},
    {USER_WITH("\"times\":[{\"start\":\"8:00:00\",\"end\":\"18:00:00\"}],"), "HH:MM:SS"},
    {USER_WITH("\"times\":[{\"start\":\"24:00:00\",\"end\":\"18:00:00\"}],"), "HH:MM:SS"},
    {USER_WITH("\"times\":[{\"start\":\"18:00:00\",\"end\":\"18:00:00\"}],"), "is empty"},
    {USER_WITH("\"times_location\":\"Europe/Berlin\","), NULL},
    {USER_WITH("\"times_location\":\"Nowhere/Town\","), "time zone"},
    {USER_WITH("\"times_location\":\"../../etc/passwd\","), "time zone"},
    {USER_WITH("\"allowed_connection_types\":[\"PIGEON\"],"),
     "none of the allowed connection types"},
    {USER_WITH("\"allowed_connection_types\":[\"MQTT\",\"standard\"],"), NULL},
    {USER_WITH("\"resp\":{\"max\":-2,\"ttl\":0},"), NULL},
    {USER_WITH("\"subs\":-2,"), "limit \"subs\""},
    {"{\"sub\":\"" ACCOUNT "\",\"nats\":{\"type\":\"user\",\"version\":2}}",
     "the subject is not a user's key"},
    {ACTIVATION_WITH("\"subject\":\"a.>\",\"kind\":\"stream\","), NULL},
    {ACTIVATION_WITH("\"subject\":\"a.>\","), "neither of a stream nor of a service"},
    {ACTIVATION_WITH("\"kind\":\"stream\","), "is not a valid subject"},
    {ACTIVATION_WITH("\"subject\":\"a\",\"kind\":\"service\",\"issuer_account\":\"x\","),
     "issuer account"},
};

static void test_rules_of_the_other_types(void **state)
{
    for (size_t i = 0; i < COUNT_OF(other_rules); i++) {
        struct claims_issues issues;
        struct claims claims;

        assert_int_equal(claims_text_decode(*state, other_rules[i].text, &claims), OK);
        claims_validate(&claims, 10, *state, &issues);
        if (other_rules[i].says == NULL ? issues.count > 0 : !says(&issues, other_rules[i].says))
            fail_msg("%s: %s", other_rules[i].text,
                     issues.count > 0 ? issues.items[0].text : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_good_account_has_no_issue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_accounts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_warnings_of_accounts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_local_subjects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_the_other_types, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
