#include "controlplane/job/reconcile.h"

#include <openssl/sha.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/map.h"
#include "api/nats/jwt.h"
#include "controlplane/domain/account.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/link/claims_push.h"
#include "controlplane/link/node_requests.h"

enum {
    LIST_TIMEOUT_MS = 5000,
    PACK_TIMEOUT_MS = 15000,
    PAGE = 1000,
    LEASE_S = 30,     /* renewed before each node */
    FORGET_MAX = 200, /* deleted accounts in one request */
};

/* One account that the system should hold, or did. */
struct want {
    struct map_link link; /* by public key */
    const struct desired_account *desired;
    bool listed;  /* by the node at hand */
    bool differs; /* the node at hand holds another token */
    bool ahead;   /* a newer one: issued since we read ours, or by another hand; left alone */
    bool foreign; /* some node of this sweep holds one by another hand: a person has to look */
};

struct wants {
    struct map by_key;
    size_t count;
    uint8_t digest[SHA256_DIGEST_LENGTH];
};

static bool is_gone(const struct desired_account *desired)
{
    return strcmp(desired->state, "deleted") == 0;
}

/* As nodes digest their store: expired tokens aside, each whole token once. */
static void add_digest(uint8_t digest[SHA256_DIGEST_LENGTH], const char *jwt)
{
    uint8_t one[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)jwt, strlen(jwt), one);
    for (size_t i = 0; i < sizeof(one); i++)
        digest[i] ^= one[i];
}

static void add_page(struct wants *wants, const struct db_rows *page, struct arena *arena)
{
    const struct desired_account *rows = page->items;
    struct want *items = arena_alloc_array(arena, page->count, sizeof(*items));

    for (size_t i = 0; i < page->count; i++) {
        items[i].desired = &rows[i];
        if (!map_insert(&wants->by_key, &items[i].link, slice_of(rows[i].public_key)))
            continue;
        wants->count++;
        if (rows[i].jwt != NULL && !is_gone(&rows[i]))
            add_digest(wants->digest, rows[i].jwt);
    }
}

/* All that the system should hold. */
static enum result read_wants(struct job_call *call, const char *system_id, struct wants *wants)
{
    const char *after = NULL;
    struct db_rows page;
    enum result rc;

    do {
        rc = job_begin(call);
        if (rc != OK)
            return rc;
        rc = job_end(call, nats_system_desired(&call->work, system_id, after, PAGE, &page));
        if (rc != OK)
            return rc;
        if (page.count > 0) {
            add_page(wants, &page, &call->arena);
            after = ((struct desired_account *)page.items)[page.count - 1].account_id;
        }
    } while (page.count == PAGE);
    return OK;
}

/* Once in a sweep, and counted when it is new. */
static void note_foreign(struct job_call *call, struct want *want, const char *jti,
                         struct reconcile_figures *figures)
{
    bool changed = false;
    enum result rc;

    if (want->foreign)
        return;
    if (jti == NULL || jti[0] == 0)
        jti = "none";
    want->foreign = true;
    rc = job_begin(call);
    if (rc == OK)
        rc = job_end(call, sync_foreign(&call->work, want->desired->account_id, jti, &changed));
    if (rc != OK)
        log_error(LOG_JOB, "foreign_writer could not be recorded error=%s", result_name(rc));
    if (!changed)
        return;
    figures->foreign++;
    log_error(LOG_JOB, "foreign_writer: a node holds a newer token account=%s jti=%s",
              want->desired->public_key, jti);
}

/* The account may have changed, and been pushed, since we read what is desired. */
static enum result is_ours(struct job_call *call, const struct want *want, const char *jwt,
                           bool *ours)
{
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    return job_end(call, account_issued(&call->work, want->desired->account_id, jwt, ours));
}

/* A token that a node holds against ours. */
static enum result compare_token(struct job_call *call, struct wants *wants,
                                 const struct packed_jwt *held, struct reconcile_figures *figures)
{
    struct map_link *link = map_find(&wants->by_key, slice_of(held->account_key));
    struct claims claims;
    struct shape_error error;
    struct want *want;
    bool ours = false;
    enum result rc;

    if (link == NULL)
        return OK; /* counted by LIST */
    want = map_entry(link, struct want, link);
    if (want->desired->jwt == NULL || strcmp(want->desired->jwt, held->jwt) == 0)
        return OK;
    want->differs = true;
    if (want->desired->is_system ||
        jwt_decode(slice_of(held->jwt), &call->arena, &claims, &error) != OK ||
        claims.iat <= want->desired->iat)
        return OK;
    want->ahead = true;
    rc = is_ours(call, want, held->jwt, &ours);
    if (rc == OK && !ours)
        note_foreign(call, want, claims.jti, figures);
    return rc;
}

