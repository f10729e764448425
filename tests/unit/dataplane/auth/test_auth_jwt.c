#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "api/base/check.h"
#include "tests/lib/office.h"

static void test_who_is_let_in(void **state)
{
    struct office *office = *state;
    const struct {
        const char *why;
        const struct office_key *by;
        const char *top, *nats;
        enum office_signature signature;
        bool in;
    } cases[] = {
        {"plainly", &office->account, "", OFFICE_UNLIMITED, SIGNED, true},
        {"no signature", &office->account, "", OFFICE_UNLIMITED, UNSIGNED, false},
        {"wrong signature", &office->account, "", OFFICE_UNLIMITED, WRONGLY, false},
        {"bearer", &office->account, "", OFFICE_UNLIMITED ",\"bearer_token\":true", UNSIGNED, true},
        {"signing key", &office->signer, "", OFFICE_UNLIMITED, SIGNED, true},
        {"another's key", &office->other, "", OFFICE_UNLIMITED, SIGNED, false},
        {"scope", &office->scope, "", "", SIGNED, true},
        {"scope and limits of its own", &office->scope, "", OFFICE_UNLIMITED, SIGNED, false},
        {"expired", &office->account, ",\"exp\":1700000001", OFFICE_UNLIMITED, SIGNED, false},
        {"not yet", &office->account, ",\"nbf\":4000000000", OFFICE_UNLIMITED, SIGNED, false},
        {"expires later", &office->account, ",\"exp\":4000000000", OFFICE_UNLIMITED, SIGNED, true},
        {"from here", &office->account, "", OFFICE_UNLIMITED ",\"src\":[\"127.0.0.0/8\"]", SIGNED,
         true},
        {"not from here", &office->account, "", OFFICE_UNLIMITED ",\"src\":[\"10.0.0.0/8\"]",
         SIGNED, false},
        {"kind of connection", &office->account, "",
         OFFICE_UNLIMITED ",\"allowed_connection_types\":[\"MQTT\"]", SIGNED, false},
        {"any time", &office->account, "",
         OFFICE_UNLIMITED ",\"times\":[{\"start\":\"00:00:00\",\"end\":\"23:59:59\"}],"
                          "\"times_location\":\"UTC\"",
         SIGNED, true},
        {"no such zone", &office->account, "",
         OFFICE_UNLIMITED ",\"times\":[{\"start\":\"00:00:00\",\"end\":\"23:59:59\"}],"
                          "\"times_location\":\"No/Where\"",
         SIGNED, false},
    };
    char claims[1024];

    snprintf(claims, sizeof(claims),
             "\"signing_keys\":[\"%s\",{\"kind\":\"user_scope\",\"key\":\"%s\",\"template\":"
             "{\"pub\":{\"allow\":[\"a.>\"]},\"subs\":-1,\"data\":-1,\"payload\":-1}}],%s",
             office->signer.name, office->scope.name, OFFICE_LIMITS(-1, -1));
    assert_int_equal(office_claims(office, claims, 0), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf jwt = {0};
        struct guest guest;

        office_user(office, cases[i].by, cases[i].top, cases[i].nats, &jwt);
        office_log_in(office, &guest, &jwt, cases[i].signature);
        guest_hears_only(&guest, cases[i].in ? OFFICE_IN : OFFICE_OUT);
        if (!cases[i].in)
            guest_sees_end(&guest);
        guest_leave(&guest);
        buf_fini(&jwt);
    }
}

/* It leaves while its signature is being looked at. */
static void test_leaving_while_auth_thinks(void **state)
{
    struct office *office = *state;
    struct buf jwt = {0};

    office_user(office, &office->account, "", OFFICE_UNLIMITED, &jwt);
    for (int i = 0; i < 50; i++) {
        struct guest guest;

        office_log_in(office, &guest, &jwt, SIGNED);
        guest_leave(&guest);
    }
    buf_fini(&jwt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_let_in),
        cmocka_unit_test(test_leaving_while_auth_thinks),
    };

    return cmocka_run_group_tests(tests, office_setup, office_teardown);
}
