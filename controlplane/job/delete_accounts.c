#include "controlplane/job/delete_accounts.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "controlplane/domain/account.h"
#include "controlplane/domain/account_delete.h"
#include "controlplane/domain/operation.h"
#include "controlplane/job/meter.h"
#include "controlplane/link/node_requests.h"

enum {
    LEASE_S = 20, /* renewed before each step and each node */
    ASK_TIMEOUT_MS = 3000,
    WAIT_FIRST_MS = 50,
    WAIT_MAX_MS = 10000,
    VERIFY_GAP_MS = 2000,
};

/* What became of a step. */
enum step_end {
    STEP_DONE,
    STEP_WAIT,    /* not yet: again later */
    STEP_SKIP,    /* nothing to do here */
    STEP_STOPPED, /* the nodes do not allow more: the operation ends here */
};

struct deletion {
    struct job_call *call;
    struct operation operation;
    struct account account;
    struct db_rows nodes; /* that are not retired */
    struct operation_step *step;
    int64_t delay_ms; /* of STEP_WAIT; 0: by the number of attempts */
    const char *detail;
    const char *request; /* to forget the account, signed by the operator */
    bool listed;         /* some node lists the account */
    bool forbidden;      /* a node does not let accounts be deleted */
};

typedef enum result (*step_fn)(struct deletion *deletion, enum step_end *end);

static enum result renew(struct deletion *deletion)
{
    struct job_call *call = deletion->call;
    enum result rc = job_begin(call);

    return rc == OK ? job_end(call, operation_renew(&call->work, &deletion->operation, LEASE_S))
                    : rc;
}

/* --- asking nodes ------------------------------------------------------------------------- */

typedef enum result (*node_fn)(struct deletion *deletion, struct system_link *link,
                               const struct node *node);

/* Asks the node of each link; fails with ERR_AGAIN unless every expected node was asked. */
static enum result each_node(struct deletion *deletion, node_fn fn)
{
    const struct job_context *context = deletion->call->context;
    const struct node *nodes = deletion->nodes.items;
    struct link_taken links[LINKS_MAX];
    size_t count = link_set_take(context->links, deletion->account.system_id, links, LINKS_MAX);
    enum result rc = OK;

    for (size_t i = 0; i < deletion->nodes.count && rc == OK; i++) {
        struct system_link *link = NULL;

        for (size_t j = 0; j < count; j++) {
            char id[NKEY_PUBLIC_MAX];

            system_link_server_id(links[j].link, id);
            if (nodes[i].server_id != NULL && strcmp(id, nodes[i].server_id) == 0)
                link = links[j].link;
        }
        if (link == NULL)
            deletion->detail = arena_printf(&deletion->call->arena, "node %s cannot be reached",
                                            nodes[i].resource.name);
        rc = link != NULL ? renew(deletion) : ERR_AGAIN;
        if (rc == OK)
            rc = fn(deletion, link, &nodes[i]);
    }
    link_set_give(context->links, links, count);
    return rc;
}

static enum result no_connection(struct deletion *deletion, struct system_link *link,
                                 const struct node *node)
{
    int64_t connections = 0;
    enum result rc = node_request_connections(link, deletion->account.public_key, ASK_TIMEOUT_MS,
                                              &deletion->call->arena, &connections);

    if (rc == OK && connections > 0) {
        deletion->detail = "clients are still connected";
        return ERR_AGAIN;
    }
    return rc;
}

static enum result purge_on(struct deletion *deletion, struct system_link *link,
                            const struct node *node)
{
    if (!node->jetstream)
        return OK;
    return system_link_publish(link,
                               arena_printf(&deletion->call->arena, "$JS.API.ACCOUNT.PURGE.%s",
                                            deletion->account.public_key),
                               SLICE(""));
}

/* Streams that outlive their account stay on the disk, and the node is unhealthy at its next start.
 */
static enum result no_assets(struct deletion *deletion, struct system_link *link,
                             const struct node *node)
{
    struct arena *arena = &deletion->call->arena;
    struct node_assets assets;
    enum result rc;

    if (!node->jetstream)
        return OK;
    rc = node_request_assets(link, deletion->account.public_key, ASK_TIMEOUT_MS, arena, &assets);
    if (rc != OK)
        deletion->detail = arena_printf(
            arena, "node %s does not say what JetStream holds of the account", node->resource.name);
    if (rc != OK || (assets.streams == 0 && assets.bytes == 0))
        return rc;
    deletion->detail =
        arena_printf(arena, "node %s still holds %lld streams and %lld bytes of the account",
                     node->resource.name, (long long)assets.streams, (long long)assets.bytes);
    return ERR_AGAIN;
}

