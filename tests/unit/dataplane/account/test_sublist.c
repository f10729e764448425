#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/nats/subject.h"
#include "dataplane/account/match.h"
#include "tests/lib/taker.h"

enum { WORKERS = 3, SUBS = 300, CHANGES = 30000 };

static struct sub_owner owners[WORKERS] = {{.worker = 0}, {.worker = 1}, {.worker = 2}};

/* The model: everything that is in the list, in an array. */
struct model {
    struct sublist *list;
    struct random_seeded random;
    struct match_builder *builder;
    struct taker *in[SUBS];
    size_t count;
};

static uint64_t below(struct model *model, uint64_t bound)
{
    return random_below(&model->random.random, bound);
}

/* A few short tokens, so that subjects meet. */
static void random_subject(struct model *model, bool wildcards, char *out)
{
    static const char *const tokens[] = {"a", "b", "c", "a-longer-token", "*", ">"};
    size_t depth = 1 + below(model, 4);

    out[0] = '\0';
    for (size_t i = 0; i < depth; i++) {
        size_t kinds = !wildcards ? 4 : i + 1 == depth ? 6 : 5;
        size_t kind = below(model, kinds);
        size_t len = strlen(out);

        snprintf(out + len, 100 - len, "%s%s", i > 0 ? "." : "", tokens[kind]);
    }
}

static void insert_random(struct model *model)
{
    static const char *const queues[] = {NULL, NULL, "q", "r"};
    char subject[100];
    struct taker *taker;

    random_subject(model, true, subject);
    taker = taker_new(&owners[below(model, WORKERS)], subject, queues[below(model, 4)]);
    assert_int_equal(sublist_insert(model->list, &taker->sub), OK);
    model->in[model->count++] = taker;
}

static void remove_at(struct model *model, size_t at)
{
    struct taker *taker = model->in[at];

    sublist_remove(model->list, &taker->sub);
    mem_free(taker);
    model->in[at] = model->in[--model->count];
}

static bool count_walked(struct sub *sub, void *arg)
{
    taker_of(sub)->got++;
    return true;
}

/* A walk visits exactly what matches, each once. */
static void check_walk(struct model *model, struct slice subject)
{
    for (size_t i = 0; i < model->count; i++)
        model->in[i]->got = 0;
    sublist_walk(model->list, subject, count_walked, NULL);
    for (size_t i = 0; i < model->count; i++) {
        struct slice pattern = sub_subject(&model->in[i]->sub);
        bool matches = subject.len == 0 || subject_match(pattern, subject);

        if (model->in[i]->got != matches)
            fail_msg("%.*s ~ %.*s: %u times", (int)pattern.len, pattern.data, (int)subject.len,
                     subject.data, (unsigned)model->in[i]->got);
    }
}

static void check_group(struct model *model, const struct match *match,
                        const struct match_group *group, struct slice subject)
{
    struct slice name = sub_queue(slot_sub(match->slots[group->first]));
    uint32_t expected = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        struct sub *sub = slot_sub(match->slots[group->first + i]);

        assert_true(slice_equal(sub_queue(sub), name));
        assert_int_equal(taker_of(sub)->got++, 0);
    }
    for (size_t i = 0; i < model->count; i++)
        expected += slice_equal(sub_queue(&model->in[i]->sub), name) &&
                    subject_match(sub_subject(&model->in[i]->sub), subject);
    assert_int_equal(group->count, expected);
}

/* A match has every plain taker in the range of its worker, and each group whole. */
static void check_match(struct model *model, struct slice subject)
{
    struct match_result result;
    uint32_t plain = 0, in_ranges = 0;

    match_build(model->builder, model->list, subject, &result);
    for (size_t i = 0; i < model->count; i++) {
        model->in[i]->got = 0;
        plain += model->in[i]->sub.queue_len == 0 &&
                 subject_match(sub_subject(&model->in[i]->sub), subject);
    }
    if (result.match == NULL) {
        assert_int_equal(plain, result.one != 0);
        if (result.one != 0)
            assert_true(subject_match(sub_subject(slot_sub(result.one)), subject));
        return;
    }
    assert_int_equal(result.match->plain, plain);
    for (uint32_t r = 0; r < result.match->ranges; r++) {
        const struct match_range *range = &match_ranges(result.match)[r];

        assert_int_equal(range->first, in_ranges);
        in_ranges += range->count;
        for (uint32_t i = 0; i < range->count; i++) {
            struct sub *sub = slot_sub(result.match->slots[range->first + i]);

            assert_int_equal(sub->owner->worker, range->worker);
            assert_int_equal(taker_of(sub)->got++, 0);
            assert_true(subject_match(sub_subject(sub), subject));
        }
    }
    assert_int_equal(in_ranges, plain);
    for (uint32_t g = 0; g < result.match->groups; g++)
        check_group(model, result.match, &match_groups(result.match)[g], subject);
    for (size_t i = 0; i < model->count; i++)
        assert_int_equal(model->in[i]->got,
                         subject_match(sub_subject(&model->in[i]->sub), subject));
}

