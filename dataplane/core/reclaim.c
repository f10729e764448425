/*
 * How it flows.  There is one epoch.  A reader's word says how far it has come: the epoch that
 * it read on entering its last completed section, and whether it is online.  The epoch goes from
 * g to g+1 when every online reader has completed a section that it entered at g (or later).
 *
 * A node retired at epoch e was unlinked after e began, perhaps after some readers had entered
 * a section at e.  So the step from e to e+1 proves nothing; the one to e+2 ends the first
 * grace period, the one to e+3 the second.  Then the node is ripe.
 *
 * The reader's word has other writers than its owner only while it is leaving or offline:
 * those who rouse it.
 */
#include "dataplane/core/reclaim.h"

#include <stdatomic.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { RIPE_AFTER = 3, FREE_AT_ONCE = 256, FREE_PART = 8 };

/* The low bits of a reader's word; above them the epoch it has passed. */
enum { ONLINE = 1, LEAVING = 2, OFFLINE = 3, STATE_BITS = 2, STATE_MASK = 3 };

struct reclaim_reader {
    _Alignas(64) _Atomic uint64_t word;
    _Alignas(64) uint64_t entered; /* the epoch on entering the present section */
    bool inside, leaving;          /* in a section; between the two steps of going offline */
    struct reclaim *all;
    struct reclaim_node *first, **last; /* retired, oldest first */
    size_t waiting;
};

struct reclaim {
    _Alignas(64) _Atomic uint64_t epoch;
    _Alignas(64) unsigned max;
    struct reclaim_reader readers[];
};