/* Missing or other than it should be: recorded, and due again. */
static enum result repair(struct job_call *call, const struct node *node, struct wants *wants,
                          struct reconcile_figures *figures)
{
    struct map_iter iter = {0};
    struct map_link *link;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    while (rc == OK && (link = map_next(&wants->by_key, &iter)) != NULL) {
        struct want *want = map_entry(link, struct want, link);
        const struct desired_account *desired = want->desired;
        struct sync_record record = {
            .node_id = node->resource.id,
            .account_id = desired->account_id,
            .server_id = node->server_id,
            .outcome = SYNC_MISSING,
            .error_class = want->listed ? "differs" : "missing",
            .error_text = want->listed ? "the node holds another token" : "the node lost it",
        };
        bool held = want->listed && !want->differs;

        /* What is being deleted is not missed: it is just what the deletion wants. */
        if (desired->jwt == NULL || desired->is_system || want->ahead || is_gone(desired) ||
            (desired->tombstone ? !want->differs : held))
            continue;
        if (!desired->pending) { /* nobody is at it yet */
            figures->missing += !want->listed;
            figures->differing += want->listed;
            log_warn(LOG_JOB, "drift node=%s account=%s what=%s", node->resource.name,
                     desired->public_key, record.error_class);
        }
        rc = sync_record(&call->work, &record);
        if (rc == OK)
            rc = outbox_poke(&call->work, desired->account_id);
    }
    if (rc == OK)
        rc = outbox_poke_behind(&call->work, node->resource.id);
    return job_end(call, rc);
}

/* The contents were compared: what this node holds as it should is known again. */
static enum result record_held(struct job_call *call, const struct node *node, struct wants *wants)
{
    struct sync_held *held = arena_alloc_array(&call->arena, wants->count + 1, sizeof(*held));
    struct map_iter iter = {0};
    struct map_link *link;
    size_t count = 0;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    while ((link = map_next(&wants->by_key, &iter)) != NULL) {
        const struct want *want = map_entry(link, struct want, link);
        const struct desired_account *desired = want->desired;

        if (want->listed && !want->differs && desired->jwt != NULL && !desired->is_system &&
            !is_gone(desired))
            held[count++] =
                (struct sync_held){desired->account_id, desired->jti, desired->revision};
    }
    rc = job_end(call, sync_held(&call->work, node->resource.id, node->server_id, held, count));
    if (rc == OK)
        call->context->sync_changed(NULL, call->context->arg);
    return rc;
}

/* *unknown: the others. */
static void mark_listed(struct wants *wants, const struct strings *listed, struct arena *arena,
                        struct strings *unknown)
{
    *unknown = (struct strings){arena_alloc_array(arena, listed->count + 1, sizeof(char *)), 0};
    for (size_t i = 0; i < listed->count; i++) {
        struct map_link *link = map_find(&wants->by_key, slice_of(listed->items[i]));

        if (link != NULL)
            map_entry(link, struct want, link)->listed = true;
        else
            unknown->items[unknown->count++] = listed->items[i];
    }
}

static void clear_marks(struct wants *wants)
{
    struct map_iter iter = {0};
    struct map_link *link;

    while ((link = map_next(&wants->by_key, &iter)) != NULL) {
        struct want *want = map_entry(link, struct want, link);

        want->listed = want->differs = want->ahead = false;
    }
}

static enum result check_contents(struct job_call *call, struct system_link *link,
                                  struct wants *wants, struct reconcile_figures *figures)
{
    struct packed_jwts held;
    bool equal = false;
    enum result rc =
        node_request_pack(link, wants->digest, PACK_TIMEOUT_MS, &call->arena, &equal, &held);

    for (size_t i = 0; i < held.count && rc == OK; i++)
        rc = compare_token(call, wants, &held.items[i], figures);
    return rc;
}