static void test_list_follows_model(void **state)
{
    struct model model = {.list = sublist_new(), .builder = match_builder_new()};
    char subject[100];

    random_seed(&model.random, 1);
    for (unsigned i = 0; i < CHANGES; i++) {
        /* Phases of growing and shrinking, so that tables do both. */
        bool grow = below(&model, 100) < ((i / 3000) % 2 == 0 ? 60u : 40u);

        if (model.count == 0 || (grow && model.count < SUBS))
            insert_random(&model);
        else
            remove_at(&model, below(&model, model.count));
        assert_int_equal(sublist_count(model.list), model.count);
        if (i % 4 != 0)
            continue;
        random_subject(&model, false, subject);
        check_walk(&model, slice_of(subject));
        check_match(&model, slice_of(subject));
        if (i % 64 == 0)
            check_walk(&model, slice_make(NULL, 0));
    }
    while (model.count > 0)
        remove_at(&model, 0);
    assert_int_equal(model.list->trie.nodes, 0);
    match_builder_free(model.builder);
    sublist_free(model.list);
}

static void test_malformed_subjects_are_refused(void **state)
{
    static const char *const subjects[] = {"", ".", "a.", ".a", "a..b", ">.a", "a.>.b"};
    struct sublist *list = sublist_new();
    char *deep = mem_alloc(2 * SUBJECT_TOKENS_MAX + 3);

    for (size_t i = 0; i < COUNT_OF(subjects); i++) {
        struct taker *taker = taker_new(&owners[0], subjects[i], NULL);

        assert_int_equal(sublist_insert(list, &taker->sub), ERR_SYNTAX);
        mem_free(taker);
    }
    for (size_t i = 0; i <= SUBJECT_TOKENS_MAX; i++)
        memcpy(deep + 2 * i, "*.", 2);
    for (size_t tokens = SUBJECT_TOKENS_MAX; tokens <= SUBJECT_TOKENS_MAX + 1; tokens++) {
        struct taker *taker;

        deep[2 * tokens - 1] = '\0';
        taker = taker_new(&owners[0], deep, NULL);
        deep[2 * tokens - 1] = '.';
        if (tokens > SUBJECT_TOKENS_MAX) {
            assert_int_equal(sublist_insert(list, &taker->sub), ERR_LIMIT);
        } else {
            assert_int_equal(sublist_insert(list, &taker->sub), OK);
            sublist_remove(list, &taker->sub);
        }
        mem_free(taker);
    }
    mem_free(deep);
    sublist_free(list);
}

/* As the reference server: an empty token matches nothing, a wildcard token is itself. */
static void test_odd_published_subjects(void **state)
{
    static const struct {
        const char *subject;
        unsigned takers;
    } cases[] = {
        {"foo.*", 4}, {"foo.>", 4}, {"*", 1}, {">", 1},       {"foo", 1},       {"foo..b", 0},
        {"foo.", 0},  {".foo", 0},  {"", 0},  {"foo.bar", 4}, {"foo.bar.b", 3},
    };
    static const char *const subjects[] = {"foo.*", "foo.>", ">", "*.>"};
    struct sublist *list = sublist_new();
    struct match_builder *builder = match_builder_new();
    struct taker *takers[COUNT_OF(subjects)];

    for (size_t i = 0; i < COUNT_OF(subjects); i++) {
        takers[i] = taker_new(&owners[0], subjects[i], NULL);
        assert_int_equal(sublist_insert(list, &takers[i]->sub), OK);
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct match_result result;
        unsigned found;

        match_build(builder, list, slice_of(cases[i].subject), &result);
        found = result.match != NULL ? result.match->plain : result.one != 0;
        if (found != cases[i].takers)
            fail_msg("%s: %u takers, not %u", cases[i].subject, found, cases[i].takers);
        assert_int_equal(sublist_wants(list, slice_of(cases[i].subject)), found > 0);
    }
    for (size_t i = 0; i < COUNT_OF(subjects); i++) {
        sublist_remove(list, &takers[i]->sub);
        mem_free(takers[i]);
    }
    match_builder_free(builder);
    sublist_free(list);
}

static void test_hidden_subs_are_not_counted(void **state)
{
    struct sublist *list = sublist_new();
    struct taker *taker = taker_new(&owners[0], "a", NULL);
    struct sublist_figures figures;

    taker->sub.flags = SUB_HIDDEN;
    assert_int_equal(sublist_insert(list, &taker->sub), OK);
    assert_int_equal(sublist_count(list), 0);
    assert_true(sublist_wants(list, SLICE("a")));
    sublist_remove(list, &taker->sub);
    sublist_figures(list, &figures);
    assert_int_equal(figures.inserts + figures.removes + figures.subs, 0);
    mem_free(taker);
    sublist_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_follows_model),
        cmocka_unit_test(test_malformed_subjects_are_refused),
        cmocka_unit_test(test_odd_published_subjects),
        cmocka_unit_test(test_hidden_subs_are_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
