#include "dataplane/monitor/connz.h"

#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/subject.h"
#include "api/nats/sys_monitor.h"

enum {
    LIMIT_DEFAULT = 1024,
    LIMIT_MAX = 10000,
    BATCH = 256,       /* connections described in one turn */
    SUBS_MAX = 100000, /* subscriptions listed in one answer */
    SUBS_TENANT_MAX = 4096,
    CLOSED = UINT16_MAX, /* instead of a worker: one of the closed */
};

/*
 * What can be sorted by, and what it is worth: larger first, but for those that rise.  Text
 * (reason) is sorted as such among the closed.
 */
enum sort {
    SORT_CID,
    SORT_START,
    SORT_SUBS,
    SORT_PENDING,
    SORT_MSGS_TO,
    SORT_MSGS_FROM,
    SORT_BYTES_TO,
    SORT_BYTES_FROM,
    SORT_LAST,
    SORT_IDLE,
    SORT_UPTIME,
    SORT_STOP,
    SORT_REASON,
    SORT_RTT,
    SORTS
};

static const char *const sort_names[SORTS] = {
    "cid",        "start", "subs", "pending", "msgs_to", "msgs_from", "bytes_to",
    "bytes_from", "last",  "idle", "uptime",  "stop",    "reason",    "rtt",
};

/* One connection: first what decides, then (conn) how it is shown. */
struct row {
    uint64_t cid;
    int64_t value;
    unsigned worker;
    struct sys_conn *conn; /* NULL: not described yet */
};

struct rows {
    struct row *items;
    size_t count, cap;
};

struct state {
    enum sort sort;
    int64_t now;
    size_t first, count; /* the page */
    int64_t total;
    struct rows rows;
    size_t chosen; /* rows that are described in the second round */
    size_t next;   /* where its worker goes on */
    size_t subs_left;
};

/* --- options ------------------------------------------------------------------------------- */

static bool find_sort(struct report_call *call, const struct sys_connz_options *options,
                      enum sort *out)
{
    *out = SORT_CID;
    if (!slice_given(options->sort))
        return true;
    for (int i = 0; i < SORTS; i++) {
        if (strcmp(options->sort, sort_names[i]) == 0) {
            *out = (enum sort)i;
            if ((i == SORT_STOP || i == SORT_REASON) && options->state != SYS_CONN_CLOSED) {
                report_fail(call, 500, "sort by %s only valid on closed connections",
                            sort_names[i]);
                return false;
            }
            return true;
        }
    }
    report_fail(call, 500, "invalid sorting option: %s", options->sort);
    return false;
}

static void free_rows(void *arg)
{
    struct state *state = arg;

    mem_free(state->rows.items);
}

static bool begin(struct report_call *call)
{
    struct sys_connz_options *options = call->options;
    struct state *state = arena_alloc(&call->arena, sizeof(*state));

    call->state = state;
    arena_on_free(&call->arena, free_rows, state);
    if (call->scope != NULL)
        options->acc = call->scope;
    if (options->limit <= 0)
        options->limit = LIMIT_DEFAULT;
    if (options->limit > (call->asker == REPORT_OF_TENANT ? LIMIT_DEFAULT : LIMIT_MAX))
        options->limit = call->asker == REPORT_OF_TENANT ? LIMIT_DEFAULT : LIMIT_MAX;
    if (options->cid > 0)
        options->limit = 1;
    if (options->offset < 0)
        options->offset = 0;
    if (!find_sort(call, options, &state->sort))
        return false;
    if (slice_given(options->filter_subject) && !slice_given(options->acc)) {
        report_fail(call, 500, "filter by subject only valid with account filtering");
        return false;
    }
    state->now = monitor_now(call->monitor);
    state->first = (size_t)options->offset;
    state->count = (size_t)options->limit;
    state->subs_left = call->asker == REPORT_OF_TENANT ? SUBS_TENANT_MAX : SUBS_MAX;
    return true;
}

/* --- choosing ------------------------------------------------------------------------------ */

/* Reasons rise by their text; the number is how many texts stand before it. */
static int64_t reason_rank(enum session_reason reason)
{
    const char *text = session_reason_text(reason);
    int64_t rank = 0;

    for (int i = 0; i < SESSION_REASONS; i++)
        rank += strcmp(session_reason_text((enum session_reason)i), text) < 0;
    return rank;
}

