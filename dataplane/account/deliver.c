/*
 * What becomes of a published message:
 *
 *   1. match    the memo's entry, the cache, or the trie
 *   2. choose   one member of each queue group, uniformly, that may have it
 *   3. post     a record for each other worker that has takers (deliver_record.h)
 *   4. deliver  to the plain takers of this worker, then to the members chosen here
 *
 * Posting comes before delivering because a taker's deliver may publish in its turn (a service
 * answers), and the answer must not overtake the question.
 *
 * What can go wrong: a member chosen here does not take it (4): another is tried, at once if it
 * is ours, else by a record of its own.  A member of another worker does not take it: that
 * worker looks for another, in its own view of the trie, its own members first, and may send the
 * message on, once to each worker.
 */
#include "dataplane/account/deliver.h"

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/deliver_record.h"
#include "dataplane/account/match_cache.h"
#include "dataplane/core/conn.h"

enum {
    CACHE_ENTRIES_SUM = 1 << 20, /* of all workers, by default */
    CACHE_ENTRIES_LEAST = 16 << 10,
    CACHE_ENTRIES_MOST = 256 << 10,
    GUESSES = 3,                    /* random picks before a queue group is gone through in order */
    FRAMES = DELIVER_DEPTH_MAX + 3, /* and a record, a second search, deliver_send */
};

/* What one level of publishing needs while it runs. */
struct frame {
    struct match_builder *builder;
    struct deliver_line line;
    uint64_t *picks; /* members chosen, [picks_cap] */
    uint32_t picks_cap;
    char *data; /* deliver_send's, [data_cap] */
    size_t data_cap;
};

/* WORKER_PART_DELIVER */
struct part {
    struct match_cache *cache;
    struct deliver_options options;
    struct frame *frames[FRAMES];
    unsigned depth;
    uint64_t random;
    _Atomic uint64_t matches, misses, records, rerouted;
    _Atomic uint64_t cache_count, cache_capacity;
};

static struct part *part_of(const struct worker *worker)
{
    return worker->part[WORKER_PART_DELIVER];
}

static struct frame *enter(struct part *part)
{
    struct frame *frame;

    CHECK(part->depth < FRAMES);
    frame = part->frames[part->depth];
    if (frame == NULL) {
        frame = part->frames[part->depth] = mem_alloc(sizeof(*frame));
        frame->builder = match_builder_new();
    }
    part->depth++;
    deliver_line_clear(&frame->line);
    return frame;
}

static void leave(struct part *part)
{
    part->depth--;
}

/* Uniform in [0, count): multiplication instead of division. */
static uint32_t pick_below(struct part *part, uint32_t count)
{
    uint64_t x = part->random;

    /* xorshift64*: nobody gains by guessing it. */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    part->random = x;
    return (uint32_t)(((x * UINT64_C(0x2545f4914f6cdd1d) >> 32) * count) >> 32);
}

/* Echo and deny at delivery. */
static bool may_have(uint64_t slot, const struct delivery *message)
{
    const struct sub *sub;
    unsigned flags;

    if ((slot & SLOT_SPECIAL) == 0)
        return true;
    sub = slot_sub(slot);
    flags = atomic_load_explicit(&sub->flags, memory_order_relaxed);
    if ((flags & SUB_NO_ECHO) != 0 && message->origin != 0 && message->origin == sub->owner->origin)
        return false;
    /* Acquire: the permission was made before it was put there. */
    return (flags & SUB_FILTERED) == 0 ||
           permission_deliver(atomic_load_explicit(&sub->owner->filter, memory_order_acquire),
                              message->subject, sub_queue(sub));
}

/* To a taker of this worker; counted says whether it is in the account's figures. */
static bool hand_over(uint64_t slot, const struct delivery *message, unsigned *counted)
{
    struct sub *sub = slot_sub(slot);
    const struct sub_kind *kind;

    if (!may_have(slot, message))
        return false;
    kind = sub->owner->kind;
    if (!kind->deliver(sub, message))
        return false;
    *counted += kind->counted;
    return true;
}

