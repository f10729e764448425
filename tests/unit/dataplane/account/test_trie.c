#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/nats/subject.h"
#include "dataplane/account/trie.h"

enum { SEED = 7 };

static void put(struct trie *trie, const char *subject, uint64_t value)
{
    struct grave *grave = NULL;

    atomic_store(&trie_obtain(trie, slice_of(subject), &grave)->value, value);
    grave_close(grave);
}

static void take(struct trie *trie, const char *subject)
{
    struct grave *grave = NULL;

    atomic_store(&trie_find(trie, slice_of(subject))->value, 0);
    trie_prune(trie, slice_of(subject), &grave);
    grave_close(grave);
}

static bool has(const struct trie *trie, const char *subject, uint64_t value)
{
    const struct trie_node *node = trie_find(trie, slice_of(subject));

    return node != NULL && atomic_load(&node->value) == value;
}

/* The values that were met, as a set of bits. */
static void collect(uint64_t value, void *arg)
{
    *(uint64_t *)arg |= UINT64_C(1) << value;
}

static bool collect_all(uint64_t value, void *arg)
{
    collect(value, arg);
    return true;
}

static uint64_t matches(const struct trie *trie, const char *subject)
{
    struct trie_path path;
    uint64_t met = 0;

    if (trie_path_cut(&path, SEED, slice_of(subject)))
        trie_match(trie, &path, collect, &met);
    return met;
}

/* Every shape a node can have: an only child of each kind, and branches, back and forth. */
static void test_shapes_of_a_node(void **state)
{
    static const char *const subjects[] = {"a.b", "a.*", "a.>", "a.c", "a.*.d", "a", "a.b.c", ">"};
    struct trie trie;

    trie_init(&trie, SEED);
    for (unsigned order = 0; order < 40320; order++) { /* all orders of coming */
        unsigned left[8] = {0, 1, 2, 3, 4, 5, 6, 7}, rest = order;
        uint64_t in = 0;

        for (unsigned n = 8; n > 0; n--) {
            unsigned at = rest % n, which = left[at];

            rest /= n;
            memmove(&left[at], &left[at + 1], (n - at - 1) * sizeof(left[0]));
            put(&trie, subjects[which], which + 1);
            in |= UINT64_C(1) << which;
            for (unsigned i = 0; i < 8; i++)
                if (has(&trie, subjects[i], i + 1) != (((in >> i) & 1) != 0))
                    fail_msg("order %u: %s", order, subjects[i]);
        }
        assert_int_equal(matches(&trie, "a.b"), 1 << 1 | 1 << 2 | 1 << 3 | 1 << 8);
        assert_int_equal(matches(&trie, "a.b.d"), 1 << 3 | 1 << 5 | 1 << 8);
        for (unsigned i = 0; i < 8; i++) {
            unsigned which = (i * 3 + order) % 8;

            take(&trie, subjects[which]);
            assert_false(has(&trie, subjects[which], which + 1));
        }
        assert_int_equal(trie.nodes, 0);
    }
    trie_fini(&trie);
}

/* Many children: tables grow, are searched among freed slots, and shrink. */
static void test_many_children(void **state)
{
    enum { CHILDREN = 3000, CHANGES = 100000 };
    struct trie trie;
    struct random_seeded random;
    bool in[CHILDREN] = {false};
    size_t count = 0;

    trie_init(&trie, SEED);
    random_seed(&random, 3);
    for (unsigned i = 0; i < CHANGES; i++) {
        /* Waves: mostly coming, then mostly going. */
        unsigned at = (unsigned)random_below(&random.random, CHILDREN);
        bool wanted = random_below(&random.random, 10) < (i / 20000 % 2 == 0 ? 9u : 1u);
        char subject[60];

        snprintf(subject, sizeof(subject), "x.%s%u", at % 3 == 0 ? "a-token-that-is-longer-" : "",
                 at);
        if (wanted && !in[at])
            put(&trie, subject, at + 1);
        else if (!wanted && in[at])
            take(&trie, subject);
        count += (size_t)wanted - (size_t)in[at];
        in[at] = wanted;
        assert_int_equal(has(&trie, subject, at + 1), wanted);
        assert_int_equal(trie.nodes, count > 0 ? count + 1 : 0);
    }
    trie_fini(&trie);
}

static void test_path(void **state)
{
    static const char *const void_subjects[] = {"", ".", "a.", ".a", "a..b", "a.b."};
    struct trie_path path;
    char *deep = mem_alloc(2 * SUBJECT_TOKENS_MAX + 3);
    struct trie trie;
    struct grave *grave = NULL;

    for (size_t i = 0; i < COUNT_OF(void_subjects); i++)
        assert_false(trie_path_cut(&path, SEED, slice_of(void_subjects[i])));
    assert_true(trie_path_cut(&path, SEED, SLICE("a.bc.d")));
    assert_int_equal(path.count, 3);
    assert_false(path.more);
    assert_int_equal(path.tokens[1].len, 2);

    /* One token more than a subscription can have: only '>' matches, not the deepest '*'. */
    trie_init(&trie, SEED);
    for (size_t i = 0; i <= SUBJECT_TOKENS_MAX; i++)
        memcpy(deep + 2 * i, "*.", 2);
    atomic_store(&trie_obtain(&trie, slice_make(deep, 2 * SUBJECT_TOKENS_MAX - 1), &grave)->value,
                 1);
    deep[2 * SUBJECT_TOKENS_MAX - 2] = '>';
    atomic_store(&trie_obtain(&trie, slice_make(deep, 2 * SUBJECT_TOKENS_MAX - 1), &grave)->value,
                 2);
    grave_close(grave);
    deep[2 * SUBJECT_TOKENS_MAX - 2] = 'x';
    deep[2 * SUBJECT_TOKENS_MAX - 1] = '\0';
    assert_int_equal(matches(&trie, deep), 1 << 1 | 1 << 2);
    deep[2 * SUBJECT_TOKENS_MAX - 1] = '.';
    deep[2 * SUBJECT_TOKENS_MAX + 1] = '\0';
    assert_int_equal(matches(&trie, deep), 1 << 2);
    memcpy(deep + 2 * SUBJECT_TOKENS_MAX, ".", 2); /* empty tokens beyond count, too */
    assert_int_equal(matches(&trie, deep), 0);
    trie_fini(&trie);
    mem_free(deep);
}

static void test_walk(void **state)
{
    struct trie trie;
    uint64_t met = 0;

    trie_init(&trie, SEED);
    assert_true(trie_walk(&trie, collect_all, &met));
    assert_int_equal(met, 0);
    put(&trie, "a.*", 1);
    put(&trie, "a.b.c", 2);
    put(&trie, ">", 3);
    put(&trie, "a", 4);
    assert_true(trie_walk(&trie, collect_all, &met));
    assert_int_equal(met, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4);
    trie_fini(&trie); /* with values in it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_of_a_node),
        cmocka_unit_test(test_many_children),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