/* The thread sanitizer knows no fences; it does not need this one to follow who freed what. */
static inline void full_fence(struct reclaim_reader *reader)
{
#if defined(__SANITIZE_THREAD__)
    atomic_fetch_add(&reader->word, 0);
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    atomic_fetch_add(&reader->word, 0);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
#else
    /* What was written before is seen by all before what is read after. */
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

static uint64_t word_make(uint64_t passed, unsigned state)
{
    return passed << STATE_BITS | state;
}

struct reclaim *reclaim_new(unsigned readers_max)
{
    size_t size = sizeof(struct reclaim) + readers_max * sizeof(struct reclaim_reader);
    struct reclaim *reclaim = mem_alloc_aligned(64, size);

    atomic_init(&reclaim->epoch, 1);
    reclaim->max = readers_max;
    return reclaim;
}

static void free_list(struct reclaim_node *node)
{
    while (node != NULL) {
        struct reclaim_node *next = node->next;

        node->free_fn(node);
        node = next;
    }
}

void reclaim_free(struct reclaim *reclaim)
{
    if (reclaim == NULL)
        return;
    for (unsigned i = 0; i < reclaim->max; i++) {
        struct reclaim_reader *reader = &reclaim->readers[i];
        struct reclaim_node *node;

        if (atomic_load(&reader->word) == 0)
            continue;
        CHECK((atomic_load(&reader->word) & STATE_MASK) == OFFLINE);
        /* What is freed may retire more, into the same list. */
        while ((node = reader->first) != NULL) {
            reader->first = NULL;
            reader->last = &reader->first;
            free_list(node);
        }
    }
    mem_free(reclaim);
}

struct reclaim_reader *reclaim_reader_new(struct reclaim *reclaim)
{
    for (unsigned i = 0; i < reclaim->max; i++) {
        struct reclaim_reader *reader = &reclaim->readers[i];
        uint64_t unused = 0;

        if (atomic_compare_exchange_strong(&reader->word, &unused, word_make(0, OFFLINE))) {
            reader->all = reclaim;
            reader->last = &reader->first;
            return reader;
        }
    }
    CHECK_UNREACHABLE("more readers than were foreseen");
}

void reclaim_enter(struct reclaim_reader *reader)
{
    uint64_t word = atomic_load_explicit(&reader->word, memory_order_relaxed);

    CHECK(!reader->inside);
    reader->inside = true;
    reader->leaving = false;
    if ((word & STATE_MASK) != ONLINE) {
        /* A leaver keeps what it has passed: its mail was never out of sight. */
        uint64_t passed = (word & STATE_MASK) == LEAVING ? word >> STATE_BITS : 0;

        atomic_store(&reader->word, word_make(passed, ONLINE));
        full_fence(reader);
    }
    /* Acquire: unlinked before this epoch began means not found in this section. */
    reader->entered = atomic_load_explicit(&reader->all->epoch, memory_order_acquire);
}

/* Has every reader that counts completed a section entered at this epoch? */
static bool all_passed(struct reclaim *reclaim, uint64_t epoch)
{
    unsigned max = reclaim->max;

    for (unsigned i = 0; i < max; i++) {
        /* Acquire: what the reader did in its sections comes before what is freed after. */
        uint64_t word = atomic_load_explicit(&reclaim->readers[i].word, memory_order_acquire);

        if (word != 0 && (word & STATE_MASK) != OFFLINE && word >> STATE_BITS < epoch)
            return false;
    }
    return true;
}

static void free_ripe(struct reclaim_reader *reader, uint64_t epoch)
{
    /* In proportion, so that who retires faster does not leave more and more behind. */
    size_t most = FREE_AT_ONCE + reader->waiting / FREE_PART;

    for (size_t i = 0; i < most; i++) {
        struct reclaim_node *node = reader->first;

        if (node == NULL || node->epoch + RIPE_AFTER > epoch)
            return;
        reader->first = node->next;
        if (reader->first == NULL)
            reader->last = &reader->first;
        reader->waiting--;
        node->free_fn(node);
    }
}

static void advance(struct reclaim_reader *reader)
{
    struct reclaim *reclaim = reader->all;
    uint64_t epoch = atomic_load(&reclaim->epoch);

    full_fence(reader);
    if (all_passed(reclaim, epoch)) {
        /* Release: whoever enters at the new epoch sees all that was unlinked before. */
        if (atomic_compare_exchange_strong(&reclaim->epoch, &epoch, epoch + 1))
            epoch++;
    }
    free_ripe(reader, epoch);
}

void reclaim_leave(struct reclaim_reader *reader, bool drained)
{
    CHECK(reader->inside);
    reader->inside = false;
    if (drained) {
        /* Release: all that was read and mailed in the section is behind us. */
        atomic_store_explicit(&reader->word, word_make(reader->entered, ONLINE),
                              memory_order_release);
    }
    if (reader->waiting > 0)
        advance(reader);
}

void reclaim_leaving(struct reclaim_reader *reader)
{
    uint64_t word = atomic_load_explicit(&reader->word, memory_order_relaxed);

    CHECK(!reader->inside && !reader->leaving);
    CHECK((word & STATE_MASK) == ONLINE);
    reader->leaving = true;
    /* Sequentially consistent: either we find the mail, or who brought it finds us leaving. */
    atomic_exchange(&reader->word, word_make(word >> STATE_BITS, LEAVING));
    full_fence(reader);
}

bool reclaim_offline(struct reclaim_reader *reader)
{
    uint64_t word = atomic_load_explicit(&reader->word, memory_order_relaxed);

    CHECK(!reader->inside);
    if (!reader->leaving) {
        atomic_store(&reader->word, word_make(0, OFFLINE));
        return true;
    }
    reader->leaving = false;
    /* Fails when somebody has roused us. */
    return (word & STATE_MASK) == LEAVING &&
           atomic_compare_exchange_strong(&reader->word, &word, word_make(0, OFFLINE));
}

void reclaim_rouse(struct reclaim_reader *reader)
{
    full_fence(reader);
    for (;;) {
        uint64_t word = atomic_load(&reader->word);

        if ((word & STATE_MASK) == ONLINE)
            return;
        /* Online, having passed nothing: no period ends before the reader's next section. */
        if (atomic_compare_exchange_strong(&reader->word, &word, word_make(0, ONLINE)))
            return;
    }
}

void reclaim_retire(struct reclaim_reader *reader, struct reclaim_node *node,
                    void (*free_fn)(struct reclaim_node *node))
{
    node->next = NULL;
    node->free_fn = free_fn;
    /* The unlinking is seen by all before the epoch is read. */
    full_fence(reader);
    node->epoch = atomic_load(&reader->all->epoch);
    *reader->last = node;
    reader->last = &node->next;
    reader->waiting++;
}

size_t reclaim_waiting(const struct reclaim_reader *reader)
{
    return reader->waiting;
}

uint64_t reclaim_entered(const struct reclaim_reader *reader)
{
    return reader->entered;
}
