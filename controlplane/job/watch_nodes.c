/*
 * How it flows: systems from the database -> links; events from the queue -> rows; VARZ of each
 * link -> node_seen, node_facts_set.  Nothing is asked of a node inside a transaction.
 *
 * Whether a node lets accounts be deleted is not in VARZ; it is asked with a signed request to
 * forget an account that nobody has.  A yes holds for that server id; a no may be said by a node
 * that has just begun and does not listen yet: it is asked again, ever more rarely.
 */
#include "controlplane/job/watch_nodes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/jwt.h"
#include "controlplane/domain/credential.h"
#include "controlplane/domain/outbox.h"
#include "controlplane/domain/usage.h"
#include "controlplane/job/meter.h"
#include "controlplane/link/node_requests.h"

enum {
    VARZ_EVERY_S = 30,
    VARZ_TIMEOUT_MS = 2000,
    LOOK_EVERY_MS = 1000,
    DOUBT_FIRST_S = 2,
    DOUBT_MAX_S = 600,
    URL_MAX = 256,
};

/* What was learned over one link. */
struct link_note {
    char url[URL_MAX];
    char server_id[NKEY_PUBLIC_MAX];
    int64_t asked_ns; /* monotonic; 0: never */
    uint64_t look;    /* the last one that found the link up */
    bool probed;      /* allow_delete and the resolver are known for this server id */
    bool allow_delete;
    const char *resolver_kind; /* a literal */
    int64_t doubt_s, doubt_ns; /* without allow_delete: how long that is believed; until when */
};

struct watch_nodes {
    const struct job_context *context;
    struct link_note notes[LINKS_MAX];
    size_t note_count;
    int64_t looked_ns;
    uint64_t look; /* counts them */
    _Atomic bool forget, wanted;
};

struct watch_nodes *watch_nodes_new(const struct job_context *context)
{
    struct watch_nodes *watch = mem_alloc(sizeof(*watch));

    watch->context = context;
    return watch;
}

void watch_nodes_free(struct watch_nodes *watch)
{
    mem_free(watch);
}

void watch_nodes_forget(struct watch_nodes *watch)
{
    atomic_store(&watch->forget, true);
}

void watch_nodes_look(struct watch_nodes *watch)
{
    atomic_store(&watch->wanted, true);
}

static struct link_note *note_of(struct watch_nodes *watch, const char *url)
{
    struct link_note *note;

    for (size_t i = 0; i < watch->note_count; i++) {
        if (strcmp(watch->notes[i].url, url) == 0)
            return &watch->notes[i];
    }
    if (strlen(url) >= URL_MAX)
        return NULL;
    if (watch->note_count == LINKS_MAX) /* of links that are gone, mostly */
        watch->note_count = 0;
    note = &watch->notes[watch->note_count++];
    *note = (struct link_note){0};
    snprintf(note->url, sizeof(note->url), "%s", url);
    return note;
}

/* --- systems -> links --------------------------------------------------------------------- */

static enum result update_links(struct watch_nodes *watch, struct job_call *call,
                                struct db_rows *systems)
{
    struct link_target *targets = arena_alloc_array(&call->arena, LINKS_MAX, sizeof(*targets));
    const struct nats_system *items;
    size_t count = 0;
    enum result rc = job_systems(call, systems);

    if (rc != OK)
        return rc;
    items = systems->items;
    for (size_t i = 0; i < systems->count; i++) {
        if (strcmp(items[i].resource.state, "released") == 0)
            continue;
        for (size_t j = 0; j < items[i].urls.count && count < LINKS_MAX; j++)
            targets[count++] =
                (struct link_target){items[i].resource.id, items[i].urls.items[j], NULL};
    }
    link_set_update(watch->context->links, targets, count);
    return OK;
}

/* --- VARZ -> registry --------------------------------------------------------------------- */

static void add_key(struct strings *keys, const char *key)
{
    keys->items[keys->count++] = key;
}

