#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/office.h"

static void test_the_newest_leave_when_there_are_too_many(void **state)
{
    struct office *office = *state;
    struct guest guests[4], late;
    struct buf jwt = {0};

    assert_int_equal(office_claims(office, OFFICE_LIMITS(4, -1), 0), OK);
    office_user(office, &office->account, "", OFFICE_UNLIMITED, &jwt);
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        office_log_in(office, &guests[i], &jwt, SIGNED);
        guest_hears_only(&guests[i], OFFICE_IN);
    }
    office_log_in(office, &late, &jwt, SIGNED);
    guest_hears_only(&late, "-ERR 'maximum account active connections exceeded'\r\n");
    guest_sees_end(&late);
    guest_leave(&late);
    office_apply(office, OFFICE_LIMITS(2, -1));
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        if (i < 2) {
            guest_hears_nothing(&guests[i]);
        } else {
            guest_hears_only(&guests[i], "-ERR 'maximum account active connections exceeded'\r\n");
            guest_sees_end(&guests[i]);
        }
        guest_leave(&guests[i]);
    }
    buf_fini(&jwt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_leave_when_there_are_too_many),
    };

    return cmocka_run_group_tests(tests, office_setup, office_teardown);
}