/* `now`: until when one that is open has been there. */
static int64_t value_of(enum sort sort, const struct session_snapshot *s, int64_t now)
{
    switch (sort) {
    case SORT_CID:
        return -(int64_t)s->cid;
    case SORT_START:
        return -s->start_ns;
    case SORT_SUBS:
        return (int64_t)s->subscriptions;
    case SORT_PENDING:
        return (int64_t)s->pending_bytes;
    case SORT_MSGS_TO:
        return (int64_t)s->out_msgs;
    case SORT_MSGS_FROM:
        return (int64_t)s->in_msgs;
    case SORT_BYTES_TO:
        return (int64_t)s->out_bytes;
    case SORT_BYTES_FROM:
        return (int64_t)s->in_bytes;
    case SORT_LAST:
        return s->active_ns;
    case SORT_IDLE:
        return -s->active_ns;
    case SORT_UPTIME:
        return s->start_ns - (s->stop_ns != 0 ? s->stop_ns : now);
    case SORT_STOP:
        return s->stop_ns;
    case SORT_REASON:
        return -reason_rank(s->reason);
    case SORT_RTT:
        return s->rtt_ns;
    case SORTS:
        break;
    }
    return 0;
}

static struct row *add_row(struct rows *rows)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap > 0 ? rows->cap * 2 : 256;
        rows->items = mem_realloc(rows->items, rows->cap * sizeof(rows->items[0]));
    }
    return &rows->items[rows->count++];
}

/* Without looking at subscriptions. */
static bool fits(const struct sys_connz_options *options, const struct session_snapshot *snapshot)
{
    if (options->cid > 0 && (uint64_t)options->cid != snapshot->cid)
        return false;
    if (slice_given(options->mqtt_client))
        return false; /* nobody here is one */
    if (slice_given(options->user) &&
        (snapshot->user == NULL || strcmp(options->user, snapshot->user) != 0))
        return false;
    return true;
}

struct subject_search {
    struct slice wanted;
    bool found;
};

static bool is_wanted(const struct session_sub_detail *detail, void *arg)
{
    struct subject_search *search = arg;

    search->found = subject_overlap(detail->subject, search->wanted);
    return !search->found;
}

static bool subscribes(const struct session *session, const char *subject)
{
    struct subject_search search = {.wanted = slice_of(subject)};

    session_walk_subs(session, is_wanted, &search);
    return search.found;
}

struct visit {
    struct report_call *call;
    struct worker *worker;
};

static bool choose_one(struct session *session, void *arg)
{
    struct visit *visit = arg;
    struct state *state = visit->call->state;
    const struct sys_connz_options *options = visit->call->options;
    struct session_snapshot snapshot;

    if (slice_given(options->acc) && strcmp(options->acc, session->account->name) != 0)
        return true;
    session_snapshot(session, &snapshot);
    state->total++;
    if (!fits(options, &snapshot) ||
        (slice_given(options->filter_subject) && !subscribes(session, options->filter_subject)))
        return true;
    *add_row(&state->rows) = (struct row){.cid = snapshot.cid,
                                          .value = value_of(state->sort, &snapshot, state->now),
                                          .worker = visit->worker->index};
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->cid < y->cid ? -1 : x->cid > y->cid;
}

static void sort_rows(struct rows *rows)
{
    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof(rows->items[0]), compare);
}

/* --- describing ---------------------------------------------------------------------------- */

static const char *text_of(struct arena *arena, struct slice s)
{
    return s.len > 0 ? arena_copy(arena, s) : NULL;
}

struct sub_list {
    struct arena *arena;
    struct sys_conn *conn;
    size_t left;
    bool detail;
};

static bool add_sub(const struct session_sub_detail *detail, void *arg)
{
    struct sub_list *list = arg;
    struct sys_sub_details *details = &list->conn->subscriptions_list_detail;
    struct strings *subjects = &list->conn->subscriptions_list;

    if (list->left == 0)
        return false;
    list->left--;
    if (!list->detail) {
        subjects->items[subjects->count++] = arena_copy(list->arena, detail->subject);
        return true;
    }
    details->items[details->count++] = (struct sys_sub_detail){
        .subject = arena_copy(list->arena, detail->subject),
        .qgroup = text_of(list->arena, detail->queue),
        .sid = arena_copy(list->arena, detail->sid),
        .msgs = (int64_t)detail->msgs,
        .max = (int64_t)detail->max,
        .cid = (int64_t)detail->cid,
    };
    return true;
}

