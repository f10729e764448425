#include "dataplane/monitor/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <microhttpd.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/crowd.h"
#include "api/base/mem.h"
#include "api/nats/sys_monitor.h"
#include "dataplane/monitor/report.h"

enum {
    BACKLOG = 128,
    HEAD_TIMEOUT_S = 10, /* without a byte, before the first request is there */
    IDLE_TIMEOUT_S = 60,
    LEAVERS_MAX = 64, /* told to go and not gone yet; libmicrohttpd takes 10 in a row */
};

/* --- what can be asked --------------------------------------------------------------------- */

enum param_kind {
    PARAM_BOOL,
    PARAM_INT,
    PARAM_UINT,
    PARAM_TEXT,
    PARAM_STATE,
    PARAM_SUBS,
    PARAM_BOOL_ONLY, /* must be one; nothing follows from it, there is nothing to show */
    PARAM_SUBS_ONLY,
    PARAM_INT_ONLY,
};

struct param {
    const char *name;
    enum param_kind kind;
    size_t offset, detail; /* detail: PARAM_SUBS, what "detail" sets */
};

struct page {
    const char *path;
    const char *report;         /* NULL: the text */
    const struct param *params; /* ends with a row without a name */
    bool compact;               /* not indented */
    unsigned code;              /* of the text */
    const char *type, *text;
    bool alias; /* counted as the page before it */
    bool uncounted;
    bool counted_late; /* only where the parameters can be read */
};

/* clang-format off */
#define T struct sys_connz_options
static const struct param connz_params[] = {
    {"sort",           PARAM_TEXT,  offsetof(T, sort)},
    {"auth",           PARAM_BOOL,  offsetof(T, auth)},
    {"subs",           PARAM_SUBS,  offsetof(T, subscriptions), offsetof(T, subscriptions_detail)},
    {"offset",         PARAM_INT,   offsetof(T, offset)},
    {"limit",          PARAM_INT,   offsetof(T, limit)},
    {"cid",            PARAM_UINT,  offsetof(T, cid)},
    {"state",          PARAM_STATE, offsetof(T, state)},
    {"user",           PARAM_TEXT,  offsetof(T, user)},
    {"acc",            PARAM_TEXT,  offsetof(T, acc)},
    {"mqtt_client",    PARAM_TEXT,  offsetof(T, mqtt_client)},
    {"filter_subject", PARAM_TEXT,  offsetof(T, filter_subject)},
    {0},
};
#undef T
#define T struct sys_subsz_options
static const struct param subsz_params[] = {
    {"subs",   PARAM_BOOL, offsetof(T, subscriptions)},
    {"offset", PARAM_INT,  offsetof(T, offset)},
    {"limit",  PARAM_INT,  offsetof(T, limit)},
    {"test",   PARAM_TEXT, offsetof(T, test)},
    {"acc",    PARAM_TEXT, offsetof(T, account)},
    {0},
};
#undef T
static const struct param accountz_params[] = {
    {"acc", PARAM_TEXT, offsetof(struct sys_accountz_options, account)},
    {0},
};
static const struct param accstatz_params[] = {
    {"unused", PARAM_BOOL, offsetof(struct sys_account_statz_options, include_unused)},
    {0},
};
#define T struct sys_healthz_options
static const struct param healthz_params[] = {
    {"js-enabled",      PARAM_BOOL, offsetof(T, js_enabled)},
    {"js-enabled-only", PARAM_BOOL, offsetof(T, js_enabled_only)},
    {"js-server-only",  PARAM_BOOL, offsetof(T, js_server_only)},
    {"js-meta-only",    PARAM_BOOL, offsetof(T, js_meta_only)},
    {"account",         PARAM_TEXT, offsetof(T, account)},
    {"stream",          PARAM_TEXT, offsetof(T, stream)},
    {"consumer",        PARAM_TEXT, offsetof(T, consumer)},
    {"details",         PARAM_BOOL, offsetof(T, details)},
    {0},
};
#undef T
static const struct param jsz_params[] = {
    {"accounts",           PARAM_BOOL_ONLY},
    {"streams",            PARAM_BOOL_ONLY},
    {"consumers",          PARAM_BOOL_ONLY},
    {"direct-consumers",   PARAM_BOOL_ONLY},
    {"config",             PARAM_BOOL_ONLY},
    {"leader-only",        PARAM_BOOL_ONLY},
    {"raft",               PARAM_BOOL_ONLY},
    {"stream-leader-only", PARAM_BOOL_ONLY},
    {"offset",             PARAM_INT_ONLY},
    {"limit",              PARAM_INT_ONLY},
    {0},
};
static const struct param routez_params[] = {
    {"subs", PARAM_SUBS_ONLY},
    {0},
};
static const struct param gatewayz_params[] = {
    {"accs", PARAM_BOOL_ONLY},
    {"subs", PARAM_SUBS_ONLY},
    {0},
};
static const struct param leafz_params[] = {
    {"subs", PARAM_BOOL_ONLY},
    {0},
};
static const struct param no_params[] = {{0}};

