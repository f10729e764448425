#include "api/base/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

enum { ROOM = 4 };

struct place {
    struct crowd crowd;
    struct crowd_member members[16];
};

/* The number of whom had to go, or -1. */
static int enter(struct place *place, int number, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct crowd_member *leaver;

    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    leaver = crowd_enter(&place->crowd, &place->members[number], (struct sockaddr *)&address);
    return leaver != NULL ? (int)(leaver - place->members) : -1;
}

static int set_up(void **state)
{
    static struct place place;

    place = (struct place){0};
    crowd_init(&place.crowd, ROOM);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    for (size_t i = 0; i < 16; i++)
        crowd_leave(&place->crowd, &place->members[i]);
    crowd_fini(&place->crowd);
    return 0;
}

static void test_an_address_that_fills_the_place_pays_for_it(void **state)
{
    struct place *place = *state;

    for (int i = 0; i < ROOM; i++)
        assert_int_equal(enter(place, i, i == 1 ? "10.0.0.2" : "10.0.0.1"), -1);
    assert_int_equal(enter(place, 4, "10.0.0.3"), 0);
    assert_int_equal(enter(place, 5, "10.0.0.1"), 2);
    assert_int_equal(place->crowd.count, ROOM);
}

static void test_the_same_address_finds_room_for_its_newest(void **state)
{
    struct place *place = *state;

    for (int i = 0; i < ROOM; i++)
        assert_int_equal(enter(place, i, "10.0.0.1"), -1);
    for (int i = ROOM; i < 10; i++)
        assert_int_equal(enter(place, i, "10.0.0.1"), i - ROOM);
}

static void test_who_is_worked_for_stays(void **state)
{
    struct place *place = *state;

    for (int i = 0; i < ROOM; i++)
        assert_int_equal(enter(place, i, "10.0.0.1"), -1);
    crowd_busy(&place->members[0]);
    crowd_busy(&place->members[1]);
    assert_int_equal(enter(place, 4, "10.0.0.1"), 2);
    crowd_wait(&place->members[0]); /* from now on, so after the others */
    assert_int_equal(enter(place, 5, "10.0.0.1"), 3);
    assert_int_equal(enter(place, 6, "10.0.0.1"), 4);
    assert_int_equal(enter(place, 7, "10.0.0.1"), 0);
}

static void test_when_all_are_busy_the_newest_goes(void **state)
{
    struct place *place = *state;

    for (int i = 0; i < ROOM; i++) {
        assert_int_equal(enter(place, i, "10.0.0.1"), -1);
        crowd_busy(&place->members[i]);
    }
    assert_null(crowd_give_up(&place->crowd));
    assert_int_equal(enter(place, 4, "10.0.0.2"), 4);
    assert_int_equal(place->crowd.count, ROOM);
}

static void test_who_has_left_is_left_alone(void **state)
{
    struct place *place = *state;

    for (int i = 0; i <= ROOM; i++)
        enter(place, i, "10.0.0.1");
    assert_null(place->members[0].source);
    crowd_wait(&place->members[0]);
    crowd_busy(&place->members[0]);
    crowd_leave(&place->crowd, &place->members[0]);
    assert_int_equal(place->crowd.count, ROOM);
    assert_ptr_equal(crowd_give_up(&place->crowd), &place->members[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_address_that_fills_the_place_pays_for_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_same_address_finds_room_for_its_newest, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_worked_for_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_when_all_are_busy_the_newest_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_has_left_is_left_alone, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