/* The keys that a node accepts as issuers of accounts, from its operators' tokens. */
static void read_trust(const struct sys_varz *varz, struct arena *arena, struct node_facts *facts)
{
    enum { KEYS_MAX = 256 };
    const char **items = arena_alloc_array(arena, KEYS_MAX, sizeof(*items));

    facts->trusted_keys.items = items;
    for (size_t i = 0; i < varz->trusted_operators_jwt.count; i++) {
        struct claims claims;
        struct shape_error error;

        if (jwt_decode(slice_of(varz->trusted_operators_jwt.items[i]), arena, &claims, &error) !=
                OK ||
            claims.type != CLAIMS_OPERATOR)
            continue;
        facts->operator_jti = claims.jti;
        if (!claims.operator->strict_signing_key_usage && facts->trusted_keys.count<KEYS_MAX)
            add_key(&facts->trusted_keys, claims.sub);
        for (size_t j = 0;
             j < claims.operator->signing_keys.count && facts->trusted_keys.count<KEYS_MAX; j++)
            add_key(&facts->trusted_keys, claims.operator->signing_keys.items[j]);
    }
}

/* It said no, and that was some time ago. */
static bool in_doubt(const struct link_note *note, int64_t now)
{
    return note->probed && !note->allow_delete && now >= note->doubt_ns;
}

static void believe_for_a_while(struct link_note *note, int64_t now)
{
    note->doubt_s = note->doubt_s == 0 ? DOUBT_FIRST_S : note->doubt_s * 2;
    if (note->doubt_s > DOUBT_MAX_S)
        note->doubt_s = DOUBT_MAX_S;
    note->doubt_ns = now + note->doubt_s * NS_PER_S;
}

/* Does this node have a store of accounts, and may accounts be deleted from it? */
static void probe(struct watch_nodes *watch, struct job_call *call, struct link_note *note,
                  struct system_link *link, const char *system_id)
{
    struct nkey nobody;
    char key[NKEY_PUBLIC_MAX];
    const char *keys[] = {key};
    struct strings accounts = {keys, 1};
    struct sys_claims_reply reply;
    const char *request = NULL;
    struct strings stored;
    enum result rc;

    rc = node_request_list(link, VARZ_TIMEOUT_MS, &call->arena, &stored);
    if (rc != OK && rc != ERR_NOT_FOUND)
        return; /* asked again in the next look */
    note->resolver_kind = rc == OK ? "full" : "memory";
    note->allow_delete = false;
    note->probed = true;
    if (rc != OK)
        return;

    nkey_create(&nobody, NKEY_ACCOUNT, watch->context->tools->random);
    nkey_public(&nobody, key);
    nkey_wipe(&nobody);
    rc = job_begin(call);
    if (rc == OK)
        rc = job_end(call, nats_system_delete_request(&call->work, system_id, &accounts, &request));
    if (rc == OK)
        rc = node_request_delete(link, request, VARZ_TIMEOUT_MS, &call->arena, &reply);
    note->allow_delete = rc == OK;
    note->probed = rc == OK || rc == ERR_DENIED;
}

static struct node_report report_of(const struct node_varz *answer, const char *system_id,
                                    int64_t now_ns)
{
    const struct sys_varz *varz = &answer->varz;

    return (struct node_report){
        .system_id = system_id,
        .name = varz->server_name,
        .server_id = varz->server_id,
        .cluster = answer->server.cluster,
        .server_version = varz->version,
        .own = varz->go != NULL && strncmp(varz->go, "berth", 5) == 0,
        .jetstream = answer->server.jetstream,
        .started_at = varz->start,
        .tags = varz->tags,
        .max_payload = varz->max_payload,
        .clock_skew_ms = varz->now != 0 ? (varz->now - now_ns) / NS_PER_MS : 0,
    };
}

/* A process not seen before: whatever we believed about this node is in doubt. */
static enum result on_fresh(struct job_call *call, const struct node *node, const char *old_id)
{
    enum result rc = sync_forget_node(&call->work, node->resource.id);

    log_info(LOG_JOB, "node came name=%s server_id=%s", node->resource.name, node->server_id);
    if (rc == OK)
        rc = outbox_poke_system(&call->work, node->system_id);
    if (rc == OK && old_id != NULL && strcmp(old_id, node->server_id) != 0)
        rc = usage_close_server(&call->work, old_id, node->started_at, false,
                                "the process ended without notice");
    if (rc == OK)
        call->work.wake |= WAKE_OUTBOX | WAKE_RECONCILE;
    return rc;
}