/* What was deleted and a node has again (an old disk, a late push): tombstone, then forget it. */
static enum result forget(struct job_call *call, const struct link_taken *link,
                          const char *system_id, struct wants *wants)
{
    struct claims_push *pushes = arena_alloc_array(&call->arena, wants->count + 1, sizeof(*pushes));
    struct strings keys = {arena_alloc_array(&call->arena, wants->count + 1, sizeof(char *)), 0};
    struct map_iter iter = {0};
    struct sys_claims_reply reply;
    struct map_link *at;
    const char *request;
    enum result rc;

    while ((at = map_next(&wants->by_key, &iter)) != NULL && keys.count < FORGET_MAX) {
        const struct want *want = map_entry(at, struct want, link);
        const struct desired_account *desired = want->desired;

        if (!want->listed || !is_gone(desired) || desired->jwt == NULL)
            continue;
        log_warn(LOG_JOB, "a deleted account is there again account=%s", desired->public_key);
        pushes[keys.count] = (struct claims_push){.account_key = desired->public_key,
                                                  .jwt = desired->jwt,
                                                  .jti = desired->jti,
                                                  .arena = &call->arena};
        keys.items[keys.count++] = desired->public_key;
    }
    if (keys.count == 0)
        return OK;
    claims_push_all(pushes, keys.count, link, 1, LIST_TIMEOUT_MS);
    rc = job_begin(call);
    if (rc == OK)
        rc = job_end(call, nats_system_delete_request(&call->work, system_id, &keys, &request));
    if (rc != OK)
        return rc;
    if (node_request_delete(link->link, request, LIST_TIMEOUT_MS, &call->arena, &reply) != OK)
        log_warn(LOG_JOB, "deleted accounts stay tombstoned on a node url=%s",
                 system_link_url(link->link));
    return OK;
}

/* Of nodes in a cluster, PACK is answered by any: it says nothing of the one that was asked. */
static bool alone(const struct node *node)
{
    return node->cluster == NULL || node->cluster[0] == 0;
}

/* What can be done for a node without a list: push what it is not known to hold. */
static enum result poke_behind(struct job_call *call, const struct node *node)
{
    enum result rc = job_begin(call);

    return rc == OK ? job_end(call, outbox_poke_behind(&call->work, node->resource.id)) : rc;
}

/* One system under our lease. */
struct sweep {
    struct job_call *call;
    struct lease lease;
    struct db_rows nodes;
    struct wants wants;
    bool compare, complete;
    bool all_compared; /* the contents of every node, also of those that are not ready */
    struct reconcile_figures *figures;
};

/* *checked: it answered. */
static enum result check_node(struct sweep *sweep, const struct link_taken *taken,
                              struct node *node, bool *checked)
{
    struct reconcile_figures *figures = sweep->figures;
    struct system_link *link = taken->link;
    struct job_call *call = sweep->call;
    struct wants *wants = &sweep->wants;
    struct strings listed, unknown;
    bool compared;
    enum result rc;

    clear_marks(wants);
    rc = node_request_list(link, LIST_TIMEOUT_MS, &call->arena, &listed);
    *checked = rc == OK || rc == ERR_NOT_FOUND;
    if (rc == ERR_NOT_FOUND) /* a memory resolver has no list */
        return poke_behind(call, node);
    if (rc != OK)
        return OK;
    mark_listed(wants, &listed, &call->arena, &unknown);
    rc = unmanaged_note(call, &figures->unmanaged, node, &unknown);
    if (rc != OK)
        return rc;
    compared = sweep->compare && check_contents(call, link, wants, figures) == OK;
    if (sweep->compare && !compared) {
        log_warn(LOG_JOB, "contents not compared node=%s", node->resource.name);
        *checked = false;
    }
    rc = job_begin(call);
    if (rc == OK)
        rc =
            job_end(call, node_stored_count(&call->work, node->resource.id, (int64_t)listed.count));
    if (rc == OK && compared && alone(node))
        rc = record_held(call, node, wants);
    if (rc == OK)
        rc = forget(call, taken, sweep->lease.scope, wants);
    return rc == OK ? repair(call, node, wants, figures) : rc;
}

/* Takes the lease, or keeps it. */
static enum result hold(struct sweep *sweep)
{
    struct job_call *call = sweep->call;
    enum result rc = job_begin(call);

    return rc == OK ? job_end(call, lease_acquire(&call->work, &sweep->lease, LEASE_S)) : rc;
}

static enum result check_nodes(struct sweep *sweep)
{
    const struct job_context *context = sweep->call->context;
    struct node *items = sweep->nodes.items;
    struct link_taken links[LINKS_MAX];
    size_t count = link_set_take(context->links, sweep->lease.scope, links, LINKS_MAX);
    enum result rc = OK;

    for (size_t i = 0; i < sweep->nodes.count && rc == OK; i++) {
        bool checked = false;

        rc = hold(sweep);
        for (size_t j = 0; j < count && rc == OK && !checked; j++) {
            char id[NKEY_PUBLIC_MAX];

            system_link_server_id(links[j].link, id);
            if (items[i].server_id != NULL && strcmp(id, items[i].server_id) == 0)
                rc = check_node(sweep, &links[j], &items[i], &checked);
        }
        if (!checked)
            sweep->all_compared = false;
        if (!checked && strcmp(items[i].resource.state, "ready") == 0)
            sweep->complete = false;
    }
    link_set_give(context->links, links, count);
    return rc;
}