static enum result not_listed(struct deletion *deletion, struct system_link *link,
                              const struct node *node)
{
    struct strings listed;
    enum result rc = node_request_list(link, ASK_TIMEOUT_MS, &deletion->call->arena, &listed);

    if (rc == ERR_NOT_FOUND) /* a memory resolver keeps no list */
        return OK;
    for (size_t i = 0; rc == OK && i < listed.count; i++) {
        if (strcmp(listed.items[i], deletion->account.public_key) == 0) {
            deletion->detail = "a node still lists the account";
            deletion->listed = true;
            return ERR_AGAIN;
        }
    }
    return rc;
}

/* Forbidden for good, or something that may be better the next time (a signer not trusted yet). */
static void note_denial(struct deletion *deletion, const struct node *node, const char *text)
{
    struct arena *arena = &deletion->call->arena;

    deletion->forbidden = strstr(text, "delete must be enabled") != NULL;
    if (deletion->forbidden)
        deletion->detail = arena_printf(arena,
                                        "node %s does not let accounts be deleted: the account "
                                        "stays tombstoned. Set allow_delete: true in the node's "
                                        "resolver, restart the node, and delete account %s again",
                                        node->resource.name, deletion->account.resource.id);
    else
        deletion->detail = arena_printf(arena, "node %s did not forget the account: %s",
                                        node->resource.name, text);
}

/* The node forgets the account's counters with the account: they are read first. */
static enum result remove_on(struct deletion *deletion, struct system_link *link,
                             const struct node *node)
{
    struct sys_claims_reply reply = {0};
    enum result rc = meter_node(deletion->call, link, node);

    if (rc != OK) {
        deletion->detail = "the account's last counters could not be read";
        return rc;
    }
    rc = node_request_delete(link, deletion->request, ASK_TIMEOUT_MS, &deletion->call->arena,
                             &reply);
    if (rc == ERR_DENIED && reply.error != NULL)
        note_denial(deletion, node, or_empty(reply.error->description));
    return rc == ERR_NOT_FOUND ? OK : rc; /* nobody listens: a memory resolver */
}

/* Of a node that is not known to let accounts be deleted: does it? */
static enum result remove_if_doubtful(struct deletion *deletion, struct system_link *link,
                                      const struct node *node)
{
    return node->allow_delete ? OK : remove_on(deletion, link, node);
}

/* --- the steps ---------------------------------------------------------------------------- */

/* Has every node the newest revision? */
static enum result newest_reached(struct deletion *deletion, bool *reached)
{
    struct job_call *call = deletion->call;
    enum result rc;

    if (deletion->nodes.count == 0) { /* nobody has it, and nobody will come back with it */
        *reached = true;
        return OK;
    }
    rc = job_begin(call);
    if (rc != OK)
        return rc;
    return job_end(call, sync_reached(&call->work, deletion->account.resource.id,
                                      deletion->account.revision, reached));
}

static enum result step_suspend(struct deletion *deletion, enum step_end *end)
{
    bool reached = false;
    enum result rc = newest_reached(deletion, &reached);

    if (rc != OK)
        return rc;
    if (!reached) {
        deletion->detail = "waiting for the nodes to close the account's connections";
        *end = STEP_WAIT;
        return OK;
    }
    rc = each_node(deletion, no_connection);
    *end = rc == OK ? STEP_DONE : STEP_WAIT;
    return OK;
}

static bool has_jetstream(const struct deletion *deletion)
{
    const struct node *nodes = deletion->nodes.items;

    for (size_t i = 0; i < deletion->nodes.count; i++) {
        if (nodes[i].jetstream)
            return true;
    }
    return false;
}

/* Asked for each time: it does no harm, and may have been lost. */
static enum result step_purge(struct deletion *deletion, enum step_end *end)
{
    enum result rc;

    if (!has_jetstream(deletion)) {
        *end = STEP_SKIP;
        deletion->detail = "no node has JetStream";
        return OK;
    }
    rc = each_node(deletion, purge_on);
    if (rc == OK)
        rc = each_node(deletion, no_assets);
    *end = rc == OK ? STEP_DONE : STEP_WAIT;
    return OK;
}

static enum result step_tombstone(struct deletion *deletion, enum step_end *end)
{
    struct job_call *call = deletion->call;
    int64_t revision;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    rc = job_end(call,
                 account_delete_tombstone(&call->work, deletion->account.resource.id, &revision));
    *end = STEP_DONE;
    return rc;
}

/* removed: no node has the account any longer. */
static enum result destroy_keys(struct deletion *deletion, bool removed)
{
    struct job_call *call = deletion->call;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    return job_end(call,
                   account_delete_finish(&call->work, deletion->account.resource.id, removed));
}