static void describe_subs(struct report_call *call, const struct session *session,
                          struct sys_conn *conn)
{
    const struct sys_connz_options *options = call->options;
    struct state *state = call->state;
    struct sub_list list = {
        .arena = &call->arena, .conn = conn, .detail = options->subscriptions_detail};

    list.left = (size_t)conn->subscriptions;
    if (list.left > state->subs_left)
        list.left = state->subs_left;
    if (list.left == 0 || !(options->subscriptions || options->subscriptions_detail))
        return;
    state->subs_left -= list.left;
    if (list.detail)
        conn->subscriptions_list_detail.items =
            arena_alloc_array(&call->arena, list.left, sizeof(struct sys_sub_detail));
    else
        conn->subscriptions_list.items =
            arena_alloc_array(&call->arena, list.left, sizeof(const char *));
    session_walk_subs(session, add_sub, &list);
}

static void describe_auth(struct arena *arena, const struct session_snapshot *snapshot,
                          struct sys_conn *out)
{
    out->authorized_user = report_text(arena, snapshot->user);
    if (snapshot->stop_ns != 0 && !snapshot->logged_in)
        return; /* it never got into an account */
    out->account = report_text(arena, snapshot->account);
    out->jwt = report_text(arena, snapshot->jwt);
    out->issuer_key = report_text(arena, snapshot->issuer_key);
    out->name_tag = report_text(arena, snapshot->account_label);
    if (snapshot->tags.count > 0) {
        out->tags.items = arena_alloc_array(arena, snapshot->tags.count, sizeof(const char *));
        for (size_t i = 0; i < snapshot->tags.count; i++)
            out->tags.items[out->tags.count++] = arena_strdup(arena, snapshot->tags.items[i]);
    }
}

static struct sys_conn *describe(struct report_call *call, const struct session_snapshot *snapshot,
                                 int64_t now)
{
    const struct sys_connz_options *options = call->options;
    struct arena *arena = &call->arena;
    struct sys_conn *out = arena_alloc(arena, sizeof(*out));
    int64_t end = snapshot->stop_ns != 0 ? snapshot->stop_ns : now;

    *out = (struct sys_conn){
        .cid = (int64_t)snapshot->cid,
        .kind = report_text(arena, snapshot->kind),
        .type = report_text(arena, snapshot->type),
        .ip = report_text(arena, snapshot->host),
        .port = snapshot->port,
        .start = snapshot->start_ns,
        .last_activity = snapshot->active_ns,
        .stop = snapshot->stop_ns,
        .reason = snapshot->stop_ns != 0 ? session_reason_text(snapshot->reason) : NULL,
        .rtt = report_duration(arena, snapshot->rtt_ns),
        .uptime = report_uptime(arena, end - snapshot->start_ns),
        .idle = report_uptime(arena, end - snapshot->active_ns),
        .pending_bytes = (int64_t)snapshot->pending_bytes,
        .in_msgs = (int64_t)snapshot->in_msgs,
        .out_msgs = (int64_t)snapshot->out_msgs,
        .in_bytes = (int64_t)snapshot->in_bytes,
        .out_bytes = (int64_t)snapshot->out_bytes,
        .subscriptions = (int64_t)snapshot->subscriptions,
        .name = report_text(arena, snapshot->name),
        .lang = report_text(arena, snapshot->lang),
        .version = report_text(arena, snapshot->version),
    };
    if (options->auth)
        describe_auth(arena, snapshot, out);
    return out;
}

/* --- the rounds ---------------------------------------------------------------------------- */

static void describe_row(struct report_call *call, struct row *row, struct worker *worker)
{
    const struct session *session = session_table_find(worker, row->cid);
    struct session_snapshot snapshot;

    if (session == NULL)
        return; /* closed in between */
    session_snapshot(session, &snapshot);
    row->conn = describe(call, &snapshot, worker->wall_ns);
    describe_subs(call, session, row->conn);
}

