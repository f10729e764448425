/*
 * How it flows: libmicrohttpd's thread gathers head and body, then suspends the connection and
 * queues the call; a worker runs the router, and either resumes the connection with its answer or
 * puts it on the list of those that wait for nodes; the waiter looks at that list whenever a sync
 * row changed, and at every deadline.
 *
 * A call belongs to one of: the gathering thread, the queue, a worker, the waiting list; it is
 * handed on under the mutex and never touched by two.
 */
#include "controlplane/rest/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/crowd.h"
#include "api/base/list.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/domain/nats_system.h"
#include "controlplane/rest/dispatch.h"
#include "controlplane/rest/request.h"
#include "controlplane/rest/server.h"

enum {
    THREADS_MAX = 64,
    HEAD_TIMEOUT_S = 10, /* without a byte, before the first request is there */
    CONNECTION_TIMEOUT_S = 75,
    LEAVERS_MAX = 64, /* told to go and not gone yet; libmicrohttpd takes 10 in a row */
    REQUEST_ID_MAX = 64,
    TRACE_ID_LEN = 32,
    TRACEPARENT_LEN = 2 + 1 + TRACE_ID_LEN + 1 + 16 + 1 + 2,
    WAIT_POLL_MS = 1000,
    HEADERS_MAX_BYTES = 32 << 10,
    DROPPED_MAX = 8 << 20, /* of a body that is too large: then the connection is closed */
    BODIES_MAX = 64 << 20, /* of all requests together */
    STOP_WAIT_MS = 3000,   /* for answers under way to be taken */
};

struct rest;

/* One connection. */
struct http_guest {
    struct crowd_member member;
    int fd; /* libmicrohttpd's */
};

struct http_call {
    struct list item; /* in the queue or in the waiting list */
    struct rest *rest;
    struct MHD_Connection *connection;
    struct arena arena;
    struct buf body;
    struct rest_request request;
    struct rest_call call;
    int64_t begun_ns, until_ns; /* monotonic */
    bool handed;                /* to the workers */
    bool answered;              /* the reply is complete */
    size_t dropped;             /* bytes of a body that is too large */
    char source_ip[INET6_ADDRSTRLEN];
    char request_id[REQUEST_ID_MAX + 8];
};

struct rest {
    struct rest_server server;
    struct MHD_Daemon *daemon;
    uint16_t port;
    int listener; /* until the daemon has it; then -1 */
    pthread_t workers[THREADS_MAX], waiter;
    size_t worker_count;
    pthread_mutex_t mutex;
    pthread_cond_t work, changed;
    struct list queue, waiting;
    size_t queued;
    size_t open; /* calls handed to the workers whose answer has not been taken yet */
    pthread_cond_t taken;
    bool stopping, sync_changed;
    bool ended; /* the main thread's */
    /* libmicrohttpd's thread's: */
    struct crowd crowd; /* of http_guests */
    size_t bodies;      /* bytes of bodies in memory */
};

/* --- who is here -------------------------------------------------------------------------- */

static struct http_guest *guest_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* libmicrohttpd finds the connection at its end and closes it. */
static void let_go(struct crowd_member *leaver)
{
    if (leaver != NULL)
        (void)shutdown(container_of(leaver, struct http_guest, member)->fd, SHUT_RDWR);
}

static struct http_guest *guest_new(struct rest *rest, struct MHD_Connection *connection)
{
    struct http_guest *guest = mem_alloc(sizeof(*guest));

    guest->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    let_go(crowd_enter(
        &rest->crowd, &guest->member,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr));
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)HEAD_TIMEOUT_S);
    return guest;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct rest *rest = arg;
    struct http_guest *guest = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = guest_new(rest, connection);
    } else if (guest != NULL) {
        crowd_leave(&rest->crowd, &guest->member);
        mem_free(guest);
        *context = NULL;
    }
}

/* --- answers ------------------------------------------------------------------------------ */

