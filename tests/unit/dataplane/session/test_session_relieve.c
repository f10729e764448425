#include "dataplane/session/session_relieve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

enum { WORKERS = 3, PAYLOAD = 60000 };

static const struct auth_user users[] = {
    {.name = "a", .password = "a", .account = "A"},
    {.name = "b", .password = "b", .account = "B"},
};

static int setup(void **state)
{
    struct hall *hall = test_calloc(1, sizeof(*hall));

    hall_init(hall);
    hall->auth_options.users = users;
    hall->auth_options.user_count = 2;
    hall_start(hall, WORKERS);
    *state = hall;
    return 0;
}

static void enter(struct hall *hall, struct guest *guest, char user, const char *subject)
{
    char text[256];

    guest_enter(hall, guest, NULL);
    snprintf(text, sizeof(text),
             "CONNECT {\"verbose\":false,\"user\":\"%c\",\"pass\":\"%c\"}\r\nSUB %s 1\r\n", user,
             user, subject);
    guest_say(guest, text);
    guest_hears_nothing(guest);
}

static void publish(struct guest *guest, const char *subject, int count)
{
    static char text[PAYLOAD + 64];
    int len = snprintf(text, sizeof(text), "PUB %s %d\r\n", subject, PAYLOAD);

    memset(text + len, 'x', PAYLOAD);
    memcpy(text + len + PAYLOAD, "\r\n", 3);
    for (int i = 0; i < count; i++)
        guest_say(guest, text);
    guest_hears_nothing(guest);
}

static void relieve(struct worker *worker, void *arg)
{
    session_relieve(((struct hall *)arg)->table, worker);
}

static void nothing(struct worker *worker, void *arg)
{
}

/* What was sent to workers is in the outputs, and what the sockets take is out of them. */
static void settle(struct hall *hall)
{
    for (unsigned i = 0; i < 2 * WORKERS; i++)
        on_worker(hall->workers, i % WORKERS, nothing, NULL);
}

static bool any_closed(struct worker *worker, void *arg)
{
    struct session_figures figures;

    session_table_figures(((struct hall *)arg)->table, &figures);
    return figures.slow_consumers > 0 && figures.connections == 4;
}

/* Account A holds the most; its greatest session is closed, its small one and account B are not. */
static void test_who_holds_the_most_pays(void **state)
{
    struct hall *hall = *state;
    struct guest hog, modest, other, from_a, from_b;
    struct session_figures figures;

    enter(hall, &hog, 'a', "big");
    enter(hall, &modest, 'a', "small");
    enter(hall, &other, 'b', "big");
    enter(hall, &from_a, 'a', "none");
    enter(hall, &from_b, 'b', "none");
    on_worker(hall->workers, 0, relieve, hall); /* nobody holds anything: nobody pays */
    publish(&from_a, "big", 100);
    publish(&from_a, "small", 20);
    publish(&from_b, "big", 60);
    settle(hall);
    session_table_figures(hall->table, &figures);
    assert_int_equal(figures.connections, 5);
    on_worker(hall->workers, 1, relieve, hall);
    until_on_worker(hall->workers, 1, any_closed, hall);
    session_table_figures(hall->table, &figures);
    assert_int_equal(figures.slow_consumers, 1);
    guest_sees_end(&hog);
    guest_leave(&hog);
    guest_leave(&modest);
    guest_leave(&other);
    guest_leave(&from_a);
    guest_leave(&from_b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_holds_the_most_pays),
    };

    return cmocka_run_group_tests(tests, setup, hall_tear_down);
}
