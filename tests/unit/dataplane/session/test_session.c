#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dataplane/session/session.h"

static void test_reasons_as_tools_read_them(void **state)
{
    (void)state;
    for (int i = 0; i < SESSION_REASONS; i++)
        assert_non_null(session_reason_text((enum session_reason)i));
    assert_string_equal(session_reason_text(SESSION_CLIENT_CLOSED), "Client Closed");
    assert_string_equal(session_reason_text(SESSION_SLOW_PENDING), "Slow Consumer (Pending Bytes)");
    assert_string_equal(session_reason_text(SESSION_REVOKED), "Credentials Revoked");
}

static void test_how_log_lines_begin(void **state)
{
    struct session_side side = {.host = "127.0.0.1", .port = 4000};
    struct session session = {.side = &side, .cid = 7};
    char tag[SESSION_TAG_MAX];

    (void)state;
    assert_string_equal(session_tag(&session, tag), "127.0.0.1:4000 - cid:7");
    side.lang = "go";
    side.version = "1.2";
    side.name = "n";
    assert_string_equal(session_tag(&session, tag), "127.0.0.1:4000 - cid:7 - \"v1.2:go:n\"");
    side.version = NULL;
    assert_string_equal(session_tag(&session, tag), "127.0.0.1:4000 - cid:7 - \"go:n\"");
    side.lang = NULL;
    side.name = "n\" - \"$SYS/user:root\\";
    assert_string_equal(session_tag(&session, tag), "127.0.0.1:4000 - cid:7 - "
                                                    "\"n\\\" - \\\"$SYS/user:root\\\\\"");
    memcpy(side.host, "fd00::1", 8);
    side.lang = side.version = side.name = NULL;
    assert_string_equal(session_tag(&session, tag), "[fd00::1]:4000 - cid:7");
}

static void test_log_lines_say_who_it_is(void **state)
{
    static const struct {
        struct identity identity;
        const char *end;
    } cases[] = {
        {{.user = "u", .label = "u"}, " - \"A/user:u\""},
        {{.user = "[REDACTED]", .label = "[REDACTED]"}, " - \"A/token\""},
        {{.user = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"},
         " - \"A/nkey:UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4\""},
        {{.user = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
          .label = "ann",
          .jwt = "e.y.J"},
         " - \"A/user:ann\""},
        {{.user = NULL}, ""},
    };
    struct session_side side = {.host = "127.0.0.1", .port = 4000};
    struct account account = {.name = "A"};
    struct session session = {.side = &side, .cid = 7, .account = &account};
    char tag[SESSION_TAG_MAX], wanted[SESSION_TAG_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct identity identity = cases[i].identity;

        session.identity = &identity;
        snprintf(wanted, sizeof(wanted), "127.0.0.1:4000 - cid:7%s", cases[i].end);
        assert_string_equal(session_tag(&session, tag), wanted);
    }
}

static void test_states(void **state)
{
    struct session session = {0};

    (void)state;
    session_move(&session, SESSION_GREETED);
    session_move(&session, SESSION_LOGIN);
    session_move(&session, SESSION_READY);
    session_move(&session, SESSION_LOGIN);
    session_move(&session, SESSION_DROPPING);
    session_move(&session, SESSION_READY);
    session_move(&session, SESSION_CLOSING);
    assert_int_equal(session.state, SESSION_CLOSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons_as_tools_read_them),
        cmocka_unit_test(test_how_log_lines_begin),
        cmocka_unit_test(test_log_lines_say_who_it_is),
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