/* foreign_writer ends when no node holds another hand's token any longer. */
static enum result end_foreign(struct sweep *sweep)
{
    struct job_call *call = sweep->call;
    struct strings still = {arena_alloc_array(&call->arena, sweep->wants.count + 1, sizeof(char *)),
                            0};
    struct map_iter iter = {0};
    struct map_link *link;
    bool changed = false;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    while ((link = map_next(&sweep->wants.by_key, &iter)) != NULL) {
        const struct want *want = map_entry(link, struct want, link);

        if (want->foreign)
            still.items[still.count++] = want->desired->account_id;
    }
    rc = lease_check(&call->work, &sweep->lease);
    if (rc == OK)
        rc = sync_foreign_over(&call->work, sweep->lease.scope, &still, &changed);
    rc = job_end(call, rc);
    if (rc == OK && changed) {
        log_info(LOG_JOB, "foreign_writer is over: every node holds our tokens again");
        call->context->sync_changed(NULL, call->context->arg);
    }
    return rc;
}

static enum result sweep_nodes(struct sweep *sweep)
{
    enum result rc;

    map_init(&sweep->wants.by_key);
    rc = read_wants(sweep->call, sweep->lease.scope, &sweep->wants);
    if (rc == OK)
        rc = check_nodes(sweep);
    if (rc == OK && sweep->all_compared && sweep->nodes.count > 0)
        rc = end_foreign(sweep);
    map_fini(&sweep->wants.by_key);
    return rc;
}

/* Gives the lease back, so that whoever wants the next look need not wait for it to expire. */
static enum result end_sweep(struct sweep *sweep, enum result rc)
{
    struct job_call *call = sweep->call;
    bool done = rc == OK && sweep->complete && sweep->nodes.count > 0;
    enum result end = job_begin(call);

    if (end != OK)
        return rc != OK ? rc : end;
    if (done)
        end = lease_check(&call->work, &sweep->lease);
    if (done && end == OK)
        end = nats_system_reconciled(&call->work, sweep->lease.scope, sweep->compare);
    if (end == OK)
        end = lease_release(&call->work, &sweep->lease);
    end = job_end(call, end);
    return rc != OK ? rc : end;
}

/* Has another replica looked, not long ago? */
static bool is_fresh(const struct job_call *call, const struct nats_system *system)
{
    int64_t now = clock_wall_ns(call->context->tools->clock);

    return system->last_reconcile_at != 0 &&
           now - system->last_reconcile_at < RECONCILE_EVERY_MS * NS_PER_MS / 2;
}

static enum result reconcile_system(struct job_call *call, const struct nats_system *system,
                                    bool compare, struct reconcile_figures *figures, bool *complete)
{
    struct sweep sweep = {
        .call = call,
        .lease = {.role = "reconcile", .scope = system->resource.id},
        .compare = compare,
        .complete = true,
        .all_compared = compare,
        .figures = figures,
    };
    enum result rc;

    if (!compare && is_fresh(call, system))
        return OK;
    memcpy(sweep.lease.holder, call->context->holder, sizeof(sweep.lease.holder));
    rc = hold(&sweep);
    if (rc == ERR_AGAIN) { /* another replica is at it: what we want is looked at after that */
        *complete = false;
        return OK;
    }
    if (rc == OK)
        rc = job_begin(call);
    if (rc == OK)
        rc = job_end(call, node_expected(&call->work, system->resource.id, &sweep.nodes));
    if (rc == OK)
        rc = sweep_nodes(&sweep);
    *complete = *complete && sweep.complete;
    return end_sweep(&sweep, rc);
}

enum result reconcile_pass(const struct job_context *context, bool compare,
                           struct reconcile_figures *figures, bool *complete)
{
    const struct nats_system *items;
    struct db_rows systems;
    struct job_call call;
    enum result rc = job_open(context, &call);

    *complete = true;
    if (rc != OK)
        return rc;
    rc = job_systems(&call, &systems);
    items = rc == OK ? systems.items : NULL;
    for (size_t i = 0; rc == OK && i < systems.count; i++)
        rc = reconcile_system(&call, &items[i], compare, figures, complete);
    if (rc == OK && *complete)
        figures->last_success_at = clock_wall_ns(context->tools->clock);
    job_close(&call);
    return rc;
}