static const char index_html[] =
    "<html lang=\"en\"><head><title>berth-broker</title></head><body>\n"
    "<p>berth-broker " BERTH_VERSION "</p>\n"
    "<p><a href=\"./varz\">varz</a> <a href=\"./connz\">connz</a> <a href=\"./subsz\">subsz</a>\n"
    "<a href=\"./accountz\">accountz</a> <a href=\"./accstatz\">accstatz</a>\n"
    "<a href=\"./jsz\">jsz</a> <a href=\"./routez\">routez</a> <a href=\"./leafz\">leafz</a>\n"
    "<a href=\"./gatewayz\">gatewayz</a> <a href=\"./healthz\">healthz</a></p>\n"
    "</body></html>\n";
static const struct page pages[] = {
    {"/",               NULL,       no_params, .code = MHD_HTTP_OK,
     .type = "text/html; charset=utf-8", .text = index_html},
    {"/varz",           "VARZ",     no_params},
    {"/connz",          "CONNZ",    connz_params, .counted_late = true},
    {"/subsz",          "SUBSZ",    subsz_params},
    {"/subscriptionsz", "SUBSZ",    subsz_params, .alias = true},
    {"/accountz",       "ACCOUNTZ", accountz_params},
    {"/accstatz",       "ACCSTATZ", accstatz_params},
    {"/healthz",        "HEALTHZ",  healthz_params, .compact = true},
    {"/jsz",            "JSZ",      jsz_params},
    {"/routez",         "ROUTEZ",   routez_params, .counted_late = true},
    {"/gatewayz",       "GATEWAYZ", gatewayz_params},
    {"/leafz",          "LEAFZ",    leafz_params},
    {"/ipqueuesz",      NULL,       no_params, .code = MHD_HTTP_OK,
     .type = "application/json", .text = "{}", .uncounted = true},
    {"/raftz",          NULL,       no_params, .code = MHD_HTTP_NOT_FOUND,
     .type = "text/plain; charset=utf-8", .text = "No Raft nodes registered",
     .uncounted = true},
};

/* clang-format on */

struct http {
    struct monitor *monitor;
    struct MHD_Daemon *daemon;
    char *base_path; /* "" or "/path", without a slash at the end */
    int port;
    const char *paths[COUNT_OF(pages)];
    _Atomic int64_t requests[COUNT_OF(pages)];
    _Atomic unsigned under_way;
    struct crowd crowd; /* of http_guests; libmicrohttpd's thread */
};

/* One connection. */
struct http_guest {
    struct crowd_member member;
    int fd; /* libmicrohttpd's */
};

/* One request while its document is gathered. */
struct http_request {
    struct http *http;
    struct MHD_Connection *connection;
    const struct page *page;
    struct report_call *call;
    bool ready; /* the call is done */
};

/* --- parameters ---------------------------------------------------------------------------- */

static bool read_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