static void wipe_and_free(void *data)
{
    /* Answers may hold seeds and tokens; the length is kept in front. */
    size_t len;

    memcpy(&len, (char *)data - sizeof(len), sizeof(len));
    sodium_memzero(data, len);
    mem_free((char *)data - sizeof(len));
}

static struct MHD_Response *body_response(const struct rest_reply *reply)
{
    size_t len = reply->body != NULL ? reply->body_len : 0;
    char *copy;

    if (len == 0)
        return MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    copy = mem_alloc(sizeof(len) + len);
    memcpy(copy, &len, sizeof(len));
    memcpy(copy + sizeof(len), reply->body, len);
    return MHD_create_response_from_buffer_with_free_callback(len, copy + sizeof(len),
                                                              wipe_and_free);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL && MHD_add_response_header(response, name, value) != MHD_YES)
        log_error(LOG_REST, "a header was refused name=%s", name);
}

static enum MHD_Result answer(struct http_call *http)
{
    const struct rest_reply *reply = &http->call.reply;
    struct MHD_Response *response = body_response(reply);
    enum MHD_Result done;

    CHECK(response != NULL);
    add_header(response, "Content-Type", reply->body != NULL ? reply->media_type : NULL);
    add_header(response, "X-Request-Id", http->request_id);
    add_header(response, "ETag", reply->etag);
    add_header(response, "Location", reply->location);
    add_header(response, "Link", reply->link);
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < reply->header_count; i++)
        add_header(response, reply->headers[i].name, reply->headers[i].value);
    done = MHD_queue_response(http->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    crowd_wait(&guest_of(http->connection)->member); /* for the peer to take it */
    return done;
}

/* --- waiting for nodes -------------------------------------------------------------------- */

/* The answer was made before the nodes had it: its "sync" is brought up to date. */
static void refresh_sync(struct http_call *http, const struct sync *sync)
{
    struct rest_reply *reply = &http->call.reply;
    struct shape_error error;
    json_t *tree, *member;

    if (reply->body == NULL ||
        shape_parse(slice_make(reply->body, reply->body_len), &tree, &error) != OK)
        return;
    member = json_object_get(tree, "sync");
    if (!json_is_object(member)) {
        member = json_object();
        json_object_set_new(tree, "sync", member);
    }
    json_object_set_new(member, "state", json_string(sync->state));
    json_object_set_new(member, "revision", json_integer(sync->revision));
    json_object_set_new(member, "nodes_ok", json_integer(sync->nodes_stored));
    json_object_set_new(member, "nodes_total", json_integer(sync->nodes_total));
    router_reply_json(&http->call, reply->status, tree);
    json_decref(tree);
}

/* True: it need not wait any longer. */
static bool look(struct http_call *http, struct db *db, bool late)
{
    struct rest_call *call = &http->call;
    struct sync sync;
    bool reached = false;
    enum result rc;

    call->work.db = db;
    *call->work.refusal = (struct refusal){.arena = call->arena};
    rc = db_begin(db, NULL);
    if (rc == OK) {
        rc = sync_reached(&call->work, call->wait.account_id, call->wait.revision, &reached);
        if (rc == OK && (reached || late))
            rc = sync_of_account(&call->work, call->wait.account_id, &sync);
        rc = db_end(db, rc);
    }
    call->work.db = NULL;
    if (rc == OK && (reached || late))
        refresh_sync(http, &sync);
    return late || reached || rc == ERR_NOT_FOUND;
}

static void finish(struct http_call *http)
{
    http->answered = true;
    MHD_resume_connection(http->connection);
}