static enum result record_node(struct job_call *call, const struct node_report *report,
                               const struct node_facts *facts)
{
    struct node before = {0}, node;
    const char *old_id = NULL;
    bool fresh = false;
    enum result rc = job_begin(call);

    if (rc != OK)
        return rc;
    rc = node_by_ref(&call->work, report->system_id, report->name, &before);
    if (rc == OK)
        old_id = before.server_id;
    if (rc == ERR_NOT_FOUND)
        rc = OK;
    if (rc == OK)
        rc = node_seen(&call->work, report, &node, &fresh);
    if (rc == OK && fresh)
        rc = on_fresh(call, &node, old_id);
    if (rc == OK && facts != NULL)
        rc = node_facts_set(&call->work, node.resource.id, facts);
    return job_end(call, rc);
}

/* The link is up, and was not in the look before: what waits for its node need not wait. */
static enum result on_return(struct watch_nodes *watch, struct job_call *call,
                             struct link_note *note, const char *system_id)
{
    bool returned = note->look + 1 != watch->look;
    enum result rc;

    note->look = watch->look;
    if (!returned)
        return OK;
    rc = job_begin(call);
    return rc == OK ? job_end(call, outbox_poke_system(&call->work, system_id)) : rc;
}

/* Asks the node at the other end of a link, if it is time. */
static enum result visit(struct watch_nodes *watch, struct job_call *call, struct system_link *link,
                         const char *system_id)
{
    int64_t now = clock_mono_ns(watch->context->tools->clock);
    struct link_note *note = note_of(watch, system_link_url(link));
    struct node_varz answer = {0};
    struct node_facts facts = {0};
    struct node_report report;
    char server_id[NKEY_PUBLIC_MAX];
    enum result rc;

    system_link_server_id(link, server_id);
    if (note == NULL || server_id[0] == 0)
        return OK;
    rc = on_return(watch, call, note, system_id);
    if (rc != OK)
        return rc;
    if (strcmp(note->server_id, server_id) == 0 && note->asked_ns != 0 && !in_doubt(note, now) &&
        now - note->asked_ns < VARZ_EVERY_S * NS_PER_S)
        return OK;
    if (strcmp(note->server_id, server_id) != 0) {
        note->probed = false;
        note->doubt_s = 0;
    }
    if (node_request_varz(link, VARZ_TIMEOUT_MS, &call->arena, &answer) != OK ||
        answer.varz.server_name == NULL || answer.varz.server_id == NULL)
        return OK;
    report = report_of(&answer, system_id, clock_wall_ns(watch->context->tools->clock));
    read_trust(&answer.varz, &call->arena, &facts);
    if (!note->probed || in_doubt(note, now)) {
        believe_for_a_while(note, now);
        probe(watch, call, note, link, system_id);
    }
    if (!note->probed) /* half known is not known: what is recorded of it stays as it was */
        return OK;
    facts.resolver_kind = note->resolver_kind;
    facts.allow_delete = note->allow_delete;
    facts.config_digest = answer.varz.config_digest;
    memcpy(note->server_id, server_id, sizeof(note->server_id));
    note->asked_ns = now;
    return record_node(call, &report, &facts);
}

static enum result visit_system(struct watch_nodes *watch, struct job_call *call,
                                const char *system_id)
{
    struct link_taken links[LINKS_MAX];
    size_t count = link_set_take(watch->context->links, system_id, links, LINKS_MAX);
    int64_t moved;
    enum result rc = OK;

    for (size_t i = 0; i < count && rc == OK; i++)
        rc = visit(watch, call, links[i].link, system_id);
    link_set_give(watch->context->links, links, count);
    if (rc == OK)
        rc = job_begin(call);
    if (rc != OK)
        return rc;
    rc = node_age(&call->work, system_id, &moved);
    if (rc == OK)
        rc = nats_system_refresh_state(&call->work, system_id);
    return job_end(call, rc);
}

/* --- events ------------------------------------------------------------------------------- */

static enum result on_heartbeat(struct job_call *call, const struct node_event *event)
{
    struct node_report report = {
        .system_id = event->system_id,
        .name = event->server.name,
        .server_id = event->server.id,
        .cluster = event->server.cluster,
        .server_version = event->server.ver,
        .started_at = event->started_at,
        .jetstream = event->server.jetstream,
        .tags = event->server.tags,
        .clock_skew_ms =
            event->server.time != 0 ? (event->server.time - event->received_ns) / NS_PER_MS : 0,
    };
    struct node known, node;
    bool fresh;
    enum result rc = node_by_ref(&call->work, event->system_id, event->server.id, &known);