/* With or without a sign; what has none may be larger than what there is of anything here. */
static bool read_int(const char *text, bool sign, int64_t *out)
{
    const char *digits = text + (sign && (text[0] == '+' || text[0] == '-'));
    unsigned long long number;
    char *end;

    if (digits[0] < '0' || digits[0] > '9')
        return false;
    errno = 0;
    if (sign) {
        *out = strtoll(text, &end, 10);
    } else {
        number = strtoull(text, &end, 10);
        *out = number > INT64_MAX ? INT64_MAX : (int64_t)number;
    }
    return *end == '\0' && errno == 0;
}

static bool read_state(const char *text, int64_t *out)
{
    if (strcasecmp(text, "open") == 0)
        *out = SYS_CONN_OPEN;
    else if (strcasecmp(text, "closed") == 0)
        *out = SYS_CONN_CLOSED;
    else if (strcasecmp(text, "any") == 0 || strcasecmp(text, "all") == 0)
        *out = SYS_CONN_ALL;
    else
        return false;
    return true;
}

static bool read_param(const struct param *param, const char *text, struct report_call *call)
{
    char *member = (char *)call->options + param->offset;
    bool *detail = (bool *)(void *)((char *)call->options + param->detail);
    int64_t ignored_number, *number;
    bool ignored;

    switch (param->kind) {
    case PARAM_TEXT:
        *(const char **)(void *)member = arena_strdup(&call->arena, text);
        return true;
    case PARAM_SUBS:
        if (strcmp(text, "detail") == 0) {
            *detail = true;
            return true;
        }
        if (read_bool(text, (bool *)(void *)member))
            return true;
        break;
    case PARAM_BOOL:
        if (read_bool(text, (bool *)(void *)member))
            return true;
        break;
    case PARAM_BOOL_ONLY:
    case PARAM_SUBS_ONLY:
        if (read_bool(text, &ignored) ||
            (param->kind == PARAM_SUBS_ONLY && strcmp(text, "detail") == 0))
            return true;
        break;
    case PARAM_INT:
    case PARAM_UINT:
    case PARAM_INT_ONLY:
        number = param->kind == PARAM_INT_ONLY ? &ignored_number : (int64_t *)(void *)member;
        if (read_int(text, param->kind != PARAM_UINT, number))
            return true;
        report_fail(call, 400, "Error decoding %s for '%s': \"%.64s\" is not a number",
                    param->kind == PARAM_UINT ? "uint64" : "int", param->name, text);
        return false;
    case PARAM_STATE:
        if (read_state(text, (int64_t *)(void *)member))
            return true;
        report_fail(call, 400, "Error decoding state for %.64s", text);
        return false;
    }
    report_fail(call, 400, "Error decoding boolean for '%s': \"%.64s\" is neither true nor false",
                param->name, text);
    return false;
}

struct param_search {
    const char *name, *value;
};

/* By its exact name: libmicrohttpd's own search takes SUBS for subs. */
static enum MHD_Result is_param(void *arg, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct param_search *search = arg;

    if (strcmp(name, search->name) != 0)
        return MHD_YES;
    search->value = value;
    return MHD_NO;
}

/* False: one of them is wrong; the call says which. */
static bool read_params(struct http_request *request)
{
    for (const struct param *param = request->page->params; param->name != NULL; param++) {
        struct param_search search = {.name = param->name};

        MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, is_param, &search);
        if (slice_given(search.value) && !read_param(param, search.value, request->call))
            return false;
    }
    return true;
}

/* --- who is here --------------------------------------------------------------------------- */

static struct http_guest *guest_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static struct http_guest *guest_new(struct http *http, struct MHD_Connection *connection)
{
    struct http_guest *guest = mem_alloc(sizeof(*guest));
    struct crowd_member *leaver;

    guest->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    leaver = crowd_enter(
        &http->crowd, &guest->member,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    /* libmicrohttpd finds it at its end and closes it. */
    if (leaver != NULL)
        (void)shutdown(container_of(leaver, struct http_guest, member)->fd, SHUT_RDWR);
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)HEAD_TIMEOUT_S);
    return guest;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = arg;
    struct http_guest *guest = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = guest_new(http, connection);
    } else if (guest != NULL) {
        crowd_leave(&http->crowd, &guest->member);
        mem_free(guest);
        *context = NULL;
    }
}

