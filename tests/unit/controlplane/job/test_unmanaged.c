#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "controlplane/job/unmanaged.h"
#include "tests/lib/workshop.h"

static struct workshop *workshop;
static struct unmanaged unmanaged;
static struct job_call call;

static int begin(void **state)
{
    workshop = workshop_open(NULL);
    assert_int_equal(job_open(&workshop->context, &call), OK);
    return 0;
}

static int end(void **state)
{
    unmanaged_fini(&unmanaged);
    job_close(&call);
    workshop_close(workshop);
    return 0;
}

/* What the node lists; how many have appeared since the last time. */
static uint64_t look(const char *node_id, const char **listed, size_t count)
{
    const struct node node = {.resource = {.id = node_id, .name = node_id}};
    const struct strings unknown = {listed, count};
    uint64_t before = unmanaged.appeared;

    assert_int_equal(unmanaged_note(&call, &unmanaged, &node, &unknown), OK);
    return unmanaged.appeared - before;
}

/* Counted when it comes, not while it stays; and again when it was gone meanwhile. */
static void test_each_counts_when_it_appears(void **state)
{
    const char *one[] = {"A1"}, *both[] = {"A1", "A2"}, *turned[] = {"A2", "A1"}, *two[] = {"A2"};

    assert_int_equal(look("nod_a", one, 0), 0);
    assert_int_equal(look("nod_a", one, 1), 1);
    assert_int_equal(look("nod_a", one, 1), 0);
    assert_int_equal(look("nod_a", both, 2), 1);
    assert_int_equal(look("nod_a", turned, 2), 0);
    assert_int_equal(look("nod_a", two, 1), 0);
    assert_int_equal(look("nod_a", both, 2), 1);
    assert_int_equal(look("nod_b", both, 2), 2); /* another node */
}

/* The account may have been made since what is desired was read. */
static void test_a_new_account_of_ours_is_not_among_them(void **state)
{
    const char *listed[] = {workshop->keys[0], "A3", workshop->keys[2]};

    assert_int_equal(look("nod_c", listed, 3), 1);
    assert_int_equal(look("nod_c", listed, 3), 0);
}

/* More nodes than can be remembered: those that are gone make room. */
static void test_memory_is_bounded(void **state)
{
    const char *one[] = {"A1"};
    char id[16];

    for (int i = 0; i < 2 * LINKS_MAX; i++) {
        snprintf(id, sizeof(id), "nod_%d", i);
        assert_int_equal(look(id, one, 1), 1);
        assert_int_equal(look(id, one, 1), 0);
    }
    assert_in_range(unmanaged.node_count, 1, LINKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_counts_when_it_appears),
        cmocka_unit_test(test_a_new_account_of_ours_is_not_among_them),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