/* Looks at every waiting call once. */
static void look_at_all(struct rest *rest, bool stopping)
{
    int64_t now = clock_mono_ns(rest->server.tools->clock);
    struct list batch, *item;
    struct db *db;

    list_init(&batch);
    pthread_mutex_lock(&rest->mutex);
    list_splice(&batch, &rest->waiting);
    pthread_mutex_unlock(&rest->mutex);
    if (list_empty(&batch))
        return;
    if (pool_take(rest->server.pool, WAIT_POLL_MS, &db) != OK)
        db = NULL;
    while ((item = list_pop(&batch)) != NULL) {
        struct http_call *http = list_entry(item, struct http_call, item);
        bool late = now >= http->until_ns || stopping;

        if (db != NULL ? look(http, db, late) : late) {
            finish(http);
            continue;
        }
        pthread_mutex_lock(&rest->mutex);
        list_push(&rest->waiting, &http->item);
        pthread_mutex_unlock(&rest->mutex);
    }
    if (db != NULL)
        pool_give(rest->server.pool, db);
}

/* When the next deadline is, at most WAIT_POLL_MS from now.  Under the mutex. */
static void next_look(struct rest *rest, struct timespec *until)
{
    int64_t now = clock_mono_ns(rest->server.tools->clock);
    int64_t wait_ns = WAIT_POLL_MS * NS_PER_MS;

    list_each(&rest->waiting, item, after)
    {
        int64_t left = list_entry(item, struct http_call, item)->until_ns - now;

        if (left < wait_ns)
            wait_ns = left > 0 ? left : 0;
    }
    clock_gettime(CLOCK_MONOTONIC, until);
    until->tv_nsec += (long)(wait_ns % NS_PER_S);
    until->tv_sec += wait_ns / NS_PER_S;
    if (until->tv_nsec >= NS_PER_S) {
        until->tv_nsec -= NS_PER_S;
        until->tv_sec++;
    }
}

static void *run_waiter(void *arg)
{
    struct rest *rest = arg;
    bool stopping = false;

    while (!stopping) {
        struct timespec until;

        pthread_mutex_lock(&rest->mutex);
        while (list_empty(&rest->waiting) && !rest->stopping)
            pthread_cond_wait(&rest->changed, &rest->mutex);
        next_look(rest, &until);
        while (!rest->sync_changed && !rest->stopping) {
            if (pthread_cond_timedwait(&rest->changed, &rest->mutex, &until) == ETIMEDOUT)
                break;
        }
        rest->sync_changed = false;
        stopping = rest->stopping;
        pthread_mutex_unlock(&rest->mutex);
        look_at_all(rest, stopping);
    }
    return NULL;
}

void rest_sync_changed(struct rest *rest)
{
    pthread_mutex_lock(&rest->mutex);
    rest->sync_changed = true;
    pthread_cond_signal(&rest->changed);
    pthread_mutex_unlock(&rest->mutex);
}

/* Prefer: wait=N; 0 without one. */
static int64_t wait_seconds(const struct rest_request *request)
{
    struct slice rest = slice_of(request->prefer), part, key;
    uint64_t seconds;

    while (!slice_empty(rest) && slice_cut(&rest, ',', &part)) {
        struct slice value = slice_trim(part);

        if (slice_cut(&value, '=', &key) && slice_equal_nocase(slice_trim(key), SLICE("wait")) &&
            slice_uint(slice_trim(value), INT32_MAX, &seconds))
            return seconds < REST_WAIT_MAX_S ? (int64_t)seconds : REST_WAIT_MAX_S;
    }
    return 0;
}

/* After the router: to the waiting list, or back to libmicrohttpd. */
static void hand_back(struct rest *rest, struct http_call *http)
{
    int64_t seconds = wait_seconds(&http->request);

    if (http->call.reply.status < 300 && http->call.wait.account_id != NULL && seconds > 0 &&
        (http->call.route->flags & ROUTE_WAIT)) {
        http->until_ns = clock_mono_ns(rest->server.tools->clock) + seconds * NS_PER_S;
        router_header(&http->call, "Preference-Applied",
                      arena_printf(&http->arena, "wait=%lld", (long long)seconds));
        pthread_mutex_lock(&rest->mutex);
        list_push(&rest->waiting, &http->item);
        rest->sync_changed = true; /* the nodes may have been faster than we are */
        pthread_cond_signal(&rest->changed);
        pthread_mutex_unlock(&rest->mutex);
        return;
    }
    finish(http);
}

