#include "dataplane/account/generation.h"

#include "api/base/mem.h"
#include "dataplane/account/hash.h"

static struct generations *make(uint32_t literals, uint32_t firsts, uint32_t from)
{
    struct generations *set = mem_alloc(sizeof(*set) + (literals + firsts) * sizeof(set->at[0]));

    set->literal_mask = literals - 1;
    set->first_mask = firsts - 1;
    atomic_store_explicit(&set->wild, from, memory_order_relaxed);
    for (uint32_t i = 0; i < literals + firsts; i++)
        atomic_store_explicit(&set->at[i], from, memory_order_relaxed);
    return set;
}

struct generations *generations_new(void)
{
    return make(GENERATION_SMALL, GENERATION_SMALL, 0);
}

struct generations *generations_grown(struct generations *from, struct grave **grave)
{
    uint32_t highest = atomic_load_explicit(&from->wild, memory_order_relaxed);

    for (uint32_t i = 0; i < from->literal_mask + from->first_mask + 2; i++) {
        uint32_t value = atomic_load_explicit(&from->at[i], memory_order_relaxed);

        highest = value > highest ? value : highest;
    }
    grave_add(grave, from);
    return make(GENERATION_LITERALS, GENERATION_FIRSTS, highest + 1);
}

static struct slice first_token(struct slice subject)
{
    const char *dot = memchr(subject.data, '.', subject.len);

    return dot != NULL ? slice_make(subject.data, (size_t)(dot - subject.data)) : subject;
}

void generations_raise(struct generations *set, uint64_t seed, struct slice subject, bool literal)
{
    struct slice first = first_token(subject);
    _Atomic uint32_t *counter;

    if (literal)
        counter = &set->at[hash_bytes(seed, subject) & set->literal_mask];
    else if (first.len == 1 && (first.data[0] == '*' || first.data[0] == '>'))
        counter = &set->wild;
    else
        counter = &set->at[set->literal_mask + 1 + (hash_token(seed, first) & set->first_mask)];
    /* Release: whoever sees the new value sees the change of the trie that it counts. */
    atomic_fetch_add_explicit(counter, 1, memory_order_release);
}
