#include "dataplane/monitor/claims_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/station.h"

#define UPDATE "$SYS.REQ.CLAIMS.UPDATE"
#define DELETE "$SYS.REQ.CLAIMS.DELETE"

static struct station station;
static struct station_keys keys;
static struct nkey_pair sys_user, user;
static struct guest sys;
static struct buf token, user_token;
static char file[256];

static int set_up(void **state)
{
    station_prepare(&station);
    station_keys_init(&keys, station.folder);
    station_start(&station, buf_text(&keys.config));
    nkey_pair_derive(&sys_user, 'U', SLICE("sys"));
    nkey_pair_derive(&user, 'U', SLICE("user"));
    station_user_token(&keys.system, &sys_user, &token);
    station_enter_jwt(&station, &sys, buf_text(&token), &sys_user);
    station_user_token(&keys.account, &user, &user_token);
    snprintf(file, sizeof(file), "%s/jwt/%s.jwt", station.folder, buf_text(&keys.account_id));
    return 0;
}

static int tear_down(void **state)
{
    guest_leave(&sys);
    station_stop(&station);
    station_keys_fini(&keys);
    buf_fini(&token);
    buf_fini(&user_token);
    return 0;
}

static void update(const char *limits, int64_t iat_after_s, const char *part)
{
    station_account_token(&keys.operator, & keys.account_id, limits, iat_after_s, &token);
    guest_is_told(&sys, UPDATE, buf_text(&token), part);
}

static char *subject_of(const char *what)
{
    static char subject[128];

    snprintf(subject, sizeof(subject), "$SYS.REQ.ACCOUNT.%s.CLAIMS.%s", buf_text(&keys.account_id),
             what);
    return subject;
}

static void test_an_update_is_stored_and_applied(void **state)
{
    struct guest first, second;

    update("", -100, "\"code\":200,\"message\":\"jwt updated\",\"applied\":true,\"jti\":\"");
    assert_int_equal(access(file, R_OK), 0);
    guest_is_told(&sys, UPDATE, buf_text(&token), "\"code\":200"); /* the same again */
    station_enter_jwt(&station, &first, buf_text(&user_token), &user);
    station_enter_jwt(&station, &second, buf_text(&user_token), &user);
    /* When it is answered, those beyond the limit have been told. */
    update("\"conn\":1", -90, "\"applied\":true");
    guest_hears(&second, "-ERR 'maximum account active connections exceeded'");
    guest_sees_end(&second);
    guest_hears_nothing(&first);
    guest_leave(&first);
    guest_leave(&second);
}

static void test_what_is_refused(void **state)
{
    struct nkey_pair stranger;

    update("", -80, "\"code\":200");
    update("", -85,
           "\"code\":500,\"description\":\"jwt update resulted in error - a newer jwt is "
           "stored already\"");
    nkey_pair_derive(&stranger, 'O', SLICE("stranger"));
    station_account_token(&stranger, &keys.account_id, "", 0, &token);
    guest_is_told(&sys, UPDATE, buf_text(&token), "\"description\":\"jwt validation failed - ");
    guest_is_told(&sys, UPDATE, "x.y", "\"account\":\"n/a\",\"code\":500");
    guest_is_told(&sys, UPDATE, "", "\"code\":500");
    station_account_token(&keys.operator, & keys.system_id, "", 0, &token);
    guest_is_told(&sys, subject_of("UPDATE"), buf_text(&token),
                  "subject does not match jwt content");
    /* The one before all these is still what is stored. */
    station_account_token(&keys.operator, & keys.account_id, "", -70, &token);
    guest_is_told(&sys, subject_of("UPDATE"), buf_text(&token), "\"code\":200");
    assert_string_equal(guest_asks(&sys, subject_of("LOOKUP"), ""), buf_text(&token));
}