/* --- workers ------------------------------------------------------------------------------ */

static void *run_worker(void *arg)
{
    struct rest *rest = arg;

    for (;;) {
        struct http_call *http;
        struct list *item;

        pthread_mutex_lock(&rest->mutex);
        while (list_empty(&rest->queue) && !rest->stopping)
            pthread_cond_wait(&rest->work, &rest->mutex);
        item = list_pop(&rest->queue);
        if (item != NULL)
            rest->queued--;
        pthread_mutex_unlock(&rest->mutex);
        if (item == NULL)
            return NULL; /* stopping, and all is done */
        http = list_entry(item, struct http_call, item);
        dispatch_run(&http->call);
        hand_back(rest, http);
    }
}

/* --- requests in -------------------------------------------------------------------------- */

/* A copy in which whatever is no printable UTF-8 is a '?': it may go to the log and the database.
 */
static const char *clean(struct arena *arena, const char *text)
{
    struct slice rest = slice_of(text);
    char *copy = arena_strdup(arena, text);

    for (size_t at = 0; at < rest.len;) {
        size_t len = slice_utf8(slice_from(rest, at));

        if (len == 0 || (unsigned char)copy[at] < ' ' || copy[at] == 0x7f) {
            copy[at] = '?';
            len = 1;
        }
        at += len;
    }
    return copy;
}

static const char *header(struct http_call *http, const char *name)
{
    const char *value = MHD_lookup_connection_value(http->connection, MHD_HEADER_KIND, name);

    return value != NULL ? clean(&http->arena, value) : NULL;
}

static bool request_id_valid(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    return len >= 1 && len <= REQUEST_ID_MAX &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:") ==
               len;
}

static void make_request_id(struct http_call *http)
{
    uint8_t bytes[12];
    char text[2 * sizeof(bytes) + 1];

    if (request_id_valid(http->request.request_id)) {
        snprintf(http->request_id, sizeof(http->request_id), "%s", http->request.request_id);
        return;
    }
    random_fill(http->rest->server.tools->random, bytes, sizeof(bytes));
    sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
    snprintf(http->request_id, sizeof(http->request_id), "req_%s", text);
}

/* 00-TRACE-SPAN-FLAGS in lower case hexadecimal: TRACE, or NULL. */
static const char *trace_id_of(struct http_call *http)
{
    const char *text = header(http, "traceparent");
    struct slice rest = slice_of(text), version, trace;

    if (text == NULL || strlen(text) != TRACEPARENT_LEN || !slice_cut(&rest, '-', &version) ||
        version.len != 2 || !slice_cut(&rest, '-', &trace) || trace.len != TRACE_ID_LEN)
        return NULL;
    text = arena_copy(&http->arena, trace);
    return strspn(text, "0123456789abcdef") == TRACE_ID_LEN && strspn(text, "0") < TRACE_ID_LEN
               ? text
               : NULL;
}

static void read_address(struct http_call *http)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(http->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info != NULL ? info->client_addr : NULL;

    if (address != NULL && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
                  http->source_ip, sizeof(http->source_ip));
    else if (address != NULL && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                  http->source_ip, sizeof(http->source_ip));
}

static void read_head(struct http_call *http)
{
    struct rest_request *request = &http->request;

    request->authorization = header(http, "Authorization");
    request->idempotency_key = header(http, "Idempotency-Key");
    request->if_match = header(http, "If-Match");
    request->prefer = header(http, "Prefer");
    request->content_type = header(http, "Content-Type");
    request->accept = header(http, "Accept");
    request->request_id = header(http, "X-Request-Id");
    request->trace_id = trace_id_of(http);
    request->user_agent = header(http, "User-Agent");
    read_address(http);
    request->source_ip = http->source_ip;
    make_request_id(http);
}