/* --- answers ------------------------------------------------------------------------------- */

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned code, const char *type,
                                 const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    MHD_add_response_header(response, "Content-Type", type);
    if (strcmp(type, "application/json") == 0)
        MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
    result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    crowd_wait(&guest_of(connection)->member); /* for the peer to take it */
    return result;
}

static enum MHD_Result send_plain(struct MHD_Connection *connection, unsigned code,
                                  const char *text)
{
    return send_text(connection, code, "text/plain; charset=utf-8", text);
}

/* On a helper. */
static char *encode(struct report_call *call)
{
    const struct http_request *request = call->owner;
    json_t *tree;
    char *text, *copy;

    if (call->error.code != 0)
        return mem_strdup(call->error.description);
    tree = shape_encode(call->report->document_shape, call->document);
    if (request->page->compact) {
        json_object_del(tree, "status_code"); /* it is the status of the answer */
        copy = shape_dump(tree);
    } else {
        text = json_dumps(tree, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
        CHECK(text != NULL);
        copy = mem_strdup(text);
        free(text);
    }
    json_decref(tree);
    return copy;
}

/* On a worker: back to the thread of HTTP. */
static void on_report(struct report_call *call, struct worker *worker)
{
    struct http_request *request = call->owner;
    struct http *http = request->http;

    request->ready = true;
    MHD_resume_connection(request->connection);
    atomic_fetch_sub(&http->under_way, 1);
}

static enum MHD_Result send_report(const struct http_request *request)
{
    const struct report_call *call = request->call;

    if (call->error.code != 0)
        return send_plain(request->connection,
                          call->error.code == 503 ? MHD_HTTP_SERVICE_UNAVAILABLE
                                                  : MHD_HTTP_BAD_REQUEST,
                          call->text);
    return send_text(request->connection, call->code != 0 ? (unsigned)call->code : MHD_HTTP_OK,
                     "application/json", call->text);
}

static enum MHD_Result start_report(struct http_request *request, const struct page *page,
                                    _Atomic int64_t *counter)
{
    struct http *http = request->http;

    request->page = page;
    request->call = report_call_new(http->monitor, report_named(page->report));
    request->call->owner = request;
    request->call->asker = REPORT_OF_HTTP;
    request->call->encode = encode;
    request->call->done = on_report;
    if (read_params(request) || !page->counted_late)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    atomic_fetch_add(&http->under_way, 1);
    crowd_busy(&guest_of(request->connection)->member);
    MHD_suspend_connection(request->connection);
    report_start(request->call);
    return MHD_YES;
}

static const struct page *find_page(const struct http *http, const char *url, size_t *index)
{
    size_t base = strlen(http->base_path);

    if (strncmp(url, http->base_path, base) != 0)
        return NULL;
    url += base;
    if (url[0] == '\0')
        url = "/";
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(pages[i].path, url) == 0) {
            *index = pages[i].alias ? i - 1 : i;
            return &pages[i];
        }
    }
    return NULL;
}

/* Bodies are read and forgotten: every question is in the URL. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **context)
{
    struct http *http = arg;
    struct http_request *request = *context;
    const struct page *page;
    size_t index;

    if (request == NULL) { /* the headers are there, no more */
        request = mem_alloc(sizeof(*request));
        request->http = http;
        request->connection = connection;
        *context = request;
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                  (unsigned)IDLE_TIMEOUT_S);
        return MHD_YES;
    }
    if (request->call != NULL)
        return request->ready ? send_report(request) : MHD_YES;
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    page = find_page(http, url, &index);
    if (page == NULL)
        return send_plain(connection, MHD_HTTP_NOT_FOUND, "404 page not found\n");
    if (page->report != NULL)
        return start_report(request, page, &http->requests[index]);
    if (!page->uncounted)
        atomic_fetch_add_explicit(&http->requests[index], 1, memory_order_relaxed);
    return send_text(connection, page->code, page->type, page->text);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *context;

    if (request == NULL)
        return;
    report_call_free(request->call);
    mem_free(request);
    *context = NULL;
}

