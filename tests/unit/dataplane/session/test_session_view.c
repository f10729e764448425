#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/hall.h"
#include "tests/lib/on_worker.h"

struct picture {
    struct session_snapshot snapshot;
    char texts[256];
    unsigned subs;
    uint64_t msgs;
};

static bool note_sub(const struct session_sub_detail *detail, void *arg)
{
    struct picture *picture = arg;

    picture->subs++;
    picture->msgs += detail->msgs;
    assert_int_equal(detail->cid, picture->snapshot.cid);
    return true;
}

static bool note(struct session *session, void *arg)
{
    struct picture *picture = arg;
    const struct session_snapshot *s = &picture->snapshot;

    session_snapshot(session, &picture->snapshot);
    snprintf(picture->texts, sizeof(picture->texts), "%s %s %s %s %s %s", s->kind, s->name, s->lang,
             s->version, s->account, s->host);
    session_walk_subs(session, note_sub, picture);
    return false;
}

static void look(struct worker *worker, void *arg)
{
    session_table_walk(worker, note, arg);
}

static void test_what_is_shown(void **state)
{
    struct hall *hall = *state;
    struct picture picture = {.subs = 0};
    struct guest guest;

    guest_enter(hall, &guest, NULL);
    guest_say(&guest,
              "CONNECT {\"verbose\":false,\"name\":\"n\",\"lang\":\"c\",\"version\":\"9\"}\r\n"
              "SUB a 1\r\nSUB b q 2\r\nPUB a 3\r\nabc\r\n");
    guest_hears_only(&guest, "MSG a 1 3\r\nabc\r\n");
    guest_hears_nothing(&guest);
    for (unsigned i = 0; i < HALL_WORKERS; i++)
        on_worker(hall->workers, i, look, &picture);
    assert_string_equal(picture.texts, "Client n c 9 $G 127.0.0.1");
    assert_int_equal(picture.subs, 2);
    assert_int_equal(picture.msgs, 1);
    assert_int_equal(picture.snapshot.in_msgs, 1);
    assert_int_equal(picture.snapshot.in_bytes, 3);
    assert_int_equal(picture.snapshot.out_msgs, 1);
    assert_int_equal(picture.snapshot.out_bytes, 3);
    assert_int_equal(picture.snapshot.subscriptions, 2);
    assert_int_equal(picture.snapshot.stop_ns, 0);
    assert_null(picture.snapshot.user);
    assert_true(picture.snapshot.rtt_ns >= 0);
    guest_leave(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_shown),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