/* Who only looks whether he is answered leaves no warning. */
static void test_an_empty_request_is_no_warning(void **state)
{
    char text[4096] = "";
    int pipes[2], before = dup(STDERR_FILENO);

    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
    guest_is_told(&sys, UPDATE, "", "expected 3 chunks");
    guest_is_told(&sys, DELETE, "", "expected 3 chunks");
    guest_is_told(&sys, DELETE, "nonsense", "expected 3 chunks");
    assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    assert_non_null(strstr(text, "Claims refused"));
    assert_null(strstr(strstr(text, "Claims refused") + 1, "Claims refused"));
    close(before);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_looking(void **state)
{
    struct nkey_pair pair;
    struct buf unknown = {0};

    update("", -60, "\"code\":200");
    assert_string_equal(guest_asks(&sys, subject_of("LOOKUP"), ""), buf_text(&token));
    nkey_pair_derive(&pair, 'A', SLICE("unknown"));
    buf_add_text(&unknown, "$SYS.REQ.ACCOUNT.");
    nkey_pair_public(&pair, &unknown);
    buf_add_text(&unknown, ".CLAIMS.LOOKUP");
    assert_string_equal(guest_asks(&sys, buf_text(&unknown), ""), "");
    guest_is_told(&sys, "$SYS.REQ.CLAIMS.LIST", "", buf_text(&keys.account_id));
    guest_is_told(&sys, "$SYS.REQ.CLAIMS.LIST", "", buf_text(&keys.system_id));
    /* All of them, then an empty message. */
    guest_say(&sys, "SUB _P 5\r\nPUB $SYS.REQ.CLAIMS.PACK _P 0\r\n\r\n");
    for (int i = 0; i < 2; i++)
        assert_int_equal(guest_takes(&sys, "_P 5 ")[56], '|');
    assert_string_equal(guest_takes(&sys, "_P 5 "), "");
    guest_say(&sys, "UNSUB 5\r\n");
    buf_fini(&unknown);
}

static void delete_token(const struct nkey_pair *signer, const struct buf *sub,
                         const struct buf *id)
{
    struct buf claims = {0};

    buf_printf(&claims, "{\"iat\":1,\"sub\":\"%s\",\"nats\":{\"accounts\":[\"%s\"],\"version\":2}}",
               buf_text(sub), buf_text(id));
    buf_clear(&token);
    assert_true(nkey_pair_token(signer, buf_text(&claims), &token));
    buf_fini(&claims);
}

static void test_deleting(void **state)
{
    struct nkey_pair stranger;
    struct buf id = {0};
    struct guest guest;

    update("", -50, "\"code\":200");
    station_enter_jwt(&station, &guest, buf_text(&user_token), &user);
    delete_token(&keys.operator, & keys.account_id, &keys.account_id);
    guest_is_told(&sys, DELETE, buf_text(&token), "failed - not self signed");
    nkey_pair_derive(&stranger, 'O', SLICE("stranger"));
    nkey_pair_public(&stranger, &id);
    delete_token(&stranger, &id, &keys.account_id);
    guest_is_told(&sys, DELETE, buf_text(&token), "failed - not trusted");
    delete_token(&keys.operator, & keys.operator_id, &keys.system_id);
    guest_is_told(&sys, DELETE, buf_text(&token), "failed - not allowed to delete system account");
    guest_is_told(&sys, DELETE, "nonsense", "failed - expected 3 chunks");
    guest_hears_nothing(&guest);
    delete_token(&keys.operator, & keys.operator_id, &keys.account_id);
    guest_is_told(&sys, DELETE, buf_text(&token),
                  "\"code\":200,\"message\":\"deleted 1 accounts\"");
    guest_hears(&guest, "-ERR 'Account Authentication Expired'");
    guest_sees_end(&guest);
    guest_leave(&guest);
    assert_int_not_equal(access(file, R_OK), 0);
    /* A new token brings it back. */
    update("", -40, "\"code\":200");
    station_enter_jwt(&station, &guest, buf_text(&user_token), &user);
    guest_leave(&guest);
    buf_fini(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_update_is_stored_and_applied),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_an_empty_request_is_no_warning),
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_deleting),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
