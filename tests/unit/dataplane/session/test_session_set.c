#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/session/session_set.h"

static bool remove_it(struct session *session, void *arg)
{
    session_set_remove(session->set, session);
    (*(unsigned *)arg)++;
    return true;
}

static void test_found_by_cid_until_removed(void **state)
{
    struct worker worker = {.index = 3};
    struct session_set set = {.worker = &worker};
    struct session sessions[5] = {0};
    unsigned removed = 0;

    (void)state;
    list_init(&set.sessions);
    for (uint64_t i = 0; i < 5; i++) {
        sessions[i].cid = 10 + i;
        session_set_add(&set, &sessions[i]);
    }
    assert_int_equal(sessions[0].owner.worker, 3);
    assert_ptr_equal(session_set_find(&set, 12), &sessions[2]);
    assert_null(session_set_find(&set, 9));
    session_set_remove(&set, &sessions[2]);
    assert_null(session_set_find(&set, 12));
    session_set_walk(&set, remove_it, &removed);
    assert_int_equal(removed, 4);
    assert_true(list_empty(&set.sessions));
    assert_int_equal(set.sessions_here, 0);
    map_fini(&set.by_cid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_cid_until_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