/* libmicrohttpd calls this first of all, with the target as it was sent. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct rest *rest = arg;
    struct http_call *http = mem_alloc(sizeof(*http));
    const char *question;

    arena_init(&http->arena);
    buf_init(&http->body, REST_BODY_MAX);
    http->rest = rest;
    http->connection = connection;
    http->begun_ns = clock_mono_ns(rest->server.tools->clock);
    target = clean(&http->arena, target);
    question = strchr(target, '?');
    http->request.path =
        question != NULL ? arena_copy(&http->arena, slice_make(target, (size_t)(question - target)))
                         : target;
    http->request.query = question != NULL ? question + 1 : "";
    return http;
}

static enum MHD_Result refuse_at_once(struct http_call *http)
{
    struct refusal refusal = {.arena = &http->arena, .retry_after_s = 1};
    struct problem problem;
    enum result rc =
        refusal_set(&refusal, REFUSAL_unavailable, "too many requests wait already; try again");

    problem = problem_of(rc, &refusal, http->request_id, http->request.path, &http->arena);
    http->call.reply.status = problem.status;
    http->call.reply.media_type = "application/problem+json";
    http->call.reply.body = problem.body;
    http->call.reply.body_len = strlen(problem.body);
    router_header(&http->call, "Retry-After", "1");
    http->answered = true;
    return answer(http);
}

/* The request is complete: to the workers. */
static enum MHD_Result hand_over(struct rest *rest, struct http_call *http)
{
    bool full;

    http->request.body = buf_slice(&http->body);
    http->call.method = http->request.method;
    http->call.path = http->request.path;
    http->call.query = http->request.query;
    http->call.arena = &http->arena;
    http->call.server = &rest->server;
    http->call.request = &http->request;
    http->call.who.request_id = http->request_id;

    /* In one go: nothing may come into the queue once the workers have been told to end. */
    pthread_mutex_lock(&rest->mutex);
    full = rest->queued >= (size_t)rest->server.options.queue_max || rest->stopping;
    if (!full) {
        http->handed = true;
        crowd_busy(&guest_of(http->connection)->member);
        MHD_suspend_connection(http->connection);
        list_push(&rest->queue, &http->item);
        rest->queued++;
        rest->open++;
        pthread_cond_signal(&rest->work);
    }
    pthread_mutex_unlock(&rest->mutex);
    return full ? refuse_at_once(http) : MHD_YES;
}

/* When bodies fill the memory they may have, somebody who waits is let go as in crowd.h. */
static void add_body(struct http_call *http, const char *data, size_t len)
{
    struct rest *rest = http->rest;

    rest->bodies -= http->body.cap;
    buf_add(&http->body, data, len);
    rest->bodies += http->body.cap;
    if (rest->bodies > BODIES_MAX)
        let_go(crowd_give_up(&rest->crowd));
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state)
{
    struct http_call *http = *state;

    if (http == NULL)
        return MHD_NO;
    if (http->request.method == NULL) {
        http->request.method = arena_strdup(&http->arena, method);
        read_head(http);
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                  (unsigned)CONNECTION_TIMEOUT_S);
        return MHD_YES;
    }
    if (http->answered)
        return answer(http);
    if (*len > 0) {
        add_body(http, data, *len);
        if (http->body.full) { /* the rest is read and dropped */
            http->request.too_large = true;
            http->dropped += *len;
        }
        *len = 0;
        return http->dropped <= DROPPED_MAX ? MHD_YES : MHD_NO;
    }
    return http->handed ? MHD_YES : hand_over(arg, http);
}

/* Probes and scrapers ask all day long: what went well is nobody's news. */
static enum log_level level_of(const struct rest_call *call)
{
    bool probe = call->route != NULL && strcmp(call->route->permission, "public") == 0 &&
                 strcmp(call->route->method, "GET") == 0;

    return probe && call->reply.status < 400 ? LOG_DEBUG : LOG_INFO;
}

