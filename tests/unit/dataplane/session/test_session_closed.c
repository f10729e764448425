#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/mem.h"
#include "dataplane/session/session_closed.h"

struct list_of {
    uint64_t cids[8];
    unsigned count;
};

static bool note(const struct session_snapshot *snapshot, void *arg)
{
    struct list_of *list = arg;

    list->cids[list->count++] = snapshot->cid;
    return list->count < 8;
}

static void test_the_newest_first_and_not_more_than_max(void **state)
{
    struct session_closed *closed = session_closed_new(3);
    struct list_of list = {.count = 0};

    (void)state;
    session_closed_walk(closed, note, &list);
    assert_int_equal(list.count, 0);
    for (uint64_t cid = 1; cid <= 5; cid++)
        session_closed_add(closed, &(struct session_snapshot){.cid = cid});
    session_closed_walk(closed, note, &list);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.cids[0], 5);
    assert_int_equal(list.cids[2], 3);
    session_closed_free(closed);
}

static bool compare(const struct session_snapshot *snapshot, void *arg)
{
    (*(int *)arg)++;
    assert_string_equal(snapshot->name, "n");
    assert_string_equal(snapshot->host, "h");
    assert_null(snapshot->lang);
    assert_int_equal(snapshot->tags.count, 1);
    assert_string_equal(snapshot->tags.items[0], "t");
    return true;
}

static void test_texts_are_copied(void **state)
{
    struct session_closed *closed = session_closed_new(2);
    char name[] = "n", tag[] = "t";
    const char *tags[] = {tag};
    int seen = 0;

    (void)state;
    session_closed_add(closed,
                       &(struct session_snapshot){.name = name, .host = "h", .tags = {tags, 1}});
    name[0] = tag[0] = 'x';
    session_closed_walk(closed, compare, &seen);
    assert_int_equal(seen, 1);
    session_closed_free(closed);
}

static void test_bounded_in_bytes_too(void **state)
{
    struct session_closed *closed = session_closed_new(1000);
    char *jwt = mem_alloc(1 << 20);
    struct list_of list = {.count = 0};

    (void)state;
    memset(jwt, 'j', (1 << 20) - 1);
    for (uint64_t cid = 1; cid <= 100; cid++)
        session_closed_add(closed, &(struct session_snapshot){.cid = cid, .jwt = jwt});
    session_closed_walk(closed, note, &list);
    assert_int_equal(list.cids[0], 100);
    mem_free(jwt);
    session_closed_free(closed);
    session_closed_free(NULL);
}

static void test_none_is_kept(void **state)
{
    struct session_closed *closed = session_closed_new(0);
    struct list_of list = {.count = 0};

    (void)state;
    session_closed_add(closed, &(struct session_snapshot){.cid = 1});
    session_closed_walk(closed, note, &list);
    assert_int_equal(list.count, 0);
    session_closed_free(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_first_and_not_more_than_max),
        cmocka_unit_test(test_texts_are_copied),
        cmocka_unit_test(test_bounded_in_bytes_too),
        cmocka_unit_test(test_none_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
