/*
 * How it flows: outbox_claim (transaction) -> trust of the nodes -> claims_push_all (no
 * transaction) -> sync_record for every node, outbox_done or outbox_retry (transaction) ->
 * whoever waits for the account is told.
 */
#include "controlplane/job/push_claims.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/nats/jwt.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/link/claims_push.h"

enum {
    ROWS_PER_PASS = 64,
    LEASE_S = 10, /* longer than a push waits for answers */
    PUSH_TIMEOUT_MS = 2000,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MAX_MS = 60000,
    BLOCKED_RETRY_MS = 5000,
    NO_NODE_RETRY_MS = 60000,
    INVALID_RETRY_MS = 3600000,
    INCOMPLETE_RETRY_MS = 60000,
};

int64_t push_backoff_ms(int64_t attempts, struct random *random)
{
    int64_t delay = BACKOFF_FIRST_MS;

    while (attempts-- > 0 && delay < BACKOFF_MAX_MS)
        delay *= 2;
    if (delay > BACKOFF_MAX_MS)
        delay = BACKOFF_MAX_MS;
    return delay * 3 / 4 + (int64_t)random_below(random, (uint64_t)delay / 2);
}

static const int64_t bounds_ms[] = {10,   25,   50,    100,   250,   500,    1000,   2000,
                                    3000, 5000, 10000, 30000, 60000, 300000, 3600000};

void push_figures_init(struct push_figures *figures)
{
    *figures = (struct push_figures){0};
    histogram_init(&figures->duration, bounds_ms, COUNT_OF(bounds_ms));
    histogram_init(&figures->revoked, bounds_ms, COUNT_OF(bounds_ms));
}

/* The rows of one system in one pass. */
struct batch {
    const char *system_id;
    struct outbox_row **rows;
    struct claims_push *pushes; /* beside rows */
    bool *blocked;              /* beside rows */
    size_t count;
    struct db_rows nodes; /* struct node: whom it must reach */
};

static bool node_trusts(const struct node *node, const char *issuer)
{
    for (size_t i = 0; i < node->trusted_keys.count; i++) {
        if (strcmp(node->trusted_keys.items[i], issuer) == 0)
            return true;
    }
    return false;
}

/* A node never asked yet (joining) does not block: it is asked before it counts as ready. */
static bool issuer_trusted(const struct batch *batch, const struct outbox_row *row,
                           struct arena *arena)
{
    const struct node *nodes = batch->nodes.items;
    struct claims claims;
    struct shape_error error;

    if (jwt_decode(slice_of(row->jwt), arena, &claims, &error) != OK)
        return false;
    for (size_t i = 0; i < batch->nodes.count; i++) {
        if (nodes[i].trust_read_at != 0 && !node_trusts(&nodes[i], claims.iss))
            return false;
    }
    return true;
}

static void make_pushes(struct batch *batch, struct job_call *call)
{
    batch->pushes = arena_alloc_array(&call->arena, batch->count + 1, sizeof(*batch->pushes));
    batch->blocked = arena_alloc_array(&call->arena, batch->count + 1, sizeof(*batch->blocked));
    for (size_t i = 0; i < batch->count; i++) {
        const struct outbox_row *row = batch->rows[i];

        batch->blocked[i] = !issuer_trusted(batch, row, &call->arena);
        batch->pushes[i] = (struct claims_push){
            .account_key = row->public_key,
            .jwt = row->jwt,
            .jti = row->jti,
            .arena = &call->arena,
        };
    }
}

/* Nodes that can answer: over a link of their own, or over routes from one that has a link. */
static size_t reachable(const struct batch *batch, const struct link_taken *links, size_t count)
{
    const struct node *nodes = batch->nodes.items;
    size_t sum = 0;

    for (size_t i = 0; i < batch->nodes.count; i++) {
        bool linked = false, clustered = nodes[i].cluster != NULL && nodes[i].cluster[0] != 0;

        for (size_t j = 0; j < count && !linked && nodes[i].server_id != NULL; j++) {
            char id[NKEY_PUBLIC_MAX];

            system_link_server_id(links[j].link, id);
            linked = strcmp(id, nodes[i].server_id) == 0;
        }
        sum += linked || (clustered && strcmp(nodes[i].resource.state, "ready") == 0);
    }
    return sum;
}