static void count_out(struct worker *worker, const struct delivery *message, unsigned counted)
{
    struct account_counters *row;

    if (counted == 0)
        return;
    row = &message->account->counters[worker->index];
    counter_add(&row->out_msgs, counted);
    counter_add(&row->out_bytes, counted * message->len);
}

/* The payload where several may hold it. */
static void share(struct delivery *message)
{
    if (message->shared != NULL)
        return;
    message->shared = shared_new(message->len + 2);
    memcpy(message->shared->data, message->data, message->len + 2);
    message->data = message->shared->data;
}

static void on_record(struct worker *worker, void *body, size_t len);

/* The message to some takers of another worker. */
static void post(struct worker *worker, unsigned to, struct delivery *message,
                 const struct record_takers *takers)
{
    struct part *part = part_of(worker);

    if (message->len > CONN_COPY_MAX)
        share(message);
    record_post(worker, to, message, takers, on_record);
    counter_add(&part->records, 1);
}

/* --- queue groups ------------------------------------------------------------------------- */

/* Who was chosen from a group of a match. */
struct choice {
    const struct match *match;
    const struct match_group *group;
    uint64_t pick;
};

/* A member that may have it, at random; 0: there is none. */
static uint64_t choose_member(struct part *part, const struct match *match,
                              const struct match_group *group, const struct delivery *message)
{
    const uint64_t *members = &match->slots[group->first];
    uint32_t at = 0;

    for (unsigned i = 0; i < GUESSES; i++) {
        at = pick_below(part, group->count);
        if (may_have(members[at], message))
            return members[at];
    }
    for (uint32_t i = 0; i < group->count; i++, at = at + 1 < group->count ? at + 1 : 0)
        if (may_have(members[at], message))
            return members[at];
    return 0;
}

/* A member of ours that takes it, other than the pick. */
static bool hand_to_ours(struct worker *worker, const struct choice *choice,
                         const struct delivery *message, unsigned *counted)
{
    const struct match_group *group = choice->group;
    const uint64_t *members = &choice->match->slots[group->first];
    uint32_t at = pick_below(part_of(worker), group->count);

    for (uint32_t i = 0; i < group->count; i++, at = at + 1 < group->count ? at + 1 : 0)
        if (slot_worker(members[at]) == worker->index &&
            slot_sub(members[at]) != slot_sub(choice->pick) &&
            hand_over(members[at], message, counted))
            return true;
    return false;
}

/*
 * Another member than the pick: one of ours takes it, or it is sent to another worker's.
 * tried: workers (a bit each) where nobody took it; so it is sent on at most once to each.
 */
static bool hand_to_another(struct worker *worker, const struct choice *choice,
                            struct delivery *message, uint64_t tried, unsigned *counted)
{
    struct part *part = part_of(worker);
    const struct match_group *group = choice->group;
    const uint64_t *members = &choice->match->slots[group->first];
    uint32_t at = pick_below(part, group->count);

    if (hand_to_ours(worker, choice, message, counted)) {
        counter_add(&part->rerouted, 1);
        return true;
    }
    tried |= UINT64_C(1) << worker->index;
    for (uint32_t i = 0; i < group->count; i++, at = at + 1 < group->count ? at + 1 : 0) {
        uint64_t slot = members[at];

        if ((tried & UINT64_C(1) << slot_worker(slot)) != 0 || !may_have(slot, message))
            continue;
        post(worker, slot_worker(slot), message,
             &(struct record_takers){
                 .picks = &slot, .pick_count = 1, .tried = tried, .keep_account = true});
        counter_add(&part->rerouted, 1);
        return true;
    }
    return false;
}

/* The group of that name; NULL when it is not there any more. */
static const struct match_group *find_group(const struct match *match, struct slice name)
{
    const struct match_group *groups = match_groups(match);

    for (uint32_t g = 0; g < match->groups; g++)
        if (slice_equal(sub_queue(slot_sub(match->slots[groups[g].first])), name))
            return &groups[g];
    return NULL;
}

/* --- matching ----------------------------------------------------------------------------- */