/* The request to forget the account, signed by the operator. */
static enum result make_request(struct deletion *deletion)
{
    struct job_call *call = deletion->call;
    const char *keys[] = {deletion->account.public_key};
    struct strings accounts = {keys, 1};
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    return job_end(call, nats_system_delete_request(&call->work, deletion->account.system_id,
                                                    &accounts, &deletion->request));
}

/* A node that refuses to forget it ends the operation: the account stays tombstoned. */
static enum result remove_from(struct deletion *deletion, node_fn fn, enum step_end *end)
{
    enum result rc = make_request(deletion);

    if (rc != OK)
        return rc;
    rc = each_node(deletion, fn);
    *end = rc == OK ? STEP_DONE : STEP_WAIT;
    if (!deletion->forbidden)
        return OK;
    *end = STEP_STOPPED;
    return destroy_keys(deletion, false);
}

static enum result mark_tombstoned(struct deletion *deletion)
{
    struct job_call *call = deletion->call;
    enum result rc;

    if (strcmp(deletion->account.resource.state, "tombstoned") == 0)
        return OK;
    rc = job_begin(call);
    if (rc != OK)
        return rc;
    return job_end(call, account_delete_tombstoned(&call->work, deletion->account.resource.id));
}

static enum result step_await_stored(struct deletion *deletion, enum step_end *end)
{
    bool reached = false;
    enum result rc = newest_reached(deletion, &reached);

    if (rc != OK)
        return rc;
    if (!reached) {
        deletion->detail = "waiting until every node has stored the tombstone";
        *end = STEP_WAIT;
        return OK;
    }
    rc = mark_tombstoned(deletion);
    return rc == OK ? remove_from(deletion, remove_if_doubtful, end) : rc;
}

static enum result step_remove(struct deletion *deletion, enum step_end *end)
{
    return remove_from(deletion, remove_on, end);
}

/* What the step remembers: that no node listed the account when they were last asked. */
static enum result remember_seen(struct deletion *deletion, bool seen)
{
    json_t *data = json_pack("{s:b}", "not_listed", seen);
    struct job_call *call = deletion->call;
    enum result rc = job_begin(call);

    CHECK(data != NULL);
    if (rc == OK)
        rc = job_end(call, operation_step_set(&call->work, &deletion->operation,
                                              deletion->step->ordinal, "running",
                                              seen ? "not listed once; looking again"
                                                   : "a node lists the account again",
                                              data));
    json_decref(data);
    return rc;
}

/* "deleted 1" proves nothing: the list does, twice.  A node that has it still is asked again. */
static enum result step_verify(struct deletion *deletion, enum step_end *end)
{
    bool seen = json_is_true(json_object_get(deletion->step->data, "not_listed"));
    enum result rc = each_node(deletion, not_listed);

    *end = rc == OK && seen ? STEP_DONE : STEP_WAIT;
    if (rc == OK && !seen) {
        deletion->delay_ms = VERIFY_GAP_MS;
        return remember_seen(deletion, true);
    }
    if (!deletion->listed)
        return OK;
    rc = step_remove(deletion, end);
    if (*end == STEP_DONE) /* which the list has to show */
        *end = STEP_WAIT;
    return rc == OK && seen ? remember_seen(deletion, false) : rc;
}

static enum result step_finish(struct deletion *deletion, enum step_end *end)
{
    *end = STEP_DONE;
    return destroy_keys(deletion, true);
}

static const struct {
    const char *name;
    step_fn run;
} steps[] = {
    {STEP_SUSPEND, step_suspend},     {STEP_PURGE_JETSTREAM, step_purge},
    {STEP_TOMBSTONE, step_tombstone}, {STEP_AWAIT_STORED, step_await_stored},
    {STEP_REMOVE, step_remove},       {STEP_VERIFY, step_verify},
    {STEP_FINISH, step_finish},
};

/* --- the machine -------------------------------------------------------------------------- */

static struct operation_step *first_open(struct operation *operation)
{
    for (size_t i = 0; i < operation->steps.count; i++) {
        const char *state = operation->steps.items[i].state;

        if (strcmp(state, "succeeded") != 0 && strcmp(state, "skipped") != 0)
            return &operation->steps.items[i];
    }
    return NULL;
}

/* detail NULL: as it was. */
static enum result set_step(struct deletion *deletion, const char *state, const char *detail)
{
    struct job_call *call = deletion->call;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    return job_end(call, operation_step_set(&call->work, &deletion->operation,
                                            deletion->step->ordinal, state, detail, NULL));
}

/* What a node does not allow is not done: no step stays open in an operation that has ended. */
static enum result skip_rest(struct deletion *deletion)
{
    struct operation_step *end = deletion->operation.steps.items + deletion->operation.steps.count;
    enum result rc = OK;