/* Sends what is not blocked; blocked ones are moved behind the others first. */
static void send_batch(const struct job_context *context, struct batch *batch)
{
    struct link_taken links[LINKS_MAX];
    size_t count, expected, open = 0;

    for (size_t i = 0; i < batch->count; i++) {
        struct outbox_row *row = batch->rows[i];
        struct claims_push push = batch->pushes[i];

        if (batch->blocked[i])
            continue;
        batch->rows[i] = batch->rows[open];
        batch->rows[open] = row;
        batch->pushes[i] = batch->pushes[open];
        batch->pushes[open] = push;
        batch->blocked[i] = batch->blocked[open];
        batch->blocked[open++] = false;
    }
    if (open == 0 || batch->nodes.count == 0)
        return;
    count = link_set_take(context->links, batch->system_id, links, LINKS_MAX);
    expected = reachable(batch, links, count);
    for (size_t i = 0; i < open; i++)
        batch->pushes[i].expected = expected;
    claims_push_all(batch->pushes, open, links, count, PUSH_TIMEOUT_MS);
    link_set_give(context->links, links, count);
}

static struct push_answer *answer_of(const struct claims_push *push, const struct node *node)
{
    for (size_t i = 0; i < push->answers.count; i++) {
        if (node->server_id != NULL &&
            strcmp(push->answers.items[i].server_id, node->server_id) == 0)
            return &push->answers.items[i];
    }
    return NULL;
}

static enum sync_outcome outcome_of(const struct push_answer *answer)
{
    if (answer == NULL)
        return SYNC_FAILED;
    if (answer->class == PUSH_SKIPPED)
        return SYNC_SKIPPED;
    if (answer->class != PUSH_OK)
        return SYNC_FAILED;
    if (answer->applied == APPLIED_YES)
        return SYNC_APPLIED;
    if (answer->applied == APPLIED_INCOMPLETE)
        return SYNC_INCOMPLETE;
    return answer->applied == APPLIED_NOT_LOADED ? SYNC_NOT_LOADED : SYNC_STORED;
}

/* What our own validation should have caught is not tried blindly: a person has to look. */
static void log_refusal(const struct outbox_row *row, const struct node *node,
                        const struct push_answer *answer)
{
    enum log_level level = answer->class == PUSH_INVALID ? LOG_ERROR : LOG_WARN;

    log_at(level, LOG_JOB, "a node refused claims node=%s account=%s class=%s text=\"%s\"",
           node->resource.name, row->public_key, push_class_text(answer->class), answer->text);
}

/* What became of one row on all nodes. */
struct verdict {
    size_t open;          /* nodes that must be asked again */
    size_t hopeless;      /* of these: that called the claims invalid */
    size_t incomplete;    /* nodes on which imports are not active yet: looked at again */
    bool stale;           /* a node holds a newer token */
    struct db_rows waits; /* struct outbox_wait; of a row that is done */
};

/* One node's answer to one row. */
static enum result record_node(struct job_call *call, const struct outbox_row *row,
                               const struct node *node, const struct push_answer *answer,
                               int64_t retry_at, struct verdict *verdict)
{
    enum sync_outcome outcome = outcome_of(answer);
    bool failed = outcome == SYNC_FAILED;
    struct sync_record record = {
        .node_id = node->resource.id,
        .account_id = row->account_id,
        .server_id = node->server_id,
        .revision = failed ? 0 : row->revision,
        .jti = failed ? NULL : row->jti,
        .outcome = outcome,
        .error_class = "",
        .error_text = "",
        .retry_at = failed ? retry_at : 0,
    };

    if (failed && answer != NULL) {
        record.error_class = push_class_text(answer->class);
        record.error_text = answer->text;
        log_refusal(row, node, answer);
        verdict->hopeless += answer->class == PUSH_INVALID;
        verdict->stale = verdict->stale || answer->class == PUSH_STALE;
    } else if (failed) {
        record.error_class = "no_answer";
        record.error_text = "the node did not answer";
    } else if (outcome == SYNC_INCOMPLETE) {
        record.error_text = answer->text;
    }
    verdict->open += failed;
    verdict->incomplete += outcome == SYNC_INCOMPLETE;
    return sync_record(&call->work, &record);
}

/* The row is closed, or due again. */
static enum result record_verdict(struct job_call *call, const struct batch *batch,
                                  const struct outbox_row *row, struct verdict *verdict,
                                  int64_t delay_ms)
{
    bool was_foreign;
    enum result rc;

    if (batch->nodes.count == 0)
        return outbox_retry(&call->work, row, NO_NODE_RETRY_MS, "the system has no node yet");
    if (verdict->stale) /* another hand's: the reconciler looks whose, and says so */
        call->work.wake |= WAKE_RECONCILE;
    if (verdict->open > 0 && verdict->open == verdict->hopeless)
        return outbox_retry(&call->work, row, INVALID_RETRY_MS, "a node calls the claims invalid");
    if (verdict->open > 0)
        return outbox_retry(&call->work, row, delay_ms, "not all nodes have it");
    rc = sync_foreign(&call->work, row->account_id, "", &was_foreign);
    if (rc == OK && was_foreign)
        log_info(LOG_JOB, "foreign_writer is over: every node took our token account=%s",
                 row->public_key);
    if (rc == OK && verdict->incomplete > 0) /* the same bytes again: a node tells anew */
        return outbox_retry(&call->work, row, INCOMPLETE_RETRY_MS, "imports are not active");
    if (rc == OK)
        rc = outbox_waits(&call->work, row, &verdict->waits);
    return rc == OK ? outbox_done(&call->work, row) : rc;
}

