#include "api/nats/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/claims_validate.h"
#include "api/nats/nkey.h"

#define ACCOUNT "ACD7B7NVJ4WYIS5MGF2OEHEWVZKVC6WHJBMGZPQ4LNFAFJNVGFWJ4SGN"
#define KEY1 "AAGI5YOSOVH6A6KHO5FKX4NW7U3W4H2OXZLVCJZJWBR7ZQX3AUCTDILS"
#define KEY2 "ACK3NRMWR67FJVAPNF5Z6ZBRIBWTMKQHKTEZLYN3C3Y7WBVRACNDF3E6"
#define OTHER "AB6DIQQ63KQ2FTBLTR2B6WSKKJUXI4KQH4BJ4BCW6KJAFKKO4SLJH47O"
#define USER "UD5M2IIXNPVRN7XDJI7F6ZLVPOGCKT5PJJDJILVGPODXB5XX5HEFPAXF"
#define OPER "OCCFALX5RHN5ODVHXKAJSME6UNMPU7ISY5U5KIXO7JFHWNM3BZGF3BG5"
#define OKEY "OD4DXEDIM4JQZ2DLLLBT3YWL7HRZV6WAQIXUEPPXTJYHLV3QPPVXVUZ7"

/* An account that says everything there is, as issuing tools write it. */
static const char everything[] =
    "{\"jti\":\"J\",\"iat\":5,\"iss\":\"" OPER "\",\"name\":\"A\",\"sub\":\"" ACCOUNT
    "\",\"nats\":{"
    "\"imports\":[{\"name\":\"i\",\"subject\":\"in.a\",\"account\":\"" OTHER
    "\",\"local_subject\":\"here.a\",\"type\":\"stream\",\"allow_trace\":true},"
    "{\"subject\":\"svc\",\"account\":\"" OTHER
    "\",\"to\":\"s\",\"type\":\"service\",\"share\":true}],"
    "\"exports\":[{\"name\":\"e\",\"subject\":\"out.*\",\"type\":\"service\",\"token_req\":true,"
    "\"revocations\":{\"" KEY1 "\":7},\"response_type\":\"Stream\",\"response_threshold\":1000,"
    "\"service_latency\":{\"sampling\":\"headers\",\"results\":\"lat\"},"
    "\"account_token_position\":2,\"advertise\":true,\"allow_trace\":true,\"description\":\"d\","
    "\"info_url\":\"http://x\"},{\"subject\":\"str\",\"type\":\"stream\"}],"
    "\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,"
    "\"wildcards\":true,\"disallow_bearer\":true,\"conn\":10,\"leaf\":-1,"
    "\"tiered_limits\":{\"R1\":{\"mem_storage\":1,\"disk_storage\":2,\"streams\":3,\"consumer\":4,"
    "\"max_ack_pending\":5,\"mem_max_stream_bytes\":6,\"disk_max_stream_bytes\":7,"
    "\"max_bytes_required\":true}}},"
    "\"signing_keys\":[\"" KEY1 "\",{\"kind\":\"user_scope\",\"key\":\"" KEY2
    "\",\"role\":\"r\",\"template\":{\"pub\":{\"allow\":[\"x.{{name()}}.>\"]},\"sub\":{\"deny\":["
    "\"y\"]},"
    "\"resp\":{\"max\":1,\"ttl\":2},\"src\":[\"10.0.0.0/8\"],"
    "\"times\":[{\"start\":\"08:00:00\",\"end\":\"18:00:00\"}],\"times_location\":\"Europe/"
    "Berlin\","
    "\"subs\":5,\"data\":-1,\"payload\":100,\"bearer_token\":true,\"proxy_required\":true,"
    "\"allowed_connection_types\":[\"STANDARD\"]},\"description\":\"d\"}],"
    "\"revocations\":{\"*\":3,\"" USER "\":4},"
    "\"default_permissions\":{\"pub\":{\"allow\":[\"a\"]},\"sub\":{\"allow\":[\"b q\"]},"
    "\"resp\":{\"max\":1,\"ttl\":1}},"
    "\"mappings\":{\"m.*\":[{\"subject\":\"n.$1\",\"weight\":50},{\"subject\":\"o.{{wildcard(1)}}"
    "\","
    "\"weight\":50,\"cluster\":\"c\"}]},"
    "\"authorization\":{\"auth_users\":[\"" USER
    "\"],\"allowed_accounts\":[\"*\"],\"xkey\":\"@XKEY@\"},"
    "\"trace\":{\"dest\":\"t\",\"sampling\":50},\"cluster_traffic\":\"owner\","
    "\"description\":\"text\",\"info_url\":\"https://example.com\","
    "\"of_tomorrow\":{\"deep\":[1,{\"a\":null}]},"
    "\"tags\":[\"a\",\"b:c\"],\"type\":\"account\",\"version\":2}}";

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

