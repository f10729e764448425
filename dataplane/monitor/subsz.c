#include "dataplane/monitor/subsz.h"

#include <string.h>

#include "api/base/mem.h"
#include "api/nats/subject.h"
#include "api/nats/sys_monitor.h"

enum {
    LIMIT_DEFAULT = 1024,
    LIMIT_MAX = 10000,
    BATCH = 128, /* accounts whose matches are looked for in one turn */
};

struct state {
    struct sys_subsz document;
    size_t skip, room;            /* still to be left out, still to be listed */
    struct sys_sub_detail *items; /* grown as they come */
    size_t count, cap;
    bool list;
    struct account **accounts; /* references: whose subscriptions are tested */
    size_t account_count, next;
};

static void free_items(void *arg)
{
    struct state *state = arg;

    for (size_t i = 0; i < state->account_count; i++)
        account_unref(state->accounts[i]);
    mem_free(state->accounts);
    mem_free(state->items);
}

static bool begin(struct report_call *call)
{
    struct sys_subsz_options *options = call->options;
    struct state *state = arena_alloc(&call->arena, sizeof(*state));

    call->state = state;
    arena_on_free(&call->arena, free_items, state);
    if (call->scope != NULL) {
        options->account = call->scope;
        options->subscriptions = true;
    }
    if (options->limit <= 0)
        options->limit = LIMIT_DEFAULT;
    if (options->limit > LIMIT_MAX)
        options->limit = LIMIT_MAX;
    if (options->offset < 0)
        options->offset = 0;
    if (slice_given(options->test) && !subject_valid_literal(slice_of(options->test))) {
        report_fail(call, 500, "invalid test subject, must be valid publish subject: %s",
                    options->test);
        return false;
    }
    state->list = options->subscriptions;
    state->skip = (size_t)options->offset;
    state->room = (size_t)options->limit;
    return true;
}

static void add(struct report_call *call, const struct session_sub_detail *detail)
{
    struct state *state = call->state;
    struct arena *arena = &call->arena;

    if (state->count == state->cap) {
        state->cap = state->cap > 0 ? state->cap * 2 : 64;
        state->items = mem_realloc(state->items, state->cap * sizeof(state->items[0]));
    }
    state->items[state->count++] = (struct sys_sub_detail){
        .account = arena_strdup(arena, detail->account->name),
        .account_tag = arena_strdup(arena, account_label(detail->account)),
        .subject = arena_copy(arena, detail->subject),
        .qgroup = detail->queue.len > 0 ? arena_copy(arena, detail->queue) : NULL,
        .sid = arena_copy(arena, detail->sid),
        .msgs = (int64_t)detail->msgs,
        .max = (int64_t)detail->max,
        .cid = (int64_t)detail->cid,
    };
}

static bool on_sub(const struct session_sub_detail *detail, void *arg)
{
    struct report_call *call = arg;
    struct state *state = call->state;

    if (state->skip > 0) {
        state->skip--;
        return true;
    }
    if (state->room == 0)
        return false;
    state->room--;
    add(call, detail);
    return true;
}

static bool on_session(struct session *session, void *arg)
{
    struct report_call *call = arg;
    const struct sys_subsz_options *options = call->options;
    struct state *state = call->state;

    if (!slice_given(options->account) || strcmp(options->account, session->account->name) == 0)
        session_walk_subs(session, on_sub, call);
    return state->room > 0;
}

struct search {
    struct report_call *call;
    const struct worker *worker;
};

/* One that matches: it is shown where it lives. */
static bool on_match(struct sub *sub, void *arg)
{
    const struct search *search = arg;
    struct state *state = search->call->state;
    struct session_sub_detail detail;

    if (sub->owner->worker != search->worker->index || !session_sub_detail(sub, &detail))
        return true;
    state->document.total++;
    (void)on_sub(&detail, search->call);
    return true;
}

/* Few accounts each turn; on each worker from the beginning. */
static bool visit_matches(struct report_call *call, const struct worker *worker)
{
    const struct sys_subsz_options *options = call->options;
    struct search search = {.call = call, .worker = worker};
    struct state *state = call->state;

    if (state->accounts == NULL)
        state->accounts = account_table_all(call->monitor->parts.accounts, &state->account_count);
    for (unsigned n = 0; n < BATCH && state->next < state->account_count; n++) {
        struct account *account = state->accounts[state->next++];

        if (!slice_given(options->account) || strcmp(options->account, account->name) == 0)
            sublist_walk(account->sublist, slice_of(options->test), on_match, &search);
    }
    if (state->next < state->account_count)
        return true;
    state->next = 0;
    return false;
}

static bool visit(struct report_call *call, struct worker *worker)
{
    const struct sys_subsz_options *options = call->options;
    struct state *state = call->state;

    if (!state->list)
        return false;
    if (slice_given(options->test))
        return visit_matches(call, worker);
    session_table_walk(worker, on_session, call);
    return false;
}

static void add_figures(const struct account *account, struct sys_sublist_stats *out)
{
    struct sublist_figures figures;

    sublist_figures(account->sublist, &figures);
    out->num_subscriptions += (int64_t)figures.subs;
    out->num_inserts += (int64_t)figures.inserts;
    out->num_removes += (int64_t)figures.removes;
}

static void add_cache_figures(const struct monitor *monitor, struct sys_sublist_stats *out)
{
    uint64_t hits = 0;

    for (unsigned i = 0; i < workers_count(monitor->parts.workers); i++) {
        struct deliver_figures figures;

        deliver_figures(workers_at(monitor->parts.workers, i), &figures);
        out->num_matches += (int64_t)figures.matches;
        out->num_cache += (int64_t)figures.cache_count;
        hits += figures.cache_hits;
    }
    if (out->num_matches > 0)
        out->cache_hit_rate = (double)hits / (double)out->num_matches;
}

static void finish(struct report_call *call)
{
    const struct sys_subsz_options *options = call->options;
    struct state *state = call->state;
    struct sys_subsz *out = &state->document;
    struct account **accounts;
    size_t count;

    accounts = account_table_all(call->monitor->parts.accounts, &count);
    for (size_t i = 0; i < count; i++) {
        if (!slice_given(options->account) || strcmp(options->account, accounts[i]->name) == 0)
            add_figures(accounts[i], &out->stats);
        account_unref(accounts[i]);
    }
    mem_free(accounts);
    if (!slice_given(options->account)) /* caches are the workers', not the accounts' */
        add_cache_figures(call->monitor, &out->stats);
    out->server_id = call->monitor->facts.server_id;
    out->now = monitor_now(call->monitor);
    out->offset = options->offset;
    out->limit = options->limit;
    if (state->list && !slice_given(options->test))
        out->total = out->stats.num_subscriptions;
    out->subscriptions_list = (struct sys_sub_details){state->items, state->count};
    call->document = out;
}

const struct report subsz_report = {
    .name = "SUBSZ",
    .options = &sys_subsz_options_shape,
    .filter = offsetof(struct sys_subsz_options, filter),
    .document_shape = &sys_subsz_shape,
    .rounds = 1,
    .begin = begin,
    .visit = visit,
    .finish = finish,
};
