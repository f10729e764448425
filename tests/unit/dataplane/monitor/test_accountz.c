#include "dataplane/monitor/accountz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/watched.h"

static void test_names_and_details(void **state)
{
    const char *text = guest_asks(&watched.sys, "$SYS.REQ.SERVER.PING.ACCOUNTZ", "");

    assert_non_null(strstr(text, "\"system_account\":\"$SYS\",\"accounts\":["));
    assert_non_null(strstr(text, "\"A\""));
    assert_non_null(strstr(text, "\"$G\""));
    guest_is_told(&watched.sys, "$SYS.REQ.SERVER.PING.ACCOUNTZ", "{\"account\":\"A\"}",
                  "\"account_detail\":{\"account_name\":\"A\"");
    guest_is_told(&watched.sys, "$SYS.REQ.ACCOUNT.A.INFO", "", "\"client_connections\":1");
    guest_is_told(&watched.sys, "$SYS.REQ.ACCOUNT.$SYS.INFO", "", "\"is_system\":true");
    guest_is_told(&watched.sys, "$SYS.REQ.ACCOUNT.ZZ.INFO", "",
                  "\"data\":null,\"error\":{\"code\":500,\"description\":\"Account ZZ does not "
                  "exist\"}");
}

/* When its claims came into force, not when they were issued. */
static int64_t updated(struct guest *guest, const char *subject)
{
    static const char member[] = "\"update_time\":\"";
    const char *at = strstr(guest_asks(guest, subject, ""), member);
    char text[CLOCK_TEXT_MAX] = "";
    int64_t wall_ns = 0;

    assert_non_null(at);
    at += sizeof(member) - 1;
    memcpy(text, at, strcspn(at, "\""));
    assert_int_equal(clock_parse(text, &wall_ns), 0);
    return wall_ns;
}

/* With claims: the token, what it says, and whether it holds together. */
static void test_claims(void **state)
{
    static const char *const parts[] = {
        "\"jwt\":\"eyJ",        "\"issuer_key\":\"O", "\"decoded_jwt\":{",
        "\"name_tag\":\"acc\"", "\"expired\":false",  "\"is_system\":true",
    };
    struct station_keys keys;
    struct nkey_pair user;
    struct station other;
    struct buf token = {0}, subject = {0};
    struct guest guest;
    int64_t before_ns = clock_wall_ns(clock_system());

    station_prepare(&other);
    station_keys_init(&keys, other.folder);
    station_start(&other, buf_text(&keys.config));
    nkey_pair_derive(&user, 'U', SLICE("u"));
    station_user_token(&keys.system, &user, &token);
    station_enter_jwt(&other, &guest, buf_text(&token), &user);
    buf_printf(&subject, "$SYS.REQ.ACCOUNT.%s.INFO", buf_text(&keys.system_id));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        guest_is_told(&guest, buf_text(&subject), "", parts[i]);
    assert_true(updated(&guest, buf_text(&subject)) >= before_ns);
    guest_leave(&guest);
    station_stop(&other);
    station_keys_fini(&keys);
    buf_fini(&token);
    buf_fini(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_details),
        cmocka_unit_test(test_claims),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