static enum result decode(struct arena *arena, const char *text, struct claims *out)
{
    struct shape_error error;
    json_t *tree;
    enum result rc = shape_parse_lenient(slice_of(text), &tree, &error);

    if (rc != OK)
        fail_msg("%s: %s", text, error.message);
    rc = claims_decode(tree, arena, out, &error);
    json_decref(tree);
    return rc;
}

static char *replaced(struct arena *arena, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    if (at == NULL)
        fail_msg("no %s", from);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static const char *with_curve_key(struct arena *arena)
{
    char key[NKEY_PUBLIC_MAX];
    struct nkey nkey;

    nkey_create(&nkey, NKEY_CURVE, random_system());
    nkey_public(&nkey, key);
    return replaced(arena, everything, "@XKEY@", key);
}

static void test_claims_are_kept_whole(void **state)
{
    const char *text = with_curve_key(*state);
    struct claims claims;
    struct claims_issues issues;
    json_t *tree, *again;

    assert_int_equal(decode(*state, text, &claims), OK);
    assert_int_equal(claims.account->exports.items[0].service_latency->sampling, 0);
    assert_int_equal(claims.account->limits.tiers.items[0].limits.disk_max_stream_bytes, 7);
    assert_true(claims_js_enabled(&claims.account->limits));
    again = claims_encode(&claims);
    assert_int_equal(shape_parse(slice_of(text), &tree, NULL), OK);
    if (!json_equal(tree, again)) {
        char *is = shape_dump(again);

        fail_msg("%s\n%s", text, is);
    }
    json_decref(tree);
    json_decref(again);
    claims_validate(&claims, 10, *state, &issues);
    if (claims_blocking(&issues, true) != NULL)
        fail_msg("%s", claims_blocking(&issues, true)->text);
    assert_int_equal(issues.count, 0);
}

static void test_order_makes_no_difference(void **state)
{
    static const char one[] =
        "{\"sub\":\"" ACCOUNT "\",\"nats\":{\"version\":2,\"type\":\"account\","
        "\"zz\":1,\"yy\":2,"
        "\"exports\":[{\"subject\":\"b\",\"type\":\"stream\",\"revocations\":{\"y\":1,\"x\":2}},"
        "{\"subject\":\"a\",\"type\":\"service\"},{\"subject\":\"a\",\"type\":\"stream\"}],"
        "\"revocations\":{\"b\":1,\"a\":2},\"signing_keys\":[{\"kind\":\"user_scope\",\"key\":"
        "\"k2\"},"
        "\"k1\"],\"mappings\":{\"q\":[],\"p\":[]}}}";
    static const char other[] =
        "{\"nats\":{\"mappings\":{\"p\":[],\"q\":[]},\"signing_keys\":[\"k1\",{\"kind\":"
        "\"user_scope\",\"key\":\"k2\"}],\"revocations\":{\"a\":2,\"b\":1},\"yy\":2,"
        "\"exports\":[{\"subject\":\"a\",\"type\":\"stream\"},{\"subject\":\"a\",\"type\":"
        "\"service\"},"
        "{\"revocations\":{\"x\":2,\"y\":1},\"subject\":\"b\",\"type\":\"stream\"}],"
        "\"type\":\"account\",\"zz\":1,\"version\":2},\"sub\":\"" ACCOUNT "\"}";
    struct claims a, b;
    json_t *x, *y;
    char *s, *t;

    assert_int_equal(decode(*state, one, &a), OK);
    assert_int_equal(decode(*state, other, &b), OK);
    x = claims_encode(&a);
    y = claims_encode(&b);
    s = shape_dump(x);
    t = shape_dump(y);
    assert_string_equal(s, t);
    /* Every limit is written, and the ending stands last. */
    assert_non_null(strstr(s, "\"limits\":{\"subs\":0,\"data\":0,\"payload\":0,\"imports\":0,"
                              "\"exports\":0,\"wildcards\":false,\"disallow_bearer\":false,"
                              "\"conn\":0,\"leaf\":0,\"mem_storage\":0,"));
    assert_non_null(strstr(s, "\"yy\":2,\"zz\":1,\"type\":\"account\",\"version\":2}}"));
    mem_free(s);
    mem_free(t);
    json_decref(x);
    json_decref(y);
}

static void test_generic_claims(void **state)
{
    static const char text[] = "{\"iss\":\"" OPER "\",\"sub\":\"" OPER
                               "\",\"nats\":{\"accounts\":[\"" ACCOUNT "\"],\"version\":2}}";
    struct claims claims;
    json_t *tree;
    char *again;

    assert_int_equal(decode(*state, text, &claims), OK);
    assert_int_equal(claims.type, CLAIMS_GENERIC);
    assert_int_equal(json_array_size(json_object_get(claims.rest, "accounts")), 1);
    tree = claims_encode(&claims);
    again = shape_dump(tree);
    assert_string_equal(again, text);
    mem_free(again);
    json_decref(tree);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *nats;
        enum result rc;
    } cases[] = {
        {"1", ERR_SYNTAX},
        {"{\"version\":3}", ERR_UNSUPPORTED},
        {"{\"version\":-1}", ERR_UNSUPPORTED},
        {"{\"version\":\"2\"}", ERR_SYNTAX},
        {"{\"type\":5}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":[]}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":{\"subs\":\"1\"}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":{\"tiered_limits\":[]}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":{\"tiered_limits\":{\"R1\":1}}}",
         ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":{}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":[1]}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":[{\"kind\":\"user_scope\"}]}",
         ERR_INVALID},
        {"{\"type\":\"account\",\"version\":2,\"signing_keys\":[{\"kind\":\"x\",\"key\":\"k\"}]}",
         ERR_UNSUPPORTED},
        {"{\"type\":\"account\",\"version\":2,\"mappings\":[]}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"mappings\":{\"a\":{}}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"mappings\":{\"a\":[1]}}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"exports\":[{\"type\":\"queue\"}]}", ERR_INVALID},
        {"{\"type\":\"user\",\"version\":2,\"src\":5}", ERR_SYNTAX},
        {"{\"type\":\"account\",\"version\":2,\"limits\":null,\"signing_keys\":null,"
         "\"mappings\":null,\"imports\":null}",
         OK},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = arena_printf(*state, "{\"nats\":%s}", cases[i].nats);
        struct claims claims;
        enum result rc = decode(*state, text, &claims);

        if (rc != cases[i].rc)
            fail_msg("%s: %s", cases[i].nats, result_name(rc));
    }
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
    {"\"wildcards\":true", "\"wildcards\":false", "exports with wildcards are not allowed"},
    {"{\"R1\":", "{\" \":", "a tier of JetStream limits has no name"},
    {"\"in.a\"", "\"in..a\"", "is not a valid subject"},
    {"\"in.a\"", "\"in. a\"", "is not a valid subject"},
    {"\"account\":\"" OTHER "\",\"local", "\"account\":\"" ACCOUNT "\",\"local",
     "from the account itself"},
    {"\"account\":\"" OTHER "\",\"local", "\"account\":\"" USER "\",\"local",
     "is not an account's key"},
    {"\"account\":\"" OTHER "\",\"local", "\"local", "does not say from which account"},
    {"\"local_subject\":\"here.a\"", "\"local_subject\":\"here.$1\"", NULL},
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
    {"\"" KEY1 "\":7", "\"" USER "\":7", "neither a key of the right kind"},
    {"\"info_url\":\"http://x\"", "\"info_url\":\"x\"", "the info URL is not a URL"},
    {"\"subject\":\"str\",\"type\":\"stream\"", "\"subject\":\"out.x\",\"type\":\"service\"",
     "export \"out.x\" is contained in export \"out.*\""},
    {"\"subject\":\"str\",\"type\":\"stream\"", "\"subject\":\"out.*\",\"type\":\"service\"",
     "is contained in"},
    {"\"subject\":\"str\",\"type\":\"stream\"", "\"subject\":\"out.*\",\"type\":\"stream\"", NULL},
    {"[\"" KEY1 "\"", "[\"" USER "\"", "signing key"},
    {"[\"" KEY1 "\"", "[\"" KEY2 "\"", "is there twice"},
    {"x.{{name()}}.>", "x..{{name()}}", "publish allow"},
    {"x.{{name()}}.>", "x.{{ tag(a) }}", NULL},
    {"x.{{name()}}.>", "x q", "publish allow"},
    {"\"deny\":[\"y\"]", "\"deny\":[\"y q z\"]", "subscribe deny"},
    {"10.0.0.0/8", "10.0.0.0/33", "CIDR"},
    {"10.0.0.0/8", "10.0.0.0", "CIDR"},
    {"10.0.0.0/8", "fe80::/10", NULL},
    {"08:00:00", "8:00:00", "HH:MM:SS"},
    {"08:00:00", "24:00:00", "HH:MM:SS"},
    {"08:00:00", "18:00:00", "is empty"},
    {"Europe/Berlin", "Nowhere/Town", "time zone"},
    {"Europe/Berlin", "../../etc/passwd", "time zone"},
    {"\"STANDARD\"", "\"PIGEON\"", "none of the allowed connection types"},
    {"\"STANDARD\"", "\"MQTT\",\"standard\"", NULL},
    {"\"" USER "\":4", "\"" ACCOUNT "\":4", "revocations"},
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

static bool says(const struct claims_issues *issues, const char *text)
{
    for (size_t i = 0; i < issues->count; i++) {
        if (strstr(issues->items[i].text, text) != NULL && issues->items[i].level != CLAIMS_WARNING)
            return true;
    }
    return false;
}

static void test_rules_of_accounts(void **state)
{
    const char *whole = with_curve_key(*state);

    for (size_t i = 0; i < COUNT_OF(account_rules); i++) {
        char *text = replaced(*state, whole, account_rules[i].from, account_rules[i].to);
        struct claims_issues issues;
        struct claims claims;

        assert_int_equal(decode(*state, text, &claims), OK);
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
    {USER_WITH("\"resp\":{\"max\":-2,\"ttl\":0},"), "response permission"},
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

        assert_int_equal(decode(*state, other_rules[i].text, &claims), OK);
        claims_validate(&claims, 10, *state, &issues);
        if (other_rules[i].says == NULL ? issues.count > 0 : !says(&issues, other_rules[i].says))
            fail_msg("%s: %s", other_rules[i].text,
                     issues.count > 0 ? issues.items[0].text : "nothing");
    }
}

static void test_revocations(void **state)
{
    struct int_pair pairs[] = {{"U1", 10}, {"*", 5}};
    const struct int_map map = {pairs, 2};

    assert_true(claims_revoked(&map, "U1", 10)); /* inclusive */
    assert_false(claims_revoked(&map, "U1", 11));
    assert_true(claims_revoked(&map, "U2", 5));
    assert_false(claims_revoked(&map, "U2", 6));
    assert_false(claims_revoked(&(struct int_map){0}, "U1", 0));
}

static void test_defaults(void **state)
{
    struct account_claims account;
    struct claims_user_limits limits = {0};

    claims_account_defaults(&account);
    assert_int_equal(account.limits.conn, CLAIMS_UNLIMITED);
    assert_true(account.limits.wildcards);
    assert_false(claims_js_enabled(&account.limits));
    assert_true(claims_user_limits_empty(&limits));
    claims_user_defaults(&limits);
    assert_false(claims_user_limits_empty(&limits));
    assert_int_equal(limits.nats.payload, CLAIMS_UNLIMITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_claims_are_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order_makes_no_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_generic_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_accounts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_the_other_types, set_up, tear_down),
        cmocka_unit_test(test_revocations),
        cmocka_unit_test(test_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