    for (deletion->step++; rc == OK && deletion->step < end; deletion->step++)
        rc = set_step(deletion, "skipped",
                      "not possible while a node does not let accounts be deleted");
    return rc;
}

/* left: why the nodes keep the account, and what to do; NULL: they do not. */
static enum result finish(struct deletion *deletion, const char *left)
{
    struct job_call *call = deletion->call;
    json_t *result = NULL;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    if (left == NULL) {
        log_info(LOG_JOB, "account deleted account=%s", deletion->account.public_key);
    } else {
        log_warn(LOG_JOB, "account stays tombstoned account=%s why=\"%s\"",
                 deletion->account.public_key, left);
        result = shape_own(&call->arena,
                           json_pack("{s:s,s:s}", "account_state", "tombstoned", "detail", left));
    }
    return job_end(call, operation_finish(&call->work, &deletion->operation, result, NULL, NULL));
}

static enum result wait_for_it(struct deletion *deletion)
{
    struct job_call *call = deletion->call;
    int64_t delay = deletion->delay_ms, attempts = deletion->step->attempts;
    enum result rc;

    if (delay == 0) {
        delay = WAIT_FIRST_MS;
        while (attempts-- > 0 && delay < WAIT_MAX_MS)
            delay *= 2;
    }
    rc = job_begin(call);
    if (rc != OK)
        return rc;
    return job_end(call, operation_pause(&call->work, &deletion->operation, deletion->step->ordinal,
                                         deletion->detail, delay));
}

/* One step; *go_on when the next may follow at once. */
static enum result do_step(struct deletion *deletion, bool *go_on)
{
    enum step_end end = STEP_WAIT;
    step_fn run = NULL;
    enum result rc;

    *go_on = false;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (strcmp(steps[i].name, deletion->step->name) == 0)
            run = steps[i].run;
    }
    CHECK(run != NULL);
    rc = renew(deletion);
    if (rc == OK)
        rc = set_step(deletion, "running", NULL);
    if (rc == OK)
        rc = run(deletion, &end);
    if (rc != OK)
        return rc;
    switch (end) {
    case STEP_WAIT:
        if (deletion->detail != NULL)
            log_debug(LOG_JOB, "deleting waits account=%s step=%s why=\"%s\"",
                      deletion->account.public_key, deletion->step->name, deletion->detail);
        return wait_for_it(deletion);
    case STEP_STOPPED:
        rc = set_step(deletion, "succeeded", or_empty(deletion->detail));
        if (rc == OK)
            rc = skip_rest(deletion);
        return rc == OK ? finish(deletion, or_empty(deletion->detail)) : rc;
    case STEP_DONE:
    case STEP_SKIP:
        *go_on = true;
        return set_step(deletion, end == STEP_DONE ? "succeeded" : "skipped",
                        or_empty(deletion->detail));
    }
    CHECK_UNREACHABLE("step end");
}

static enum result load(struct deletion *deletion)
{
    struct job_call *call = deletion->call;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    rc = account_by_ref(&call->work, deletion->operation.account_id, &deletion->account);
    if (rc == OK)
        rc = node_expected(&call->work, deletion->account.system_id, &deletion->nodes);
    if (rc == OK)
        rc = operation_by_id(&call->work, deletion->operation.resource.id, &deletion->operation);
    return job_end(call, rc);
}

static enum result go(struct deletion *deletion)
{
    int64_t epoch = deletion->operation.lease_epoch;
    bool go_on = true;
    enum result rc = OK;

    while (rc == OK && go_on) {
        rc = load(deletion);
        deletion->operation.lease_epoch = epoch;
        if (rc != OK)
            break;
        deletion->detail = NULL;
        deletion->delay_ms = 0;
        deletion->listed = deletion->forbidden = false;
        deletion->step = first_open(&deletion->operation);
        if (deletion->step == NULL)
            return finish(deletion, NULL);
        rc = do_step(deletion, &go_on);
    }
    return rc == ERR_CONFLICT ? OK : rc; /* another replica took it over */
}

enum result delete_accounts_pass(const struct job_context *context, bool *more)
{
    struct deletion deletion = {0};
    struct job_call call;
    enum result rc = job_open(context, &call);

    *more = false;
    if (rc != OK)
        return rc;
    deletion.call = &call;
    rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, operation_claim(&call.work, LEASE_S, &deletion.operation));
    if (rc == OK && strcmp(deletion.operation.type, OPERATION_ACCOUNT_DELETE) == 0) {
        *more = true;
        rc = go(&deletion);
    } else if (rc == ERR_NOT_FOUND) {
        rc = OK;
    }
    job_close(&call);
    return rc;
}
