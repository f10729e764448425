#include "dataplane/monitor/varz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/watched.h"

static void test_what_it_says(void **state)
{
    static const char *const parts[] = {
        "\"server_name\":\"srv\"",
        "\"auth_required\":true",
        "\"max_connections\":65536",
        "\"ping_interval\":120000000000",
        "\"http_base_path\":\"\"",
        "\"auth_timeout\":2,",
        "\"jetstream\":{}",
        "\"connections\":2,\"total_connections\":2",
        "\"config_digest\":\"sha256:",
        "\"system_account\":\"$SYS\"",
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        guest_is_told(&watched.sys, "$SYS.REQ.SERVER.PING.VARZ", "", parts[i]);
}

/* Tools take the operator's token apart to know whom the node trusts. */
static void test_trusted_operators(void **state)
{
    struct station_keys keys;
    struct nkey_pair user;
    struct station other;
    struct buf token = {0};
    struct guest guest;

    station_prepare(&other);
    station_keys_init(&keys, other.folder);
    station_start(&other, buf_text(&keys.config));
    nkey_pair_derive(&user, 'U', SLICE("u"));
    station_user_token(&keys.system, &user, &token);
    station_enter_jwt(&other, &guest, buf_text(&token), &user);
    guest_is_told(&guest, "$SYS.REQ.SERVER.PING.VARZ", "", "\"trusted_operators_jwt\":[\"eyJ");
    guest_is_told(&guest, "$SYS.REQ.SERVER.PING.VARZ", "", "\"trusted_operators_claim\":[{");
    guest_leave(&guest);
    station_stop(&other);
    station_keys_fini(&keys);
    buf_fini(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_says),
        cmocka_unit_test(test_trusted_operators),
    };

    return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
