/*
 * match: the takers of one subject: cut by worker, queue groups apart.
 *
 * Built from the trie by match_build.  Most subjects have no taker or one plain one; that needs
 * no match, only its slot.  Otherwise a struct match in the builder's memory, which match_copy
 * makes to last: immutable, in caches and named by delivery records, retired when it is dropped.
 *
 * Queue groups of the same name on different subjects (foo.* and foo.>) are one group.
 *
 * Ownership  builder: the caller's.  A copy: the caller's, until match_retire.
 * Thread     build: a reader inside a reclaim section; a match may be read by any.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/sublist.h"
#include "dataplane/account/takers.h"

/* Plain takers of one worker. */
struct match_range {
    uint16_t worker;
    bool special; /* at least one wants a look before delivery */
    uint32_t first, count;
};

struct match_group {
    uint32_t first, count;
};

struct match {
    struct reclaim_node retire;
    uint32_t size; /* of it all */
    uint32_t plain, members, ranges, groups;
    uint32_t text_len;
    uint64_t slots[]; /* plain by worker, members by group; ranges; groups; subject if kept */
};

static inline const struct match_range *match_ranges(const struct match *match)
{
    return (const struct match_range *)&match->slots[match->plain + match->members];
}

static inline const struct match_group *match_groups(const struct match *match)
{
    return (const struct match_group *)(match_ranges(match) + match->ranges);
}

static inline struct slice match_text(const struct match *match)
{
    return slice_make((const char *)(match_groups(match) + match->groups), match->text_len);
}

/* One of the two, or neither: nobody. */
struct match_result {
    uint64_t one;              /* the slot of an only, plain taker */
    const struct match *match; /* more, or queues */
    bool lasting;              /* a cache holds the match, so that records may name it */
};

struct match_builder;

struct match_builder *match_builder_new(void);
void match_builder_free(struct match_builder *builder);

/* result->match is valid until the builder's next use.  Returns the work it was, in deliveries. */
uint32_t match_build(struct match_builder *builder, const struct sublist *list,
                     struct slice subject, struct match_result *result);

/* With the subject in it, which may be empty; a result without match becomes one too. */
struct match *match_copy(const struct match_result *result, struct slice subject);
void match_retire(struct match *match, struct reclaim_reader *reader);
/* When nobody can see it any more. */
void match_free(struct match *match);
