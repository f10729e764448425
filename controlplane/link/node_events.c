#include "controlplane/link/node_events.h"

#include <pthread.h>
#include <string.h>

#include "api/base/base64.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/log.h"
#include "api/base/mem.h"

enum { JWT_PAYLOAD_MAX = 64 << 10, LOG_EVERY_MS = 60000 };

struct node_events {
    pthread_mutex_t mutex;
    struct list queue;
    size_t count;
    void (*on_add)(void *arg);
    void *on_add_arg;
};

const char *const node_event_subjects[] = {
    "$SYS.SERVER.*.STATSZ",
    "$SYS.SERVER.*.LAMEDUCK",
    "$SYS.SERVER.*.SHUTDOWN",
    "$SYS.ACCOUNT.*.CONNECT",
    "$SYS.ACCOUNT.*.DISCONNECT",
    "$SYS.ACCOUNT.*.SERVER.CONNS",
    NULL,
};

/* The one member of a user JWT that is kept. */
struct user_token {
    const char *jti;
};
#define T struct user_token
static const struct field user_token_fields[] = {
    {"jti", STRING_AT(T, jti)},
};
#undef T
static const struct shape user_token_shape = SHAPE(struct user_token, user_token_fields);

/* Without verifying: the node has done that. */
static const char *jti_of(const char *jwt, struct arena *arena)
{
    struct slice rest = slice_of(jwt), header, payload;
    struct user_token token = {0};
    struct shape_error error;
    size_t len;
    char *text;

    if (jwt == NULL || !slice_cut(&rest, '.', &header) || !slice_cut(&rest, '.', &payload) ||
        payload.len > JWT_PAYLOAD_MAX)
        return NULL;
    text = arena_alloc(arena, payload.len + 1);
    if (base64url_decode(payload, text, payload.len, &len) != OK ||
        shape_decode_text(&user_token_shape, slice_make(text, len), SHAPE_LENIENT, arena, &token,
                          &error) != OK)
        return NULL;
    return token.jti;
}

static enum result read_heartbeat(struct node_event *event, struct slice body)
{
    struct sys_statsz statsz;
    struct shape_error error;
    enum result rc =
        shape_decode_text(&sys_statsz_shape, body, SHAPE_LENIENT, &event->arena, &statsz, &error);

    if (rc != OK)
        return rc;
    event->server = statsz.server;
    event->started_at = statsz.statsz.start;
    return OK;
}

static enum result read_server(struct node_event *event, struct slice body)
{
    struct shape_error error;

    return shape_decode_text(&sys_server_shape, body, SHAPE_LENIENT, &event->arena, &event->server,
                             &error);
}

static const char *keep(struct node_event *event, const char *text)
{
    return text != NULL ? arena_strdup(&event->arena, text) : NULL;
}

/* Read in an arena of its own, so that the JWT does not stay with the event. */
static enum result read_connect(struct node_event *event, struct slice body)
{
    struct arena scratch = {0};
    struct sys_connect connect;
    struct shape_error error;
    enum result rc =
        shape_decode_text(&sys_connect_shape, body, SHAPE_LENIENT, &scratch, &connect, &error);

    if (rc == OK) {
        event->server.id = keep(event, connect.server.id);
        event->server.name = keep(event, connect.server.name);
        event->account = keep(event, connect.client.acc);
        event->host = keep(event, connect.client.host);
        event->credential_jti = keep(event, jti_of(connect.client.jwt, &scratch));
    }
    arena_fini(&scratch);
    return rc;
}

static enum result read_disconnect(struct node_event *event, struct slice body)
{
    struct sys_disconnect disconnect;
    struct shape_error error;
    enum result rc = shape_decode_text(&sys_disconnect_shape, body, SHAPE_LENIENT, &event->arena,
                                       &disconnect, &error);

    if (rc != OK)
        return rc;
    event->server = disconnect.server;
    event->account = disconnect.client.acc;
    return OK;
}

