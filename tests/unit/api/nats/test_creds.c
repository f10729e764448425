#include "api/nats/creds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/base/check.h"

#define SEED "SUADSYTLOT3FXVTA2SFE7ING64L2VX4KCWIKJFRSGFEG2NZAPH3YBUZRRM"

static void test_round_trip(void **state)
{
    struct buf buf = {0};
    struct slice jwt, seed;

    creds_format(&buf, SLICE("aa.b-b.c_c"), SLICE(SEED));
    assert_int_equal(creds_jwt(buf_slice(&buf), &jwt), OK);
    assert_true(slice_equal(jwt, SLICE("aa.b-b.c_c")));
    assert_int_equal(creds_seed(buf_slice(&buf), &seed), OK);
    assert_true(slice_equal(seed, SLICE(SEED)));
    buf_clear(&buf);
    creds_format(&buf, SLICE("aa.bb.cc"), SLICE(""));
    assert_int_equal(creds_jwt(buf_slice(&buf), &jwt), OK);
    assert_int_equal(creds_seed(buf_slice(&buf), &seed), ERR_NOT_FOUND);
    buf_fini(&buf);
}

static void test_what_others_write(void **state)
{
    static const struct {
        const char *text, *jwt, *seed;
    } cases[] = {
        {"-----BEGIN NATS USER JWT-----\r\na.b.c\r\n------END NATS USER JWT------\r\n\r\n"
         "*** IMPORTANT ***\r\n-----BEGIN USER NKEY SEED-----\r\n" SEED
         "\r\n------END USER NKEY SEED------\r\n",
         "a.b.c", SEED},
        {"---BEGIN---\n  a.b.c  \n---END---\n---x---\n" SEED "\n---y---", "a.b.c", SEED},
        {"a.b.c", "a.b.c", NULL},
        {"  a.b.c\n", "a.b.c", NULL},
        {SEED "\n", SEED, SEED},
        {"# a comment\n" SEED "\n", NULL, SEED},
        {"-----BEGIN NATS USER JWT-----\na b\n------END NATS USER JWT------\n", NULL, NULL},
        {"-----BEGIN NATS USER JWT-----\na.b.c\n", NULL, NULL},
        {"---a---\nx\n---b---\n---c---\nnoseed\n---d---\n", "x", NULL},
        {"", NULL, NULL},
        {"\n\n", NULL, NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct slice text = slice_of(cases[i].text), got;
        enum result rc = creds_jwt(text, &got);

        if ((rc == OK) != (cases[i].jwt != NULL) ||
            (rc == OK && !slice_equal(got, slice_of(cases[i].jwt))))
            fail_msg("jwt of %s", cases[i].text);
        rc = creds_seed(text, &got);
        if ((rc == OK) != (cases[i].seed != NULL) ||
            (rc == OK && !slice_equal(got, slice_of(cases[i].seed))))
            fail_msg("seed of %s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_what_others_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
