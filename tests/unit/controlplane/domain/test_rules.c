#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/rules.h"

#define LONG_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define OPERATOR_KEY "OCCFALX5RHN5ODVHXKAJSME6UNMPU7ISY5U5KIXO7JFHWNM3BZGF3BG5"
#define ACCOUNT_KEY "ACD7B7NVJ4WYIS5MGF2OEHEWVZKVC6WHJBMGZPQ4LNFAFJNVGFWJ4SGN"
#define USER_KEY "UD5M2IIXNPVRN7XDJI7F6ZLVPOGCKT5PJJDJILVGPODXB5XX5HEFPAXF"

/* What each rule takes and what it refuses; each list ends with NULL. */
struct sample {
    const char *name;
    bool (*rule)(const char *text);
    const char *good[16], *bad[24];
};

/* clang-format off */
static const struct sample samples[] = {
    {"name", rule_name,
     {"a", "7", "a-b", "0x", LONG_63},
     {"", "-", "-a", "a-", "A", "a_b", "a.b", "a b", "\xc3\xa4", LONG_63 "4", "a\n"}},
    {"nats_name", rule_nats_name,
     {"a", "A_b-c:d", "\xc3\xa4"},
     {"", "a b", "a.b", "*", ">", "a/b", "a\\b", "a\tb", "\x7f"}},
    {"member_name", rule_member_name,
     {"ann@example.com", "ann", "a/b"},
     {"", "a b", "<a>", "a\"b", "a\\b", "a\nb"}},
    {"display_name", rule_display_name,
     {"", "The <team> of \"Z\\\xc3\xbcrich\""},
     {"a\nb", "a\tb", "\x01", "\x7f"}},
    {"description", rule_description,
     {"", "one\ntwo\tthree"},
     {"a\rb", "\x1b[1m", "\x7f"}},
    {"label_key", rule_label_key,
     {"a", "app.example.com/tier_1-x", LONG_63},
     {"", "a b", "a=b", "\xc3\xa4", LONG_63 "4"}},
    {"cidr", rule_cidr,
     {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0", "::1/128"},
     {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "256.0.0.0/8", "10.0.0.0/-1",
      "10.0.0.0/8x", "::/129", "host/8", "10.0.0.0 /8", "10.0.0.0/8/8"}},
    {"node_url", rule_node_url,
     {"nats://h", "nats://h:4222", "tls://a.example.com:1", "ws://h:65535", "wss://[::1]:443",
      "nats://[2001:db8::1]"},
     {"", "h:4222", "http://h", "nats://", "nats://:4222", "nats://h:0", "nats://h:65536",
      "nats://h:x", "nats://u:p@h:4222", "nats://h:4222/", "nats://h/path", "nats://[::1",
      "nats://h h", "nats://[]:1", "NATS://h"}},
    {"http_url", rule_http_url,
     {"", "http://h", "https://h:1/path?q=1"},
     {"h", "ftp://h", "http://", "https:///x", "http://u:p@h", "http://a b", "http://a<b",
      "javascript:x"}},
    {"subject", rule_subject,
     {"a", "a.b", "*", ">", "a.*.b.>", "$SYS.x"},
     {"", ".", "a.", ".a", "a..b", "a b", ">.a", "a.>.b", "a>", "a*", "*a.b", "a\tb", "a.{{b}}"}},
    {"queue_subject", rule_queue_subject,
     {"a", "a.> q", "a q.*"},
     {"", "a ", " q", "a q r", "a  q", "a.. q", "a q..r"}},
    {"template_subject", rule_template_subject,
     {"a", "{{name()}}.>", "a.{{tag(dept)}} q", "x-{{subject()}}-y"},
     {"", "{{name()", "name()}}", "a.}}{{", "{{a b c}}", "{{a.b.", "a..{{b}}"}},
    {"connection_type", rule_connection_type,
     {"STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS"},
     {"", "standard", "STANDARD ", "TCP"}},
    {"time_of_day", rule_time_of_day,
     {"00:00:00", "23:59:59", "08:30:00"},
     {"", "24:00:00", "08:60:00", "08:00:60", "8:00:00", "08:00", "08-00-00", "08:00:0x"}},
    {"time_zone", rule_time_zone,
     {"", "UTC", "Europe/Berlin"},
     {"../../etc/passwd", "/etc/passwd", "Europe/Nowhere", "Europe Berlin", "Mars"}},
    {"operator_key", rule_operator_key,
     {OPERATOR_KEY}, {"", ACCOUNT_KEY, USER_KEY, "O", OPERATOR_KEY "A"}},
    {"account_key", rule_account_key,
     {ACCOUNT_KEY},
     {"", OPERATOR_KEY, USER_KEY, "ACD7B7NVJ4WYIS5MGF2OEHEWVZKVC6WHJBMGZPQ4LNFAFJNVGFWJ4SGM",
      "acd7b7nvj4wyis5mgf2oehewvzkvc6whjbmgzpq4lnfafjnvgfwj4sgn"}},
    {"user_key", rule_user_key,
     {USER_KEY}, {"", OPERATOR_KEY, ACCOUNT_KEY}},
    {"tag", rule_tag,
     {"a", "team:one"}, {"", "a b", "a\nb"}},
    {"tier", rule_tier,
     {"R1", "R5"}, {"", "R", "R0", "R6", "r1", "R11", "R1 "}},
};
/* clang-format on */

static void test_rules_take_what_is_right_and_refuse_the_rest(void **state)
{
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        const struct sample *sample = &samples[i];

        for (size_t j = 0; sample->good[j] != NULL; j++) {
            if (!sample->rule(sample->good[j]))
                fail_msg("%s refuses '%s'", sample->name, sample->good[j]);
        }
        for (size_t j = 0; sample->bad[j] != NULL; j++) {
            if (sample->rule(sample->bad[j]))
                fail_msg("%s takes '%s'", sample->name, sample->bad[j]);
        }
    }
}

/* The longest that is taken, and one more. */
static void test_lengths(void **state)
{
    static const struct {
        const char *name;
        bool (*rule)(const char *text);
        const char *head;
        size_t max;
    } rules[] = {
        {"name", rule_name, "", 63},
        {"nats_name", rule_nats_name, "", 255},
        {"member", rule_member_name, "", 255},
        {"label", rule_label_key, "", 63},
        {"tag", rule_tag, "", 255},
        {"subject", rule_subject, "", 1024},
        {"node", rule_node_url, "nats://", 512},
        {"http", rule_http_url, "http://", 512},
    };
    char text[1100];

    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, rules[i].head, strlen(rules[i].head));
        text[rules[i].max] = '\0';
        if (!rules[i].rule(text))
            fail_msg("%s refuses %zu bytes", rules[i].name, rules[i].max);
        text[rules[i].max] = 'a';
        text[rules[i].max + 1] = '\0';
        if (rules[i].rule(text))
            fail_msg("%s takes %zu bytes", rules[i].name, rules[i].max + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_take_what_is_right_and_refuse_the_rest),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