static void log_request(const struct http_call *http)
{
    const struct rest_call *call = &http->call;
    int64_t ns = clock_mono_ns(http->rest->server.tools->clock) - http->begun_ns;
    const char *route = call->route != NULL ? call->route->id : "none";

    figures_count(http->rest->server.figures, route, call->reply.status, ns);
    log_context("request_id", http->request_id);
    log_context("trace_id", http->request.trace_id);
    if (call->who.token_id != NULL)
        log_context("principal", call->who.token_id);
    log_at(level_of(call), LOG_REST, "request method=%s route=%s status=%d ms=%lld",
           http->request.method, route, call->reply.status, (long long)(ns / NS_PER_MS));
    log_context_clear();
}

static void note_taken(struct rest *rest)
{
    pthread_mutex_lock(&rest->mutex);
    rest->open--;
    pthread_cond_broadcast(&rest->taken);
    pthread_mutex_unlock(&rest->mutex);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct http_call *http = *state;

    if (http == NULL)
        return;
    *state = NULL;
    if (http->answered)
        log_request(http);
    if (http->handed)
        note_taken(http->rest);
    if (http->body.data != NULL)
        sodium_memzero(http->body.data, http->body.cap);
    http->rest->bodies -= http->body.cap;
    buf_fini(&http->body);
    arena_wipe(&http->arena);
    mem_free(http);
}

/* --- start and stop ----------------------------------------------------------------------- */

/* "127.0.0.1:8080", "[::1]:0", ":8080" */
static enum result resolve(const char *listen, struct sockaddr_storage *out, socklen_t *len)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    const char *colon = strrchr(listen, ':');
    char host[256];
    size_t host_len;

    if (colon == NULL)
        return ERR_SYNTAX;
    host_len = (size_t)(colon - listen);
    if (host_len >= 2 && listen[0] == '[' && listen[host_len - 1] == ']') {
        listen++;
        host_len -= 2;
    }
    if (host_len >= sizeof(host))
        return ERR_SYNTAX;
    memcpy(host, listen, host_len);
    host[host_len] = 0;
    if (getaddrinfo(host_len > 0 ? host : NULL, colon + 1, &hints, &found) != 0)
        return ERR_SYNTAX;
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return OK;
}

static void on_mhd_log(void *arg, const char *format, va_list args)
{
    char text[256];

    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = 0;
    log_every(10000, LOG_WARN, LOG_REST, "libmicrohttpd: %s", text);
}

static void start_threads(struct rest *rest)
{
    int64_t wanted = rest->server.options.http_threads;

    rest->worker_count = wanted < 1 ? 1 : wanted > THREADS_MAX ? THREADS_MAX : (size_t)wanted;
    for (size_t i = 0; i < rest->worker_count; i++)
        CHECK(pthread_create(&rest->workers[i], NULL, run_worker, rest) == 0);
    CHECK(pthread_create(&rest->waiter, NULL, run_waiter, rest) == 0);
}

/* A listening socket of our own, so that the reason of a failure is ours to tell. */
static enum result open_socket(struct rest *rest, const char *listen_on,
                               char message[REST_MESSAGE_MAX])
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    int fd, one = 1;

    if (resolve(listen_on, &address, &len) != OK) {
        snprintf(message, REST_MESSAGE_MAX, "\"%s\" is not an address to listen on (HOST:PORT)",
                 listen_on);
        return ERR_IO;
    }
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        snprintf(message, REST_MESSAGE_MAX, "cannot listen on %s: %s", listen_on, strerror(errno));
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    rest->port =
        ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                                            : ((struct sockaddr_in *)(void *)&address)->sin_port);
    rest->listener = fd;
    return OK;
}

static void rest_free(struct rest *rest)
{
    if (rest->listener >= 0)
        close(rest->listener);
    pthread_cond_destroy(&rest->work);
    pthread_cond_destroy(&rest->changed);
    pthread_cond_destroy(&rest->taken);
    pthread_mutex_destroy(&rest->mutex);
    limit_free(rest->server.limit);
    figures_free(rest->server.figures);
    mem_free(rest);
}

