#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

#define BCRYPT_SECRET "$2b$04$TT8Y/eK6oQLS1IJPwc3wzeRCOHUHOxTo8BInpwl.wD.lneuCPoNA6"

static void try(struct hall *hall, const char *connect, bool in)
{
    struct guest guest;

    guest_enter(hall, &guest, NULL);
    guest_say(&guest, connect);
    guest_hears_only(&guest, in ? "+OK\r\n" : "-ERR 'Authorization Violation'\r\n");
    guest_leave(&guest);
}

static void test_users_and_passwords(void **state)
{
    const struct auth_user users[] = {
        {.name = "plain", .password = "secret"},
        {.name = "hashed", .password = BCRYPT_SECRET, .account = "A"},
        {.name = "web", .password = "secret", .connections = 1 << AUTH_WEBSOCKET},
    };
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.users = users;
    hall.auth_options.user_count = COUNT_OF(users);
    hall_start(&hall, 1);
    assert_true(auth_has_plain_password(hall.auth));
    assert_false(auth_needs_nonce(hall.auth));
    try(&hall, "CONNECT {\"user\":\"plain\",\"pass\":\"secret\"}\r\n", true);
    try(&hall, "CONNECT {\"user\":\"plain\",\"pass\":\"Secret\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"plain\"}\r\n", false);
    for (int i = 0; i < 3; i++) /* the second from memory */
        try(&hall, "CONNECT {\"user\":\"hashed\",\"pass\":\"secret\"}\r\n", true);
    try(&hall, "CONNECT {\"user\":\"hashed\",\"pass\":\"wrong\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"web\",\"pass\":\"secret\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"nobody\",\"pass\":\"secret\"}\r\n", false);
    try(&hall, "CONNECT {\"auth_token\":\"secret\"}\r\n", false);
    try(&hall, "CONNECT {}\r\n", false);
    try(&hall, "PING\r\n", false);
    hall_stop(&hall);
}

/* It is said of passwords; a token is none. */
static void test_a_plain_token_is_no_plain_password(void **state)
{
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.token = "secret";
    hall_start(&hall, 1);
    assert_false(auth_has_plain_password(hall.auth));
    try(&hall, "CONNECT {\"auth_token\":\"secret\"}\r\n", true);
    hall_stop(&hall);
}

static void test_token(void **state)
{
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.token = BCRYPT_SECRET;
    hall_start(&hall, 1);
    assert_false(auth_has_plain_password(hall.auth));
    try(&hall, "CONNECT {\"auth_token\":\"secret\"}\r\n", true);
    try(&hall, "CONNECT {\"auth_token\":\"wrong\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"secret\"}\r\n", false);
    hall_stop(&hall);
}

static void test_options_that_are_refused(void **state)
{
    const struct auth_user twice[] = {{.name = "a"}, {.name = "a"}}, bad[] = {{.nkey = "UBAD"}};
    const struct {
        struct auth_options options;
        const char *message;
    } cases[] = {
        {{.users = twice, .user_count = 2}, "Duplicate user \"a\" detected"},
        {{.users = bad, .user_count = 1}, "Not a valid public nkey for a user"},
        {{.users = twice, .user_count = 1, .no_auth_user = "b"},
         "no_auth_user: \"b\" not present as user or nkey in authorization block or account "
         "configuration"},
    };
    struct workers *workers = idle_workers(1, NULL);
    struct auth_parts parts = {.workers = workers, .accounts = account_table_new(workers)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char message[AUTH_MESSAGE_MAX] = "";
        struct auth *auth = NULL;

        assert_int_equal(auth_new(&cases[i].options, &parts, &auth, message), ERR_INVALID);
        assert_string_equal(message, cases[i].message);
    }
    workers_stop(workers);
    account_table_free(parts.accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_and_passwords),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_a_plain_token_is_no_plain_password),
        cmocka_unit_test(test_options_that_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