/* In the cache or in the trie; *entry is where it is found next time. */
static void look_up(struct worker *worker, const struct account *account, struct slice subject,
                    uint32_t *entry, struct match_result *result)
{
    struct part *part = part_of(worker);
    struct cache_place place;

    if (!match_cache_find(part->cache, account->sublist, subject, &place, result)) {
        struct frame *frame = enter(part);

        /* The frame stays the caller's level's: nothing else enters before it does. */
        worker_charge(worker, match_cache_build(part->cache, account->sublist, subject, &place,
                                                frame->builder, result));
        leave(part);
        counter_add(&part->misses, 1);
        atomic_store_explicit(&part->cache_count, part->cache->count, memory_order_relaxed);
        atomic_store_explicit(&part->cache_capacity, part->cache->capacity, memory_order_relaxed);
    }
    *entry = place.entry;
}

/* --- delivering --------------------------------------------------------------------------- */

static unsigned deliver_one(struct worker *worker, struct frame *frame, uint64_t slot,
                            struct delivery *message)
{
    unsigned counted = 0;

    if (slot_worker(slot) != worker->index) {
        if (!may_have(slot, message))
            return 0;
        post(worker, slot_worker(slot), message,
             &(struct record_takers){.plain = &slot, .plain_count = 1});
        return 1;
    }
    message->line = &frame->line;
    message->takers = 1;
    if (!hand_over(slot, message, &counted))
        return 0;
    count_out(worker, message, counted);
    return 1;
}

/* Members for all groups; 0 where nobody may have it. */
static void choose_all(struct part *part, struct frame *frame, const struct match *match,
                       const struct delivery *message)
{
    const struct match_group *groups = match_groups(match);

    if (match->groups > frame->picks_cap) {
        frame->picks_cap = match->groups + match->groups / 2;
        frame->picks = mem_realloc(frame->picks, frame->picks_cap * sizeof(frame->picks[0]));
    }
    for (uint32_t g = 0; g < match->groups; g++)
        frame->picks[g] = choose_member(part, match, &groups[g], message);
}

static unsigned allowed_in(const struct match *match, const struct match_range *range,
                           const struct delivery *message)
{
    unsigned count = 0;

    if (!range->special)
        return range->count;
    for (uint32_t i = 0; i < range->count; i++)
        count += may_have(match->slots[range->first + i], message);
    return count;
}

/*
 * One record for each other worker with takers.  lasting: the match outlives this call, so that
 * a record may name it.  Returns how many takers they are.
 */
static unsigned post_others(struct worker *worker, struct frame *frame, const struct match *match,
                            bool lasting, struct delivery *message)
{
    const struct match_range *ranges = match_ranges(match);
    uint64_t picked = 0; /* workers of the picks, a bit each */
    unsigned sent = 0;

    for (uint32_t g = 0; g < match->groups; g++)
        if (frame->picks[g] != 0)
            picked |= UINT64_C(1) << slot_worker(frame->picks[g]);
    picked &= ~(UINT64_C(1) << worker->index);
    for (uint32_t r = 0; r < match->ranges; r++) {
        unsigned to = ranges[r].worker, allowed;
        struct record_takers takers = {.plain = &match->slots[ranges[r].first],
                                       .plain_count = ranges[r].count,
                                       .match = lasting ? match : NULL,
                                       .picks = frame->picks,
                                       .pick_count = match->groups};

        if (to == worker->index)
            continue;
        allowed = allowed_in(match, &ranges[r], message);
        if ((picked & UINT64_C(1) << to) == 0) {
            takers.pick_count = 0;
            if (allowed == 0)
                continue;
        }
        post(worker, to, message, &takers);
        picked &= ~(UINT64_C(1) << to);
        sent += allowed;
    }
    for (; picked != 0; picked &= picked - 1)
        post(worker, (unsigned)__builtin_ctzll(picked), message,
             &(struct record_takers){.picks = frame->picks, .pick_count = match->groups});
    return sent;
}

static unsigned deliver_plain(struct worker *worker, const uint64_t *slots, uint32_t count,
                              const struct delivery *message, unsigned *counted)
{
    unsigned taken = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (i + 2 < count)
            __builtin_prefetch(slot_sub(slots[i + 2]));
        taken += hand_over(slots[i], message, counted);
    }
    return taken;
}