/* --- start and stop ------------------------------------------------------------------------ */

static bool is_any(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static int listen_on(const struct addrinfo *address, bool any)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, off = 0, saved;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (address->ai_family != AF_INET6 || !any ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Any address: both families on one socket, or the older one alone where there is no newer. */
static int open_socket(const struct http_options *options, char message[HTTP_MESSAGE_MAX])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const char *hosts[] = {options->host, NULL};
    bool any = is_any(options->host);
    struct addrinfo *found;
    char port[16];
    int fd = -1;

    snprintf(port, sizeof(port), "%d", options->port);
    if (any) {
        hosts[0] = "::";
        hosts[1] = "0.0.0.0";
    }
    for (size_t i = 0; i < COUNT_OF(hosts) && hosts[i] != NULL && fd < 0; i++) {
        int rc = getaddrinfo(hosts[i], port, &hints, &found);

        if (rc != 0) {
            snprintf(message, HTTP_MESSAGE_MAX, "listen tcp: lookup %s: no such host",
                     options->host);
            continue;
        }
        fd = listen_on(found, any);
        if (fd < 0)
            snprintf(message, HTTP_MESSAGE_MAX, "listen tcp %s:%d: bind: %s", options->host,
                     options->port,
                     errno == EADDRINUSE ? "address already in use" : strerror(errno));
        freeaddrinfo(found);
    }
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)(void *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

/* "/x/" and "x" -> "/x"; "/" -> "". */
static char *base_of(const char *path)
{
    struct slice s = slice_of(path);
    char *out;

    while (s.len > 0 && s.data[0] == '/')
        s = slice_from(s, 1);
    while (s.len > 0 && s.data[s.len - 1] == '/')
        s.len--;
    if (s.len == 0)
        return mem_strdup("");
    out = mem_alloc(s.len + 2);
    out[0] = '/';
    memcpy(out + 1, s.data, s.len);
    return out;
}

enum result http_start(const struct http_options *options, struct monitor *monitor,
                       struct http **out, char message[HTTP_MESSAGE_MAX])
{
    unsigned connections =
        options->connections_max > 0 ? options->connections_max : HTTP_CONNECTIONS_MAX;
    int fd = open_socket(options, message);
    struct http *http;

    if (fd < 0)
        return ERR_IO;
    http = mem_alloc(sizeof(*http));
    http->monitor = monitor;
    http->port = port_of(fd);
    http->base_path = base_of(options->base_path);
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        http->paths[i] = pages[i].path;
    monitor->facts.http_port = http->port;
    monitor->http_paths = http->paths;
    monitor->http_requests = http->requests;
    monitor->http_path_count = COUNT_OF(pages);
    crowd_init(&http->crowd, connections);
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_CONNECTION_LIMIT,
        connections + (connections < LEAVERS_MAX ? connections : LEAVERS_MAX),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_END);
    if (http->daemon == NULL) {
        snprintf(message, HTTP_MESSAGE_MAX, "the thread of HTTP cannot be started");
        close(fd);
        mem_free(http->base_path);
        mem_free(http);
        return ERR_IO;
    }
    *out = http;
    return OK;
}

int http_port(const struct http *http)
{
    return http->port;
}

void http_stop(struct http *http)
{
    int fd;

    if (http == NULL)
        return;
    fd = MHD_quiesce_daemon(http->daemon);
    /* What is under way is answered by workers that run; it does not take long. */
    while (atomic_load(&http->under_way) > 0)
        usleep(1000);
    MHD_stop_daemon(http->daemon);
    crowd_fini(&http->crowd);
    if (fd >= 0)
        close(fd);
    http->monitor->http_path_count = 0;
    mem_free(http->base_path);
    mem_free(http);
}