    /* A node not known yet is entered by VARZ, which says more. */
    if (rc == ERR_NOT_FOUND)
        return OK;
    if (rc != OK)
        return rc;
    report.own = known.own;
    report.max_payload = known.max_payload;
    rc = node_seen(&call->work, &report, &node, &fresh);
    if (rc == OK && fresh)
        rc = on_fresh(call, &node, known.server_id);
    return rc;
}

static enum result on_leaving(struct job_call *call, const struct node_event *event)
{
    bool shutdown = event->kind == EVENT_SHUTDOWN;
    struct node node;
    enum result rc = node_by_ref(&call->work, event->system_id, event->server.id, &node);

    log_info(LOG_JOB, "node leaves name=%s server_id=%s how=%s", event->server.name,
             event->server.id, shutdown ? "shutdown" : "lame_duck");
    if (rc == ERR_NOT_FOUND)
        return OK;
    /* A node of ours reports every counter before it says SHUTDOWN. */
    if (rc == OK && shutdown)
        rc = usage_close_server(&call->work, event->server.id, event->received_ns, node.own,
                                "the node was shut down");
    if (rc == OK)
        rc = node_leaving(&call->work, event->server.id, shutdown);
    if (rc == OK && !shutdown)
        call->work.wake |= WAKE_METER;
    return rc;
}

static enum result on_event(struct job_call *call, const struct node_event *event)
{
    switch (event->kind) {
    case EVENT_HEARTBEAT:
        return on_heartbeat(call, event);
    case EVENT_LAMEDUCK:
    case EVENT_SHUTDOWN:
        return on_leaving(call, event);
    case EVENT_CONNECT:
        if (event->credential_jti == NULL || event->account == NULL)
            return OK;
        return credential_seen(&call->work, event->account, event->credential_jti,
                               event->received_ns, event->host);
    case EVENT_CONNS:
        return meter_event(call, event);
    case EVENT_DISCONNECT:
        return OK;
    }
    CHECK_UNREACHABLE("event kind");
}

/*
 * An event that the database refuses is dropped, so that it cannot hold up the others; while the
 * database is away they wait.
 */
enum result watch_nodes_events(struct watch_nodes *watch)
{
    struct node_events *events = watch->context->events;
    struct node_event *event;
    struct job_call call;
    enum result rc = job_open(watch->context, &call);

    if (rc != OK)
        return rc;
    while (rc == OK && (event = node_events_take(events)) != NULL) {
        rc = job_begin(&call);
        if (rc == OK)
            rc = job_end(&call, on_event(&call, event));
        arena_reset(&call.arena);
        if (rc == ERR_UNAVAILABLE || rc == ERR_TIMEOUT || rc == ERR_CONFLICT) {
            node_events_return(events, event);
            continue; /* ends: rc is no success */
        }
        if (rc != OK)
            log_every(10000, LOG_WARN, LOG_JOB, "an event was dropped kind=%d error=%s",
                      (int)event->kind, result_name(rc));
        rc = OK;
        node_event_free(event);
    }
    job_close(&call);
    return rc == ERR_CONFLICT ? OK : rc; /* lost a race: the next pass begins with it */
}

/* Links, VARZ, ages. */
static enum result look(struct watch_nodes *watch)
{
    struct job_call call;
    struct db_rows systems;
    int64_t moved;
    enum result rc = job_open(watch->context, &call);

    if (rc != OK)
        return rc;
    if (atomic_exchange(&watch->forget, false))
        watch->note_count = 0;
    watch->look++;
    rc = update_links(watch, &call, &systems);
    for (size_t i = 0; rc == OK && i < systems.count; i++)
        rc = visit_system(watch, &call, ((struct nats_system *)systems.items)[i].resource.id);
    if (rc == OK)
        rc = job_begin(&call);
    if (rc == OK)
        rc = job_end(&call, credential_age(&call.work, &moved));
    job_close(&call);
    return rc;
}

enum result watch_nodes_pass(struct watch_nodes *watch)
{
    int64_t now = clock_mono_ns(watch->context->tools->clock);
    enum result rc = watch_nodes_events(watch);
    bool wanted = atomic_exchange(&watch->wanted, false) || atomic_load(&watch->forget);

    if (rc != OK ||
        (!wanted && watch->looked_ns != 0 && now - watch->looked_ns < LOOK_EVERY_MS * NS_PER_MS))
        return rc;
    watch->looked_ns = now;
    return look(watch);
}
