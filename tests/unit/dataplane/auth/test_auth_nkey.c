#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "tests/lib/hall.h"
#include "tests/lib/nkey_pair.h"

static void printed(const struct nkey_pair *pair, char out[64])
{
    struct buf text = {0};

    nkey_pair_public(pair, &text);
    snprintf(out, 64, "%s", buf_text(&text));
    buf_fini(&text);
}

/* name: the key that is named; by: the one that signs, NULL: none. */
static void try_key(struct hall *hall, const char *name, const struct nkey_pair *by, bool in)
{
    char info[1024], nonce[32];
    struct buf line = {0};
    struct guest guest;

    guest_enter(hall, &guest, info);
    assert_int_equal(sscanf(strstr(info, "\"nonce\":\""), "\"nonce\":\"%31[^\"]", nonce), 1);
    assert_int_equal(strlen(nonce), 15);
    buf_printf(&line, "CONNECT {\"nkey\":\"%s\"", name);
    if (by != NULL) {
        buf_add_text(&line, ",\"sig\":\"");
        nkey_pair_sign(by, slice_of(nonce), &line);
        buf_add_text(&line, "\"");
    }
    buf_add_text(&line, "}\r\n");
    guest_say(&guest, buf_text(&line));
    guest_hears_only(&guest, in ? "+OK\r\n" : "-ERR 'Authorization Violation'\r\n");
    guest_leave(&guest);
    buf_fini(&line);
}

static void test_a_signed_nonce(void **state)
{
    char known[64], stranger[64];
    struct nkey_pair pair, other;
    struct auth_user user = {.nkey = known};
    struct hall hall;

    (void)state;
    nkey_pair_derive(&pair, 'U', SLICE("known"));
    nkey_pair_derive(&other, 'U', SLICE("stranger"));
    printed(&pair, known);
    printed(&other, stranger);
    hall_init(&hall);
    hall.auth_options.users = &user;
    hall.auth_options.user_count = 1;
    hall_start(&hall, 1);
    try_key(&hall, known, &pair, true);
    try_key(&hall, known, &other, false);
    try_key(&hall, known, NULL, false);
    try_key(&hall, stranger, &other, false);
    hall_stop(&hall);
}

static void test_nobody_may_be_an_nkey_user(void **state)
{
    char known[64];
    struct nkey_pair pair;
    struct auth_user user = {.nkey = known};
    struct guest guest;
    struct hall hall;

    (void)state;
    nkey_pair_derive(&pair, 'U', SLICE("known"));
    printed(&pair, known);
    hall_init(&hall);
    hall.auth_options.users = &user;
    hall.auth_options.user_count = 1;
    hall.auth_options.no_auth_user = known;
    hall_start(&hall, 1);
    guest_enter(&hall, &guest, NULL);
    guest_say(&guest, "CONNECT {}\r\n");
    guest_hears_only(&guest, "+OK\r\n");
    guest_leave(&guest);
    guest_enter(&hall, &guest, NULL);
    guest_say(&guest, "PING\r\n"); /* without CONNECT */
    guest_hears_only(&guest, "-ERR 'Authorization Violation'\r\n");
    guest_leave(&guest);
    hall_stop(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signed_nonce),
        cmocka_unit_test(test_nobody_may_be_an_nkey_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
