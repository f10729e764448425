#include "dataplane/account/sublist.h"

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/nats/subject.h"
#include "dataplane/account/takers.h"

struct sublist *sublist_new(void)
{
    struct sublist *list = mem_alloc(sizeof(*list));

    atomic_init(&list->id, random_u64(random_system()));
    trie_init(&list->trie, sublist_id(list));
    atomic_init(&list->generations, generations_new());
    lock_init(&list->lock);
    return list;
}

void sublist_free(struct sublist *list)
{
    if (list == NULL)
        return;
    CHECK(atomic_load(&list->subs) == 0 && list->trie.nodes == 0);
    trie_fini(&list->trie);
    mem_free(atomic_load(&list->generations));
    lock_fini(&list->lock);
    mem_free(list);
}

/* Under the lock, after the trie changed. */
static void changed(struct sublist *list, const struct sub *sub, struct grave **grave)
{
    struct generations *set = atomic_load_explicit(&list->generations, memory_order_relaxed);
    struct slice subject = sub_subject(sub);

    if (++list->changes == SUBLIST_ERA) {
        list->changes = 0;
        atomic_store_explicit(&list->id, random_u64(random_system()), memory_order_relaxed);
    }
    if (set->literal_mask + 1 < GENERATION_LITERALS && list->trie.nodes > 4 * GENERATION_SMALL) {
        set = generations_grown(set, grave);
        /* Release: its counters are set before anybody sums them. */
        atomic_store_explicit(&list->generations, set, memory_order_release);
        return;
    }
    generations_raise(set, list->trie.seed, subject, subject_literal(subject));
}

static void set_value(struct trie_node *node, uint64_t value)
{
    /* Release: a reader that finds the value sees the subscription and the arrays behind it. */
    atomic_store_explicit(&node->value, value, memory_order_release);
}

static uint64_t value_of(const struct trie_node *node)
{
    return atomic_load_explicit(&node->value, memory_order_relaxed);
}

static void count(_Atomic uint64_t *counter, int by)
{
    atomic_fetch_add_explicit(counter, (uint64_t)(int64_t)by, memory_order_relaxed);
}

static bool shown(const struct sub *sub)
{
    return (atomic_load_explicit(&sub->flags, memory_order_relaxed) & SUB_HIDDEN) == 0;
}

enum result sublist_insert(struct sublist *list, struct sub *sub)
{
    struct subject_info info = subject_scan(sub_subject(sub));
    struct grave *grave = NULL;
    struct trie_node *node;

    if (!info.valid)
        return ERR_SYNTAX;
    if (info.tokens > SUBJECT_TOKENS_MAX)
        return ERR_LIMIT;
    lock_write(&list->lock);
    node = trie_obtain(&list->trie, sub_subject(sub), &grave);
    set_value(node, takers_add(value_of(node), sub, &grave));
    changed(list, sub, &grave);
    lock_release(&list->lock);
    grave_close(grave);
    if (shown(sub)) {
        count(&list->subs, 1);
        count(&list->inserts, 1);
    }
    return OK;
}

void sublist_remove(struct sublist *list, struct sub *sub)
{
    struct grave *grave = NULL;
    struct trie_node *node;

    lock_write(&list->lock);
    node = trie_find(&list->trie, sub_subject(sub));
    CHECK(node != NULL);
    set_value(node, takers_remove(value_of(node), sub, &grave));
    if (value_of(node) == 0)
        trie_prune(&list->trie, sub_subject(sub), &grave);
    changed(list, sub, &grave);
    lock_release(&list->lock);
    grave_close(grave);
    if (shown(sub)) {
        count(&list->subs, -1);
        count(&list->removes, 1);
    }
}

void sublist_touch(struct sublist *list, struct sub *sub)
{
    struct grave *grave = NULL;
    struct trie_node *node;

    lock_write(&list->lock);
    node = trie_find(&list->trie, sub_subject(sub));
    CHECK(node != NULL);
    set_value(node, takers_touch(value_of(node), sub));
    changed(list, sub, &grave);
    lock_release(&list->lock);
    grave_close(grave);
}

uint64_t sublist_count(const struct sublist *list)
{
    return atomic_load_explicit(&list->subs, memory_order_relaxed);
}

struct walk {
    bool (*fn)(struct sub *sub, void *arg);
    void *arg;
    bool over;
};

static bool walk_value(uint64_t value, void *arg)
{
    struct walk *walk = arg;

    return takers_walk(value, walk->fn, walk->arg);
}

static void walk_hit(uint64_t value, void *arg)
{
    struct walk *walk = arg;

    if (!walk->over)
        walk->over = !walk_value(value, walk);
}

void sublist_walk(struct sublist *list, struct slice literal_or_empty,
                  bool (*fn)(struct sub *sub, void *arg), void *arg)
{
    struct walk walk = {fn, arg, false};
    struct trie_path path;

    if (slice_empty(literal_or_empty)) {
        trie_walk(&list->trie, walk_value, &walk);
        return;
    }
    if (trie_path_cut(&path, list->trie.seed, literal_or_empty))
        trie_match(&list->trie, &path, walk_hit, &walk);
}

static bool found(struct sub *sub, void *arg)
{
    bool *any = arg;

    *any = true;
    return false;
}

bool sublist_wants(struct sublist *list, struct slice subject)
{
    bool any = false;

    if (!slice_empty(subject))
        sublist_walk(list, subject, found, &any);
    return any;
}

void sublist_figures(const struct sublist *list, struct sublist_figures *out)
{
    out->subs = sublist_count(list);
    out->inserts = atomic_load_explicit(&list->inserts, memory_order_relaxed);
    out->removes = atomic_load_explicit(&list->removes, memory_order_relaxed);
}
