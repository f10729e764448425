#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "dataplane/account/hash.h"
#include "dataplane/account/token_table.h"

/* Nodes whose token is their number; the hash is as the test wants it. */
struct model {
    struct token_table *table;
    struct trie_node **nodes;
    uint32_t *hashes;
    bool *in;
    unsigned count, live;
};

static void begin(struct model *model, unsigned count, uint32_t (*hash)(struct slice token))
{
    *model = (struct model){.nodes = mem_alloc(count * sizeof(struct trie_node *)),
                            .hashes = mem_alloc(count * sizeof(uint32_t)),
                            .in = mem_alloc(count),
                            .count = count};
    for (unsigned i = 0; i < count; i++) {
        struct trie_node *node = model->nodes[i] = mem_alloc(sizeof(*node) + 12);

        node->len = (uint32_t)snprintf(node->token, 12, "%u", i);
        model->hashes[i] = hash(slice_make(node->token, node->len));
    }
}

static void end(struct model *model)
{
    token_table_free(model->table);
    for (unsigned i = 0; i < model->count; i++)
        mem_free(model->nodes[i]);
    mem_free(model->nodes);
    mem_free(model->hashes);
    mem_free(model->in);
}

static void set(struct model *model, unsigned at, bool wanted)
{
    struct grave *grave = NULL;

    if (wanted && !model->in[at])
        model->table = token_table_put(model->table, model->nodes[at], model->hashes[at], &grave);
    else if (!wanted && model->in[at])
        model->table = token_table_take(model->table, model->nodes[at], model->hashes[at], &grave);
    grave_close(grave);
    model->live += (unsigned)wanted - (unsigned)model->in[at];
    model->in[at] = wanted;
    assert_int_equal(model->table == NULL, model->live == 0);
}

static bool is_in(const struct model *model, unsigned at)
{
    const struct trie_node *node = model->nodes[at];

    return token_table_find(model->table, slice_make(node->token, node->len), model->hashes[at]) ==
           node;
}

static bool count_node(struct trie_node *node, void *arg)
{
    atomic_fetch_add(&node->value, 1);
    ++*(unsigned *)arg;
    return true;
}

static bool stop(struct trie_node *node, void *arg)
{
    return false;
}

static void check_all(struct model *model)
{
    unsigned visited = 0;

    for (unsigned i = 0; i < model->count; i++) {
        assert_int_equal(is_in(model, i), model->in[i]);
        atomic_store(&model->nodes[i]->value, 0);
    }
    assert_true(token_table_each(model->table, count_node, &visited));
    assert_int_equal(visited, model->live);
    for (unsigned i = 0; i < model->count; i++)
        assert_int_equal(atomic_load(&model->nodes[i]->value), model->in[i]);
    assert_int_equal(token_table_each(model->table, stop, NULL), model->live == 0);
}

static uint32_t good_hash(struct slice token)
{
    return hash_token(3, token);
}

/* All in one leaf that cannot be split any further. */
static uint32_t same_upper_bits(struct slice token)
{
    return (hash_token(3, token) & 0x1ff) | 0x5a5a5a00;
}

static uint32_t one_hash(struct slice token)
{
    return 77;
}

/* Only the lowest of the bits that split differ: many splits at once. */
static uint32_t few_leaves(struct slice token)
{
    return (hash_token(3, token) & 0x7ff) | 0x1000;
}

static void test_waves(void **state)
{
    static const struct {
        uint32_t (*hash)(struct slice token);
        unsigned count;
    } cases[] = {{good_hash, 20},
                 {good_hash, 10000},
                 {same_upper_bits, 1500},
                 {one_hash, 500},
                 {few_leaves, 2000}};
    struct random_seeded random;

    random_seed(&random, 4);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct model model;

        begin(&model, cases[c].count, cases[c].hash);
        for (unsigned i = 0; i < 10 * cases[c].count; i++) {
            /* Up and down, twice, in all densities. */
            uint64_t wave = i * 4 / (10 * cases[c].count) % 2;
            unsigned at = (unsigned)random_below(&random.random, cases[c].count);

            set(&model, at, random_below(&random.random, 20) < (wave == 0 ? 19u : 1u));
            assert_int_equal(is_in(&model, at), model.in[at]);
            if (i % cases[c].count == 0)
                check_all(&model);
        }
        for (unsigned i = 0; i < cases[c].count; i++)
            set(&model, i, true);
        check_all(&model);
        for (unsigned i = 0; i < cases[c].count; i++)
            set(&model, i, false);
        check_all(&model);
        end(&model);
    }
}

static void test_freed_while_full(void **state)
{
    struct model model;

    begin(&model, 5000, good_hash);
    for (unsigned i = 0; i < 5000; i++)
        set(&model, i, true);
    end(&model);
    token_table_free(NULL);
    assert_null(token_table_find(NULL, SLICE("a"), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waves),
        cmocka_unit_test(test_freed_while_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
