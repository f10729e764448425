#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/office.h"

static void test_live_connections_follow_the_claims(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 0), OK);
    office_user(office, &office->account, "", OFFICE_UNLIMITED, &jwt);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_IN);
    guest_say(&guest, "SUB a.x 1\r\nSUB b.x q 2\r\nSUB a.y 3\r\n");
    guest_hears_only(&guest, OFFICE_IN OFFICE_IN OFFICE_IN);
    office_apply(
        office,
        "\"default_permissions\":{\"sub\":{\"deny\":[\"b.>\",\"a.y\"]},\"pub\":{}}," OFFICE_LIMITS(
            -1, -1));
    guest_hears(&guest, "-ERR 'Permissions Violation for Subscription to \"");
    guest_hears(&guest, "-ERR 'Permissions Violation for Subscription to \"");
    guest_hears(&guest, "\")'\r\n");
    guest_say(&guest, "PUB a.x 1\r\n1\r\nPUB b.x 1\r\n2\r\n");
    guest_hears_only(&guest, "+OK\r\nMSG a.x 1 1\r\n1\r\n+OK\r\n");
    office_apply(office, OFFICE_LIMITS(-1, -1));
    guest_say(&guest, "SUB b.x 4\r\n");
    guest_hears_only(&guest, OFFICE_IN);
    office_apply(office, OFFICE_LIMITS(-1, 2));
    guest_say(&guest, "SUB b.x 5\r\n");
    guest_hears_only(&guest, "-ERR 'maximum subscriptions exceeded'\r\n");
    snprintf(claims, sizeof(claims), "\"revocations\":{\"%s\":1700000000},%s", office->user.name,
             OFFICE_LIMITS(-1, -1));
    office_apply(office, claims);
    guest_hears_only(&guest, "-ERR 'User Authentication Revoked'\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_OUT);
    guest_leave(&guest);
    buf_fini(&jwt);
}

static void test_a_signing_key_that_is_gone(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    snprintf(claims, sizeof(claims), "\"signing_keys\":[\"%s\"],%s", office->signer.name,
             OFFICE_LIMITS(-1, -1));
    assert_int_equal(office_claims(office, claims, 0), OK);
    office_user(office, &office->signer, "", OFFICE_UNLIMITED, &jwt);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_IN);
    office_apply(office, claims); /* nothing that matters has changed */
    guest_hears_nothing(&guest);
    office_apply(office, OFFICE_LIMITS(-1, -1));
    guest_sees_end(&guest);
    guest_leave(&guest);
    buf_fini(&jwt);
}

static void test_an_account_that_is_over(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};

    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 0), OK);
    office_user(office, &office->account, ",\"exp\":4000000000", OFFICE_UNLIMITED, &jwt);
    office_log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, OFFICE_IN);
    /* Valid for whoever verified it, over for the clock of the workers. */
    assert_int_equal(office_claims(office, OFFICE_LIMITS(-1, -1), 1700000500), OK);
    office_follow(office);
    guest_hears_only(&guest, "-ERR 'Account Authentication Expired'\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    buf_fini(&jwt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_connections_follow_the_claims),
        cmocka_unit_test(test_a_signing_key_that_is_gone),
        cmocka_unit_test(test_an_account_that_is_over),
    };

    return cmocka_run_group_tests(tests, office_setup, office_teardown);
}