static bool visit(struct report_call *call, struct worker *worker)
{
    const struct sys_connz_options *options = call->options;
    struct state *state = call->state;
    struct visit visit = {.call = call, .worker = worker};

    if (options->state != SYS_CONN_OPEN && options->state != SYS_CONN_ALL)
        return false;
    if (call->round == 0) {
        session_table_walk(worker, choose_one, &visit);
        return false;
    }
    for (unsigned n = 0; n < BATCH && state->next < state->chosen; state->next++) {
        if (state->rows.items[state->next].worker != worker->index)
            continue;
        describe_row(call, &state->rows.items[state->next], worker);
        n++;
    }
    if (state->next < state->chosen)
        return true;
    state->next = 0;
    return false;
}

static bool choose_closed(const struct session_snapshot *snapshot, void *arg)
{
    struct report_call *call = arg;
    const struct sys_connz_options *options = call->options;
    struct state *state = call->state;

    if (slice_given(options->acc) &&
        (!snapshot->logged_in || strcmp(options->acc, snapshot->account) != 0))
        return true;
    state->total++;
    if (!fits(options, snapshot))
        return true;
    *add_row(&state->rows) = (struct row){.cid = snapshot->cid,
                                          .value = value_of(state->sort, snapshot, state->now),
                                          .worker = CLOSED};
    return true;
}

/* The page is chosen here; only what stands on it is described. */
static void after(struct report_call *call)
{
    const struct sys_connz_options *options = call->options;
    struct state *state = call->state;
    struct rows *rows = &state->rows;

    if (call->round != 0)
        return;
    if (options->state == SYS_CONN_CLOSED || options->state == SYS_CONN_ALL)
        session_table_closed(call->monitor->sessions, choose_closed, call);
    sort_rows(rows);
    if (state->first > rows->count)
        state->first = rows->count;
    state->chosen = rows->count - state->first;
    if (state->chosen > state->count)
        state->chosen = state->count;
    if (state->chosen > 0)
        memmove(rows->items, rows->items + state->first, state->chosen * sizeof(rows->items[0]));
    rows->count = state->chosen;
}

static int compare_cid(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;

    return x->cid < y->cid ? -1 : x->cid > y->cid;
}

/* The closed rows of the page, by id. */
struct closed_rows {
    struct report_call *call;
    struct row **items;
    size_t count;
};

static bool describe_closed(const struct session_snapshot *snapshot, void *arg)
{
    struct closed_rows *closed = arg;
    struct row key = {.cid = snapshot->cid}, *wanted = &key, **found;

    found = bsearch(&wanted, closed->items, closed->count, sizeof(wanted), compare_cid);
    if (found != NULL)
        (*found)->conn = describe(closed->call, snapshot, snapshot->stop_ns);
    return true;
}

static void describe_all_closed(struct report_call *call)
{
    struct state *state = call->state;
    struct closed_rows closed = {.call = call};

    closed.items = arena_alloc_array(&call->arena, state->rows.count + 1, sizeof(struct row *));
    for (size_t i = 0; i < state->rows.count; i++)
        if (state->rows.items[i].worker == CLOSED)
            closed.items[closed.count++] = &state->rows.items[i];
    if (closed.count == 0)
        return;
    qsort(closed.items, closed.count, sizeof(closed.items[0]), compare_cid);
    session_table_closed(call->monitor->sessions, describe_closed, &closed);
}

static void finish(struct report_call *call)
{
    const struct sys_connz_options *options = call->options;
    struct state *state = call->state;
    struct sys_connz *out = arena_alloc(&call->arena, sizeof(*out));

    describe_all_closed(call);
    *out = (struct sys_connz){
        .server_id = call->monitor->facts.server_id,
        .now = monitor_now(call->monitor),
        .total = state->total,
        .offset = options->offset,
        .limit = options->limit,
    };
    out->connections.items =
        arena_alloc_array(&call->arena, state->rows.count + 1, sizeof(struct sys_conn));
    for (size_t i = 0; i < state->rows.count; i++)
        if (state->rows.items[i].conn != NULL)
            out->connections.items[out->connections.count++] = *state->rows.items[i].conn;
    out->num_connections = (int64_t)out->connections.count;
    call->document = out;
}

const struct report connz_report = {
    .name = "CONNZ",
    .options = &sys_connz_options_shape,
    .filter = offsetof(struct sys_connz_options, filter),
    .document_shape = &sys_connz_shape,
    .rounds = 2,
    .begin = begin,
    .visit = visit,
    .after = after,
    .finish = finish,
};