static enum result read_conns(struct node_event *event, struct slice body)
{
    struct sys_account_conns conns;
    struct shape_error error;
    enum result rc = shape_decode_text(&sys_account_conns_shape, body, SHAPE_LENIENT, &event->arena,
                                       &conns, &error);

    if (rc != OK)
        return rc;
    event->server = conns.server;
    event->stat = conns.stat;
    return conns.stat.acc != NULL ? OK : ERR_INVALID;
}

static const struct {
    const char *ending;
    enum node_event_kind kind;
    enum result (*read)(struct node_event *event, struct slice body);
} readers[] = {
    {".STATSZ", EVENT_HEARTBEAT, read_heartbeat},       {".LAMEDUCK", EVENT_LAMEDUCK, read_server},
    {".SHUTDOWN", EVENT_SHUTDOWN, read_server},         {".CONNECT", EVENT_CONNECT, read_connect},
    {".DISCONNECT", EVENT_DISCONNECT, read_disconnect}, {".CONNS", EVENT_CONNS, read_conns},
};

struct node_events *node_events_new(void)
{
    struct node_events *events = mem_alloc(sizeof(*events));

    pthread_mutex_init(&events->mutex, NULL);
    list_init(&events->queue);
    return events;
}

void node_events_free(struct node_events *events)
{
    struct node_event *event;

    if (events == NULL)
        return;
    while ((event = node_events_take(events)) != NULL)
        node_event_free(event);
    pthread_mutex_destroy(&events->mutex);
    mem_free(events);
}

void node_event_free(struct node_event *event)
{
    arena_fini(&event->arena);
    mem_free(event);
}

void node_events_on_add(struct node_events *events, void (*fn)(void *arg), void *arg)
{
    events->on_add = fn;
    events->on_add_arg = arg;
}

static struct node_event *read_event(const char *system_id, const char *subject, struct slice body)
{
    struct node_event *event = mem_alloc(sizeof(*event));

    arena_init(&event->arena);
    event->system_id = arena_strdup(&event->arena, system_id);
    event->received_ns = clock_wall_ns(clock_system());
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        if (!slice_ends(slice_of(subject), slice_of(readers[i].ending)))
            continue;
        event->kind = readers[i].kind;
        if (readers[i].read(event, body) == OK && event->server.id != NULL)
            return event;
        break;
    }
    log_every(LOG_EVERY_MS, LOG_WARN, LOG_LINK, "cannot read an event subject=%s bytes=%zu",
              subject, body.len);
    node_event_free(event);
    return NULL;
}

void node_events_add(struct node_events *events, const char *system_id, const char *subject,
                     struct slice body)
{
    struct node_event *event = read_event(system_id, subject, body);
    bool full, first = false;

    if (event == NULL)
        return;
    pthread_mutex_lock(&events->mutex);
    full = events->count == NODE_EVENTS_MAX;
    if (!full) {
        first = events->count++ == 0;
        list_push(&events->queue, &event->item);
    }
    pthread_mutex_unlock(&events->mutex);
    if (full) {
        log_every(LOG_EVERY_MS, LOG_WARN, LOG_LINK, "events dropped: %d wait already",
                  NODE_EVENTS_MAX);
        node_event_free(event);
    } else if (first && events->on_add != NULL) {
        events->on_add(events->on_add_arg);
    }
}

struct node_event *node_events_take(struct node_events *events)
{
    struct list *item;

    pthread_mutex_lock(&events->mutex);
    item = list_pop(&events->queue);
    if (item != NULL)
        events->count--;
    pthread_mutex_unlock(&events->mutex);
    return item != NULL ? list_entry(item, struct node_event, item) : NULL;
}

void node_events_return(struct node_events *events, struct node_event *event)
{
    pthread_mutex_lock(&events->mutex);
    list_push_front(&events->queue, &event->item);
    events->count++;
    pthread_mutex_unlock(&events->mutex);
}
