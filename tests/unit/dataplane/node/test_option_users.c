#include "dataplane/node/option_users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/clock.h"
#include "tests/lib/option_text.h"

#define NKEY "UD5M2IIXNPVRN7XDJI7F6ZLVPOGCKT5PJJDJILVGPODXB5XX5HEFPAXF"

static const struct option table[] = {
    {"authorization", OPTION_READ, 0, .read = option_users_authorization},
    {"accounts", OPTION_READ, 0, .read = option_users_accounts},
    {0},
};

struct reading {
    struct option_text text;
    struct option_users users;
};

static void read_text(struct reading *reading, const char *text)
{
    *reading = (struct reading){0};
    option_text_read(&reading->text, table, text, &reading->users);
}

static void test_users_and_accounts(void **state)
{
    struct reading r;
    const struct auth_user *users;

    read_text(&r, "authorization { timeout: \"3s\", default_permissions { publish: d },\n"
                  "  users: [ {user: a, password: p}, {nkey: " NKEY ", connection_types: "
                  "[standard, MQTT]},\n"
                  "           {user: b, pass: q, permission: {pub: [x, y], sub: {deny: \"z q\"}}} "
                  "] }\n"
                  "accounts { A { users: [{user: c}], default_permissions { sub: s },\n"
                  "               limits { max_conn: 3, max_subs: 4, max_pay: 5, max_leafs: 6 } }, "
                  "B {} }\n");
    assert_string_equal(buf_text(&r.text.reader.errors), "");
    assert_true(r.users.block);
    assert_int_equal(r.users.timeout_ns, 3 * NS_PER_S);
    assert_int_equal(r.users.users.count, 4);
    users = r.users.users.items;
    assert_string_equal(users[0].permissions->publish_allow.items[0], "d");
    assert_string_equal(users[1].nkey, NKEY);
    assert_int_equal(users[1].connections, 1u << AUTH_STANDARD | 1u << AUTH_MQTT);
    assert_int_equal(users[2].permissions->publish_allow.count, 2);
    assert_string_equal(users[2].permissions->subscribe_deny.items[0], "z q");
    assert_false(users[2].permissions->responses);
    assert_string_equal(users[3].account, "A");
    assert_string_equal(users[3].permissions->subscribe_allow.items[0], "s");
    assert_int_equal(r.users.account_count, 2);
    assert_int_equal(r.users.accounts[0].max_connections, 3);
    assert_int_equal(r.users.accounts[0].max_leafnodes, 6);
    assert_int_equal(r.users.accounts[1].max_payload, -1);
    option_text_done(&r.text);
}

static void test_allow_responses(void **state)
{
    static const struct {
        const char *text;
        bool on;
        int64_t max, ttl_ns;
    } cases[] = {
        {"true", true, 1, 120 * NS_PER_S},
        {"false", false, 1, 120 * NS_PER_S},
        {"{max: 5, expires: \"1m\"}", true, 5, 60 * NS_PER_S},
        {"{max_msgs: -1, ttl: \"-1s\"}", true, -1, -NS_PER_S},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct permission_rules *rules;
        char text[200];
        struct reading r;

        snprintf(text, sizeof(text),
                 "authorization { users: [{user: a, permissions {allow_responses: %s}}] }",
                 cases[i].text);
        read_text(&r, text);
        assert_string_equal(buf_text(&r.text.reader.errors), "");
        rules = r.users.users.items[0].permissions;
        assert_int_equal(rules->responses, cases[i].on);
        assert_int_equal(rules->publish_allow_set, cases[i].on);
        assert_int_equal(rules->responses_max, cases[i].max);
        assert_int_equal(rules->responses_ttl_ns, cases[i].ttl_ns);
        option_text_done(&r.text);
    }
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"authorization { user: a, pass: b, token: c }", "Cannot have a user/pass and token"},
        {"authorization { user: a, pass: b, users: [{user: x}] }",
         "Can not have a single user/pass and a users array"},
        {"authorization { token: b, users: [{user: x}] }",
         "Can not have a token and a users array"},
        {"authorization { users: [{pass: y}] }", "User entry requires a user"},
        {"authorization { users: [{nkey: UABC}] }", "Not a valid public nkey for a user"},
        {"authorization { users: [{user: a, nkey: " NKEY "}] }",
         "Nkey users do not take usernames or passwords"},
        {"authorization { users: [{user: a, foo: b}] }", "unknown field \"foo\""},
        {"authorization { users: [{user: a, permissions {allow_responses: {ttl: 5}}}] }",
         "error parsing expires, not a duration string"},
        {"authorization { users: [{user: a, permissions {allow_responses: {expires: x}}}] }",
         "invalid duration \"x\""},
        {"authorization { users: {user: a} }", "Expected users field to be an array"},
        {"authorization { users: [a] }", "Expected user entry to be a map/struct"},
        {"authorization { users: [{user: a, connection_types: [FOO]}] }",
         "invalid connection types [\"FOO\"]"},
        {"authorization { users: [{user: a, permissions {publish: \"a..b\"}}] }",
         "subject \"a..b\" is not a valid subject"},
        {"authorization { users: [{user: a, permissions {sub: {allow: \"a q r\"}}}] }",
         "subject \"a q r\" is not a valid subject"},
        {"authorization { users: [{user: a, permissions {foo: a}}] }", "unknown field \"foo\""},
        {"authorization { auth_callout { issuer: x } }", "not supported yet: auth_callout (f:1)"},
        {"authorization { proxy_required: true }", "not supported yet: proxy_required (f:1)"},
        {"accounts { $G {} }", "\"$G\" is a Reserved Account"},
        {"accounts { A: 3 }", "Expected map entries for accounts"},
        {"accounts { A { nkey: foo } }", "Not a valid public nkey for an account: \"foo\""},
        {"accounts { A { limits { foo: 3 } } }", "unknown field \"foo\""},
        {"accounts { A { exports: [{stream: a}] } }", "not supported yet: exports (f:1)"},
        {"accounts { A { imports: [{stream: a}] } }", "not supported yet: imports (f:1)"},
        {"accounts { A { jetstream: true } }", "not supported yet: jetstream (f:1)"},
        {"accounts { A { mappings { a: b } } }", "not supported yet: mappings (f:1)"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r;

        read_text(&r, cases[i].text);
        if (strstr(buf_text(&r.text.reader.errors), cases[i].error) == NULL)
            fail_msg("%s: \"%s\"", cases[i].text, buf_text(&r.text.reader.errors));
        option_text_done(&r.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_and_accounts),
        cmocka_unit_test(test_allow_responses),
        cmocka_unit_test(test_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
