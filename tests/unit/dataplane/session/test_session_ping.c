#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "tests/lib/hall.h"

enum { INTERVAL_MS = 40 };

/* Longer than a PING may be put off, shorter than two intervals. */
static void pass_an_interval(struct hall *hall)
{
    hall_pass(hall, INTERVAL_MS * NS_PER_MS * 3 / 2);
}

static void enter(struct hall *hall, struct guest *guest)
{
    guest_enter(hall, guest, NULL);
    guest_say(guest, "CONNECT {\"verbose\":false}\r\n");
    guest_hears_nothing(guest);
}

static void test_one_that_answers_stays_and_one_that_does_not_is_stale(void **state)
{
    static const char *const silent_hears[] = {"PING\r\n", "PING\r\n",
                                               "-ERR 'Stale Connection'\r\n", ""};
    struct guest good, silent;
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.options.ping_interval_ns = INTERVAL_MS * NS_PER_MS;
    hall.options.ping_max = 2;
    hall_hold_time(&hall);
    hall_start(&hall, 2);
    enter(&hall, &good);
    enter(&hall, &silent);
    for (size_t i = 0; i < COUNT_OF(silent_hears); i++) {
        pass_an_interval(&hall);
        guest_hears_only(&good, "PING\r\n");
        guest_say(&good, "PONG\r\n");
        guest_hears_nothing(&good); /* it is answered before time goes on */
        guest_hears_only(&silent, silent_hears[i]);
    }
    guest_sees_end(&silent);
    guest_leave(&silent);
    guest_leave(&good);
    hall_stop(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_answers_stays_and_one_that_does_not_is_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