static struct rest *rest_new(const struct rest_options *options, struct pool *pool,
                             const struct tools *tools, const struct rest_hooks *hooks)
{
    struct rest *rest = mem_alloc(sizeof(*rest));
    pthread_condattr_t attributes;

    rest->server = (struct rest_server){
        .options = *options,
        .hooks = *hooks,
        .pool = pool,
        .tools = tools,
        .limit = limit_new(tools->clock),
        .figures = figures_new(),
    };
    rest->listener = -1;
    pthread_mutex_init(&rest->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&rest->work, &attributes);
    pthread_cond_init(&rest->changed, &attributes);
    pthread_cond_init(&rest->taken, &attributes);
    pthread_condattr_destroy(&attributes);
    list_init(&rest->queue);
    list_init(&rest->waiting);
    crowd_init(&rest->crowd, (size_t)options->connections_max);
    return rest;
}

static void check_tables(void)
{
    for (size_t i = 0; rest_tables[i] != NULL; i++) {
        for (const struct rest_route *route = rest_tables[i]; route->method != NULL; route++) {
            CHECK(route->id != NULL && route->handler != NULL && route->permission != NULL);
            CHECK(strcmp(route->permission, "public") == 0 || authz_known(route->permission));
        }
    }
}

enum result rest_start(const struct rest_options *options, struct pool *pool,
                       const struct tools *tools, const struct rest_hooks *hooks, struct rest **out,
                       char message[REST_MESSAGE_MAX])
{
    struct rest *rest = rest_new(options, pool, tools, hooks);
    enum result rc;

    check_tables();
    rc = open_socket(rest, options->listen, message);
    if (rc != OK) {
        rest_free(rest);
        return rc;
    }
    start_threads(rest);
    *out = rest;
    return OK;
}

enum result rest_serve(struct rest *rest, char message[REST_MESSAGE_MAX])
{
    const struct rest_options *options = &rest->server.options;

    rest->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_request, rest, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET,
        rest->listener, MHD_OPTION_URI_LOG_CALLBACK, on_target, rest, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, rest, MHD_OPTION_NOTIFY_COMPLETED, on_completed, rest,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(options->connections_max + LEAVERS_MAX),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX_BYTES, MHD_OPTION_END);
    if (rest->daemon == NULL) {
        snprintf(message, REST_MESSAGE_MAX, "the HTTP server does not start on %s",
                 options->listen);
        return ERR_IO;
    }
    rest->listener = -1;
    return OK;
}

/* Answers are complete; libmicrohttpd still has to send them. */
static void await_taken(struct rest *rest)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_WAIT_MS / 1000;
    pthread_mutex_lock(&rest->mutex);
    while (rest->open > 0 && error == 0)
        error = pthread_cond_timedwait(&rest->taken, &rest->mutex, &until);
    pthread_mutex_unlock(&rest->mutex);
}

void rest_end(struct rest *rest)
{
    if (rest == NULL || rest->ended)
        return;
    rest->ended = true;
    if (rest->daemon != NULL) {
        MHD_socket fd = MHD_quiesce_daemon(rest->daemon);

        if (fd != MHD_INVALID_SOCKET)
            close(fd);
    }
    pthread_mutex_lock(&rest->mutex);
    rest->stopping = true;
    pthread_cond_broadcast(&rest->work);
    pthread_cond_broadcast(&rest->changed);
    pthread_mutex_unlock(&rest->mutex);
    for (size_t i = 0; i < rest->worker_count; i++)
        pthread_join(rest->workers[i], NULL);
    pthread_join(rest->waiter, NULL);
    look_at_all(rest, true); /* what workers put there meanwhile */
    await_taken(rest);
    if (rest->daemon != NULL)
        MHD_stop_daemon(rest->daemon);
    crowd_fini(&rest->crowd);
}

void rest_stop(struct rest *rest)
{
    if (rest == NULL)
        return;
    rest_end(rest);
    rest_free(rest);
}

uint16_t rest_port(const struct rest *rest)
{
    return rest->port;
}