static const struct match_range *own_range(const struct worker *worker, const struct match *match)
{
    const struct match_range *ranges = match_ranges(match);

    for (uint32_t r = 0; r < match->ranges; r++)
        if (ranges[r].worker == worker->index)
            return &ranges[r];
    return NULL;
}

static unsigned deliver_match(struct worker *worker, struct frame *frame, const struct match *match,
                              bool lasting, struct delivery *message)
{
    struct part *part = part_of(worker);
    const struct match_range *own = own_range(worker, match);
    const struct match_group *groups = match_groups(match);
    unsigned taken, counted = 0;

    worker_charge(worker, match->plain + match->groups);
    choose_all(part, frame, match, message);
    message->line = &frame->line;
    message->takers = (own != NULL ? own->count : 0) + match->groups;
    if (message->takers > 1 && message->len >= CONN_REFERENCE_MIN)
        share(message);
    taken = post_others(worker, frame, match, lasting, message);
    if (own != NULL)
        taken += deliver_plain(worker, &match->slots[own->first], own->count, message, &counted);
    for (uint32_t g = 0; g < match->groups; g++) {
        struct choice choice = {match, &groups[g], frame->picks[g]};

        if (choice.pick == 0)
            continue;
        taken += slot_worker(choice.pick) != worker->index ||
                 hand_over(choice.pick, message, &counted) ||
                 hand_to_another(worker, &choice, message, 0, &counted);
    }
    count_out(worker, message, counted);
    return taken;
}

/* --- on the other worker ------------------------------------------------------------------ */

/* A member of ours did not take it: another, as the trie is now. */
static bool reroute(struct worker *worker, uint64_t refused, struct delivery *message,
                    uint64_t tried, unsigned *counted)
{
    struct part *part = part_of(worker);
    struct match_result result;
    struct choice choice = {.pick = refused};
    uint32_t entry;
    bool taken;

    counter_add(&part->matches, 1);
    look_up(worker, message->account, message->subject, &entry, &result);
    choice.match = result.match;
    if (result.match != NULL)
        choice.group = find_group(result.match, sub_queue(slot_sub(refused)));
    if (choice.group == NULL)
        return false;
    (void)enter(part); /* the frame whose builder holds the match */
    taken = hand_to_another(worker, &choice, message, tried, counted);
    leave(part);
    return taken;
}

static void on_record(struct worker *worker, void *body, size_t len)
{
    struct part *part = part_of(worker);
    struct delivery message;
    struct record_takers takers;
    struct frame *frame = enter(part);
    unsigned counted = 0;

    record_read(body, len, &message, &takers);
    if (takers.match != NULL) {
        const struct match_range *own = own_range(worker, takers.match);

        takers.plain = &takers.match->slots[own->first];
        takers.plain_count = own->count;
    }
    message.line = &frame->line;
    message.takers = takers.plain_count + takers.pick_count;
    worker_charge(worker, message.takers);
    deliver_plain(worker, takers.plain, takers.plain_count, &message, &counted);
    for (uint32_t i = 0; i < takers.pick_count; i++)
        if (!hand_over(takers.picks[i], &message, &counted))
            (void)reroute(worker, takers.picks[i], &message, takers.tried, &counted);
    count_out(worker, &message, counted);
    leave(part);
    record_done(body, &message);
}

/* --- publishing --------------------------------------------------------------------------- */

static bool is_system(struct slice subject)
{
    return subject.len > 5 && memcmp(subject.data, "$SYS.", 5) == 0;
}

/* There are takers. */
static unsigned deliver_found(struct worker *worker, struct delivery *message,
                              const struct match_result *result)
{
    struct part *part = part_of(worker);
    struct shared *given = message->shared;
    const char *data = message->data;
    struct frame *frame = enter(part);
    unsigned taken;

    if (result->match == NULL)
        taken = deliver_one(worker, frame, result->one, message);
    else
        taken = deliver_match(worker, frame, result->match, result->lasting, message);
    leave(part);
    message->line = NULL;
    if (message->shared != given) {
        shared_unref(message->shared);
        message->shared = given;
        message->data = data;
    }
    return taken;
}

