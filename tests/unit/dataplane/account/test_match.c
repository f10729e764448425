#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/match.h"
#include "tests/lib/taker.h"

/* Building is held against a model in test_sublist.c; here is what the results look like. */
struct fixture {
    struct sublist *list;
    struct match_builder *builder;
    struct taker *in[20];
    unsigned count;
};

static struct sub_owner owners[3] = {{.worker = 0}, {.worker = 1}, {.worker = 2}};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.list = sublist_new(), .builder = match_builder_new()};
}

static void end(struct fixture *fixture)
{
    while (fixture->count > 0) {
        sublist_remove(fixture->list, &fixture->in[--fixture->count]->sub);
        mem_free(fixture->in[fixture->count]);
    }
    match_builder_free(fixture->builder);
    sublist_free(fixture->list);
}

static struct sub *add(struct fixture *fixture, unsigned owner, const char *subject,
                       const char *queue, unsigned flags)
{
    struct taker *taker = taker_new(&owners[owner], subject, queue);

    taker->sub.flags = (uint8_t)flags;
    assert_int_equal(sublist_insert(fixture->list, &taker->sub), OK);
    fixture->in[fixture->count++] = taker;
    return &taker->sub;
}

static void test_nobody_and_one(void **state)
{
    struct fixture f;
    struct match_result result;
    struct match *copy;
    struct sub *sub;

    begin(&f);
    match_build(f.builder, f.list, SLICE("a"), &result);
    assert_true(result.one == 0 && result.match == NULL && !result.lasting);
    copy = match_copy(&result, SLICE("a"));
    assert_int_equal(copy->plain + copy->groups + copy->ranges, 0);
    assert_true(slice_equal(match_text(copy), SLICE("a")));
    match_free(copy);
    sub = add(&f, 2, "a", NULL, SUB_NO_ECHO);
    match_build(f.builder, f.list, SLICE("a"), &result);
    assert_null(result.match);
    assert_ptr_equal(slot_sub(result.one), sub);
    copy = match_copy(&result, SLICE("a"));
    assert_int_equal(copy->plain, 1);
    assert_int_equal(copy->slots[0], result.one);
    assert_int_equal(match_ranges(copy)[0].worker, 2);
    assert_true(match_ranges(copy)[0].special);
    assert_true(slice_equal(match_text(copy), SLICE("a")));
    match_free(copy);
    end(&f);
}

static void check_many(const struct match *match)
{
    const struct match_range *ranges = match_ranges(match);
    const struct match_group *groups = match_groups(match);

    assert_int_equal(match->plain, 3);
    assert_int_equal(match->ranges, 2);
    assert_int_equal(ranges[0].worker, 0);
    assert_int_equal(ranges[0].count, 2);
    assert_false(ranges[0].special);
    assert_int_equal(ranges[1].worker, 2);
    assert_int_equal(ranges[1].count, 1);
    assert_true(ranges[1].special);
    assert_int_equal(match->groups, 2);
    assert_int_equal(match->members, 3);
    assert_int_equal(groups[0].count + groups[1].count, 3);
    for (uint32_t g = 0; g < match->groups; g++)
        for (uint32_t i = 0; i < groups[g].count; i++)
            assert_int_equal(sub_queue(slot_sub(match->slots[groups[g].first + i])).data[0],
                             groups[g].count == 2 ? 'q' : 'r');
}

/* A group that stands on two subjects is one. */
static void test_many(void **state)
{
    struct fixture f;
    struct match_result result;
    struct match *copy;

    begin(&f);
    add(&f, 0, "a.b", NULL, 0);
    add(&f, 0, "a.*", NULL, 0);
    add(&f, 2, ">", NULL, SUB_FILTERED);
    add(&f, 1, "a.*", "q", 0);
    add(&f, 1, "a.>", "r", 0);
    add(&f, 2, "a.>", "q", 0);
    add(&f, 2, "b", "q", 0);
    match_build(f.builder, f.list, SLICE("a.b"), &result);
    assert_int_equal(result.one, 0);
    check_many(result.match);
    copy = match_copy(&result, SLICE("a.b"));
    check_many(copy);
    assert_true(slice_equal(match_text(copy), SLICE("a.b")));
    match_free(copy);
    copy = match_copy(&result, slice_make(NULL, 0));
    assert_int_equal(match_text(copy).len, 0);
    match_free(copy);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_and_one),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