static void count_waits(const struct db_rows *waits, struct push_figures *figures)
{
    const struct outbox_wait *items = waits->items;

    for (size_t i = 0; i < waits->count; i++)
        histogram_add(items[i].revoked ? &figures->revoked : &figures->duration,
                      items[i].us * NS_PER_US);
}

/* Everything about one row in one transaction. */
static enum result record_row(struct job_call *call, const struct batch *batch, size_t index,
                              struct push_figures *figures)
{
    const struct outbox_row *row = batch->rows[index];
    const struct node *nodes = batch->nodes.items;
    int64_t delay_ms = push_backoff_ms(row->attempts, call->context->tools->random);
    int64_t retry_at = work_now(&call->work) + delay_ms * NS_PER_MS;
    struct verdict verdict = {0};
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    if (batch->blocked[index]) {
        rc = sync_block(&call->work, row->account_id, "signer_not_trusted_by_node");
        if (rc == OK)
            rc = outbox_retry(&call->work, row, BLOCKED_RETRY_MS, "signer_not_trusted_by_node");
        return job_end(call, rc);
    }
    rc = sync_block(&call->work, row->account_id, "");
    for (size_t i = 0; i < batch->nodes.count && rc == OK; i++)
        rc = record_node(call, row, &nodes[i], answer_of(&batch->pushes[index], &nodes[i]),
                         retry_at, &verdict);
    if (rc == OK)
        rc = record_verdict(call, batch, row, &verdict, delay_ms);
    rc = job_end(call, rc);
    if (rc == OK) {
        figures->ok += batch->nodes.count - verdict.open;
        figures->failed += verdict.open;
        count_waits(&verdict.waits, figures);
        call->context->sync_changed(row->account_id, call->context->arg);
    }
    return rc == ERR_CONFLICT ? OK : rc; /* another replica took the row over */
}

static enum result do_batch(struct job_call *call, struct batch *batch,
                            struct push_figures *figures)
{
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    rc = job_end(call, node_expected(&call->work, batch->system_id, &batch->nodes));
    if (rc != OK)
        return rc;
    make_pushes(batch, call);
    send_batch(call->context, batch);
    for (size_t i = 0; i < batch->count && rc == OK; i++)
        rc = record_row(call, batch, i, figures);
    return rc;
}

/* The rows of the system of rows[0] come first, in their order; returns how many. */
static size_t same_system(struct outbox_row **rows, size_t count)
{
    size_t same = 1;

    for (size_t i = 1; i < count; i++) {
        struct outbox_row *row = rows[i];

        if (strcmp(row->system_id, rows[0]->system_id) != 0)
            continue;
        rows[i] = rows[same];
        rows[same++] = row;
    }
    return same;
}

enum result push_claims_pass(const struct job_context *context, struct push_figures *figures,
                             bool *more)
{
    struct outbox_row **rows;
    struct db_rows claimed;
    struct job_call call;
    enum result rc = job_open(context, &call);

    *more = false;
    if (rc != OK)
        return rc;
    rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, outbox_claim(&call.work, NULL, ROWS_PER_PASS, LEASE_S, &claimed));
    if (rc != OK || claimed.count == 0)
        goto out;
    rows = arena_alloc_array(&call.arena, claimed.count, sizeof(struct outbox_row *));
    for (size_t i = 0; i < claimed.count; i++)
        rows[i] = &((struct outbox_row *)claimed.items)[i];
    for (size_t at = 0; at < claimed.count && rc == OK;) {
        struct batch batch = {.system_id = rows[at]->system_id, .rows = rows + at};

        batch.count = same_system(rows + at, claimed.count - at);
        at += batch.count;
        rc = do_batch(&call, &batch, figures);
    }
    *more = claimed.count == ROWS_PER_PASS;
    if (rc == OK)
        rc = outbox_notify(call.db); /* requests may be waiting at other replicas */
out:
    job_close(&call);
    return rc;
}