unsigned deliver_publish(struct worker *worker, struct account *account, struct delivery *message,
                         struct publish_memo *memo)
{
    struct part *part = part_of(worker);
    struct publish_memo none = {0};
    struct match_result result;

    message->account = account;
    if (part->depth >= DELIVER_DEPTH_MAX)
        return 0; /* services that answer one another without end */
    if (part->options.intercept != NULL && is_system(message->subject) &&
        part->options.intercept(worker, account, message, part->options.intercept_arg))
        return 1;
    if (memo == NULL)
        memo = &none;
    counter_add(&part->matches, 1);
    if (!match_cache_again(part->cache, account->sublist, message->subject, memo->entry, &result))
        look_up(worker, account, message->subject, &memo->entry, &result);
    if (result.one == 0 && result.match == NULL)
        return 0;
    return deliver_found(worker, message, &result);
}

unsigned deliver_send(struct worker *worker, struct account *account, struct slice subject,
                      struct slice reply, struct slice headers, struct slice payload)
{
    struct part *part = part_of(worker);
    size_t len = headers.len + payload.len;
    struct frame *frame;
    struct delivery message = {.subject = subject, .reply = reply};
    unsigned taken;

    if (part->depth >= DELIVER_DEPTH_MAX)
        return 0;
    frame = enter(part); /* its data must last while deeper ones run */
    if (frame->data_cap < len + 2) {
        frame->data_cap = 2 * (len + 2);
        frame->data = mem_realloc(frame->data, frame->data_cap);
    }
    if (headers.len > 0)
        memcpy(frame->data, headers.data, headers.len);
    if (payload.len > 0)
        memcpy(frame->data + headers.len, payload.data, payload.len);
    memcpy(frame->data + len, "\r\n", 2);
    message.data = frame->data;
    message.header_len = headers.len;
    message.len = len;
    taken = deliver_publish(worker, account, &message, NULL);
    leave(part);
    return taken;
}

/* --- the part ----------------------------------------------------------------------------- */

static size_t default_entries(const struct worker *worker)
{
    size_t share = CACHE_ENTRIES_SUM / workers_count(worker->all);

    if (share < CACHE_ENTRIES_LEAST)
        return CACHE_ENTRIES_LEAST;
    return share < CACHE_ENTRIES_MOST ? share : CACHE_ENTRIES_MOST;
}

void deliver_start(struct worker *worker, const struct deliver_options *options)
{
    struct part *part = mem_alloc(sizeof(*part));
    size_t entries = options->cache_entries;

    part->options = *options;
    part->random = random_u64(&worker->random.random) | 1;
    part->cache = match_cache_new(entries > 0 ? entries : default_entries(worker), worker->reader);
    worker->part[WORKER_PART_DELIVER] = part;
}

void deliver_stop(struct worker *worker)
{
    struct part *part = part_of(worker);

    for (unsigned i = 0; i < FRAMES && part->frames[i] != NULL; i++) {
        struct frame *frame = part->frames[i];

        match_builder_free(frame->builder);
        deliver_line_fini(&frame->line);
        mem_free(frame->picks);
        mem_free(frame->data);
        mem_free(frame);
    }
    match_cache_free(part->cache);
    mem_free(part);
    worker->part[WORKER_PART_DELIVER] = NULL;
}

void deliver_figures(const struct worker *worker, struct deliver_figures *out)
{
    const struct part *part = part_of(worker);
    uint64_t misses;

    *out = (struct deliver_figures){0};
    if (part == NULL)
        return;
    /* Misses first: they never exceed the matches read after them. */
    misses = atomic_load_explicit(&part->misses, memory_order_relaxed);
    out->matches = atomic_load_explicit(&part->matches, memory_order_relaxed);
    out->cache_hits = out->matches - misses;
    out->cache_count = atomic_load_explicit(&part->cache_count, memory_order_relaxed);
    out->cache_capacity = atomic_load_explicit(&part->cache_capacity, memory_order_relaxed);
    out->records = atomic_load_explicit(&part->records, memory_order_relaxed);
    out->rerouted = atomic_load_explicit(&part->rerouted, memory_order_relaxed);
}
