#include "dataplane/node/node.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/files.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/nkey.h"
#include "dataplane/core/listener.h"
#include "dataplane/core/machine.h"
#include "dataplane/monitor/event.h"
#include "dataplane/monitor/http.h"
#include "dataplane/monitor/system.h"
#include "dataplane/node/process_files.h"
#include "dataplane/session/session_leave.h"
#include "dataplane/session/session_relieve.h"

#define NATS_VERSION "2.14.3"
#define API_LEVEL 4
#define POLL_MAX_NS (20 * NS_PER_US)
enum {
    OWN_FILES = 48, /* that the node has open, or opens for a moment */
    FILES_OF_WORKER = 2,
    CLIENTS_LEAST = 16, /* are let in, however few files there are */
};
#define BLOCKING_THREADS 4
#define LAME_DUCK_DONE (SIGRTMIN)

/*
 * Start:    port - identity - workers, pool - accounts, resolver, auth - monitor, sessions -
 *           on every worker its parts - HTTP - accept.
 * The end:  no more accepting - sessions of ordinary accounts are closed - final figures and
 *           SHUTDOWN to the system account - HTTP - workers (the rest is closed) - the others.
 */
struct node {
    struct node_options *options;
    char id[NKEY_PUBLIC_MAX], xkey[NKEY_PUBLIC_MAX];
    char *info_host;
    struct listener *listener;
    struct session_options session_options;
    struct workers *workers;
    struct blocking *blocking;
    struct account_table *accounts;
    struct resolver *resolver;
    struct auth *auth;
    struct monitor *monitor;
    struct session_table *sessions;
    struct system_service *system;
    struct http *http;
    sem_t done;          /* posted by workers that have done what they were asked */
    enum result started; /* by worker 0 */
    int http_port;       /* as it is */
    int64_t clients_max; /* connections */
    unsigned http_max;   /* the same of monitoring */
    struct buf ports_path;
    bool running; /* every worker has its parts */
    bool pid_written, ports_written, lame_duck;
};

/* --- work on workers, waited for ----------------------------------------------------------- */

struct node_mail {
    struct node *node;
    void (*fn)(struct node *node, struct worker *worker);
};

static void on_node_mail(struct worker *worker, void *body, size_t len)
{
    struct node_mail *mail = body;

    mail->fn(mail->node, worker);
    CHECK(sem_post(&mail->node->done) == 0);
}

static void wait_for(struct node *node, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        while (sem_wait(&node->done) != 0)
            CHECK(errno == EINTR);
}

static void on_worker(struct node *node, unsigned index,
                      void (*fn)(struct node *node, struct worker *worker))
{
    struct node_mail mail = {.node = node, .fn = fn};

    workers_post(node->workers, index, on_node_mail, &mail, sizeof(mail));
    wait_for(node, 1);
}

static void on_every_worker(struct node *node, void (*fn)(struct node *node, struct worker *worker))
{
    struct node_mail mail = {.node = node, .fn = fn};
    unsigned count = workers_count(node->workers);

    for (unsigned i = 0; i < count; i++)
        workers_post(node->workers, i, on_node_mail, &mail, sizeof(mail));
    wait_for(node, count);
}

/* --- identity, port ------------------------------------------------------------------------ */

static void make_identity(struct node *node)
{
    struct nkey key;

    nkey_create(&key, NKEY_SERVER, random_system());
    nkey_public(&key, node->id);
    nkey_wipe(&key);
    nkey_create(&key, NKEY_CURVE, random_system());
    nkey_public(&key, node->xkey);
    nkey_wipe(&key);
    if (!slice_given(node->options->server_name))
        node->options->server_name = node->id;
}

/*
 * Clients leave files for monitoring, and for what the node opens itself: else they could take
 * them all, and nobody would be told.
 */
static void share_files(struct node *node)
{
    const struct node_options *options = node->options;
    int64_t files = files_raise_limit(), http = files / 8, left;
    int64_t workers = options->workers > 0 ? options->workers : machine_cores();

    if (options->http_port == 0)
        http = 0;
    node->http_max = (unsigned)(http < HTTP_CONNECTIONS_MAX ? http : HTTP_CONNECTIONS_MAX);
    left = files - 2 * (int64_t)node->http_max - OWN_FILES - FILES_OF_WORKER * workers;
    if (left < CLIENTS_LEAST)
        left = CLIENTS_LEAST;
    node->clients_max = left;
    if (options->max_connections >= 0 && options->max_connections <= left)
        return;
    log_warn(LOG_MAIN,
             "This process may open %" PRId64 " files: at most %" PRId64
             " clients are let in at once.  Raise the limit (ulimit -n, LimitNOFILE=) or lower "
             "max_connections.",
             files, left);
}

static void bracketed(const char *host, int64_t port, char *out, size_t cap)
{
    bool six = strchr(host, ':') != NULL;

    snprintf(out, cap, "%s%s%s:%" PRId64, six ? "[" : "", host, six ? "]" : "", port);
}

enum { PORT_RETRIES = 25, PORT_RETRY_NS = 10000000 };

/* Whoever had the port may be about to leave it: a server that is being replaced. */
static enum result open_patiently(const char *host, int port, struct listener **out)
{
    const struct timespec pause = {.tv_nsec = PORT_RETRY_NS};
    enum result rc = listener_open(host, port, out);

    for (unsigned i = 0; i < PORT_RETRIES && rc == ERR_EXISTS; i++) {
        nanosleep(&pause, NULL);
        rc = listener_open(host, port, out);
    }
    return rc;
}

static enum result open_listener(struct node *node)
{
    const struct node_options *options = node->options;
    char address[300], why[PROCESS_FILES_WHY_MAX];
    enum result rc;

    bracketed(options->host, options->port, address, sizeof(address));
    if (options->port < 0 || options->port > UINT16_MAX) {
        log_fatal(LOG_MAIN,
                  "Error listening on port: %s, \"listen tcp: address %" PRId64 ": invalid port\"",
                  address, options->port);
        return ERR_INVALID;
    }
    rc = open_patiently(options->host, (int)options->port, &node->listener);
    if (rc == OK)
        return OK;
    if (rc == ERR_SYNTAX)
        log_fatal(LOG_MAIN, "Error listening on port: %s, \"listen tcp %s: no such host\"", address,
                  address);
    else
        log_fatal(LOG_MAIN, "Error listening on port: %s, \"listen tcp %s: bind: %s\"", address,
                  address, process_files_why(why));
    return rc;
}

/* --- options of the parts ------------------------------------------------------------------ */

/* What we say of where we are: as advertised (HOST, HOST:PORT, [HOST]:PORT), else where we listen.
 */
static void set_info_address(struct node *node, struct session_options *out)
{
    const char *advertise = node->options->client_advertise, *end, *colon;
    long port = 0;

    out->host = node->options->host;
    out->port = listener_port(node->listener);
    if (!slice_given(advertise))
        return;
    end = advertise[0] == '[' ? strchr(advertise, ']') : NULL;
    colon = strchr(end != NULL ? end : advertise, ':');
    if (end != NULL)
        advertise++; /* without the brackets */
    else
        end = colon != NULL ? colon : advertise + strlen(advertise);
    node->info_host = mem_strndup(advertise, (size_t)(end - advertise));
    out->host = node->info_host;
    if (colon != NULL)
        port = strtol(colon + 1, NULL, 10);
    if (port > 0)
        out->port = (int)port;
}

static void fill_session_options(struct node *node)
{
    const struct node_options *options = node->options;
    struct session_options *out = &node->session_options;

    *out = (struct session_options){
        .server_id = node->id,
        .server_name = options->server_name,
        .version = NATS_VERSION,
        .go = "berth-broker " BERTH_VERSION, /* what it runs on; clients print it */
        .xkey = node->xkey,
        .api_level = API_LEVEL,
        .headers_off = options->no_header_support,
        .max_payload =
            options->max_payload > 0 ? (uint32_t)options->max_payload : PARSER_PAYLOAD_UNLIMITED,
        .max_control_line = (uint32_t)options->max_control_line,
        .max_pending = (size_t)options->max_pending,
        .max_connections = options->max_connections,
        .clients_max = node->clients_max,
        .max_subscriptions = options->max_subscriptions,
        .max_subscription_tokens = (unsigned)options->max_subscription_tokens,
        .write_deadline_ns = options->write_deadline_ns,
        .ping_interval_ns = options->ping_interval_ns,
        .ping_max = (unsigned)options->ping_max,
        .auth_timeout_ns = options->auth_timeout_ns,
        .closed_max = (unsigned)options->max_closed_clients,
        .spread = options->spread,
    };
    set_info_address(node, out);
}

static void fill_facts(const struct node *node, struct monitor_facts *out)
{
    const struct node_options *options = node->options;

    *out = (struct monitor_facts){
        .server_id = node->id,
        .server_name = options->server_name,
        .version = NATS_VERSION,
        .go = node->session_options.go,
        .host = node->session_options.host,
        .port = node->session_options.port,
        .tags = options->tags,
        .metadata = options->metadata,
        .http_host = options->http_host != NULL ? options->http_host : options->host,
        .http_port = node->http_port,
        .http_base_path = options->http_base_path,
        .config_digest = options->digest,
        .system_account = options->system_account,
        .operators = options->operators.items,
        .operator_count = options->operators.count,
        .start_ns = clock_wall_ns(clock_system()),
    };
}

/* --- stopping on the workers --------------------------------------------------------------- */

static bool close_session(struct session *session, void *arg)
{
    session_close(session, SESSION_SHUTDOWN);
    return true;
}

/* Told to stop: what is still there is closed; turns go on until it is gone. */
static void on_closing(struct worker *worker, void *arg)
{
    const struct node *node = arg;

    if (node->running)
        session_table_walk(worker, close_session, NULL);
}

/* Not before every worker has its part: then there is nobody either who could hold anything. */
static void on_short(struct worker *worker, void *arg)
{
    struct node *node = arg;

    if (worker->part[WORKER_PART_SESSION] != NULL)
        session_relieve(node->sessions, worker);
}

static void on_stop(struct worker *worker, void *arg)
{
    struct node *node = arg;

    if (!node->running)
        return;
    system_service_stop(node->system, worker);
    session_table_stop(node->sessions, worker);
    deliver_stop(worker);
}

/* --- parts --------------------------------------------------------------------------------- */

/* What begins in memory and cannot be brought over the wire must be right from the start. */
static enum result check_system_claims(const struct node *node)
{
    const struct node_options *options = node->options;
    char issue[AUTH_ISSUE_MAX];
    enum result rc;

    if (options->resolver.kind != RESOLVER_MEMORY || options->system_account == NULL)
        return OK;
    rc = resolver_verify(node->resolver, slice_of(options->system_account), issue);
    if (rc != OK)
        log_fatal(LOG_MAIN, "error resolving system account: account validation failed: %s", issue);
    return rc;
}

static enum result build_auth(struct node *node)
{
    struct auth_parts parts = {
        .workers = node->workers,
        .blocking = node->blocking,
        .accounts = node->accounts,
        .clock = clock_system(),
    };
    char message[RESOLVER_MESSAGE_MAX];
    struct auth_options options;
    enum result rc;

    node_options_auth(node->options, &options);
    if (node_options_operator_mode(node->options)) {
        rc = resolver_open(&node->options->resolver, &node->resolver, message);
        if (rc != OK) {
            log_fatal(LOG_MAIN, "Could not start resolver: %s", message);
            return rc;
        }
        parts.lookup = (struct auth_accounts){.find = resolver_find, .arg = node->resolver};
    }
    rc = auth_new(&options, &parts, &node->auth, message);
    if (rc != OK) {
        log_fatal(LOG_MAIN, "%s", message);
        return rc;
    }
    if (node->resolver == NULL)
        return OK;
    resolver_bind(node->resolver, node->auth, &parts);
    return check_system_claims(node);
}

static enum result build(struct node *node)
{
    struct worker_options worker_options = {
        .count = (unsigned)node->options->workers,
        .poll_max_ns = POLL_MAX_NS,
        .clock = clock_system(),
        .on_closing = on_closing,
        .on_stop = on_stop,
        .on_short = on_short,
        .arg = node,
    };
    struct session_parts session_parts;
    struct monitor_parts parts;
    struct monitor_facts facts;
    enum result rc;

    rc = workers_start(&worker_options, &node->workers);
    if (rc != OK) {
        log_fatal(LOG_MAIN, "Worker threads cannot be started: %s", strerror(errno));
        return rc;
    }
    node->blocking = blocking_new(BLOCKING_THREADS, node->workers);
    node->accounts = account_table_new(node->workers);
    rc = build_auth(node);
    if (rc != OK)
        return rc;
    fill_facts(node, &facts);
    parts = (struct monitor_parts){
        .workers = node->workers,
        .blocking = node->blocking,
        .accounts = node->accounts,
        .auth = node->auth,
        .resolver = node->resolver,
        .clock = clock_system(),
    };
    node->monitor = monitor_new(&facts, &parts);
    session_parts = (struct session_parts){
        .workers = node->workers,
        .auth = node->auth,
        .accounts = node->accounts,
    };
    event_hooks(node->monitor, &session_parts.hooks);
    node->sessions = session_table_new(&node->session_options, &session_parts);
    monitor_bind(node->monitor, node->sessions);
    node->system = system_service_new(node->monitor);
    return OK;
}

/* --- starting on the workers --------------------------------------------------------------- */

static void set_account_terms(struct account *account, const struct option_account *options)
{
    struct account_terms *terms = account_terms_new();

    terms->connections = options->max_connections;
    terms->subscriptions = options->max_subscriptions;
    terms->payload = options->max_payload;
    terms->leafs = options->max_leafnodes;
    account_set_terms(account, terms);
}

/* On worker 0: the accounts of the configuration and the system account. */
static void start_accounts(struct node *node, struct worker *worker)
{
    const struct option_users *users = &node->options->users;
    const char *system_name = node->options->system_account;
    struct account *account = account_table_obtain(node->accounts, SLICE("$G"));

    account->global = true;
    account_unref(account);
    for (size_t i = 0; i < users->account_count; i++) {
        account = account_table_obtain(node->accounts, slice_of(users->accounts[i].name));
        set_account_terms(account, &users->accounts[i]);
        account_unref(account);
    }
    if (system_name == NULL)
        return;
    if (node->resolver != NULL) {
        account = resolver_load_system(node->resolver, worker, system_name);
    } else {
        account = account_table_obtain(node->accounts, slice_of(system_name));
        account->system = true;
    }
    monitor_set_system(node->monitor, account);
}

static void start_worker(struct node *node, struct worker *worker)
{
    struct deliver_options options = {
        .intercept = system_service_intercept,
        .intercept_arg = node->system,
    };

    deliver_start(worker, &options);
    session_table_start(node->sessions, worker);
    system_service_start(node->system, worker);
}

static void start_listener(struct node *node, struct worker *worker)
{
    node->started = listener_start(node->listener, worker, session_table_accept, node->sessions);
}

static void stop_listener(struct node *node, struct worker *worker)
{
    listener_close(node->listener);
    node->listener = NULL;
}

/* --- files and lines ----------------------------------------------------------------------- */

static void log_identity(const struct node *node)
{
    const struct node_options *options = node->options;

    log_info(LOG_MAIN, "Starting berth-broker %s", BERTH_VERSION);
    log_info(LOG_MAIN, "  Version:  %s", NATS_VERSION);
    log_info(LOG_MAIN, "  Name:     %s", options->server_name);
    log_info(LOG_MAIN, "  ID:       %s", node->id);
    if (options->config_file != NULL)
        log_info(LOG_MAIN, "Using configuration file: %s (%s)", options->config_file,
                 options->digest);
}

static void log_operators(const struct node *node)
{
    const struct option_operators *operators = &node->options->operators;

    if (operators->count > 0)
        log_info(LOG_MAIN, "Trusted Operators");
    for (size_t i = 0; i < operators->count; i++) {
        const struct claims *claims = operators->items[i].claims;
        char issued[CLOCK_TEXT_MAX], expires[CLOCK_TEXT_MAX] = "Never";

        clock_format(claims->iat * NS_PER_S, 0, issued);
        if (claims->exp != 0)
            clock_format(clock_deadline_ns(claims->exp), 0, expires);
        log_info(LOG_MAIN, "  System  : \"%s\"",
                 node->options->system_account != NULL ? node->options->system_account : "");
        log_info(LOG_MAIN, "  Operator: \"%s\"", claims->name != NULL ? claims->name : "");
        log_info(LOG_MAIN, "  Issued  : %s", issued);
        log_info(LOG_MAIN, "  Expires : %s", expires);
    }
}

static void log_warnings(const struct node *node)
{
    struct slice rest = slice_of(node->options->warnings), line;

    while (slice_cut(&rest, '\n', &line))
        if (line.len > 0)
            log_warn(LOG_MAIN, "%.*s", (int)line.len, line.data);
    if (auth_has_plain_password(node->auth))
        log_warn(LOG_MAIN, "Plaintext passwords detected, use nkeys or bcrypt");
    if (node->options->js_domain_accounts.count > 0)
        log_warn(LOG_MAIN, "The option `default_js_domain` is a temporary backwards compatibility "
                           "measure and will be removed");
    if (node->options->max_payload > PAYLOAD_WARN)
        log_warn(LOG_MAIN, "Maximum payloads over 8.00 MB are generally discouraged and could "
                           "lead to poor performance");
}

static enum result write_pid(struct node *node)
{
    const char *path = node->options->pid_file;
    char why[PROCESS_FILES_WHY_MAX];

    if (!slice_given(path))
        return OK;
    if (process_files_write_pid(path) != OK) {
        log_fatal(LOG_MAIN, "Could not write pidfile: open %s: %s", path, process_files_why(why));
        return ERR_IO;
    }
    node->pid_written = true;
    return OK;
}

static void write_ports(struct node *node)
{
    const struct node_options *options = node->options;
    struct process_ports ports = {
        .host = options->host,
        .port = listener_port(node->listener),
        .http_host = options->http_host != NULL ? options->http_host : options->host,
        .http_port = node->http_port,
    };

    char why[PROCESS_FILES_WHY_MAX];

    if (!slice_given(options->ports_file_dir))
        return;
    process_files_ports_path(options->ports_file_dir, options->program, &node->ports_path);
    if (process_files_write_ports(buf_text(&node->ports_path), &ports) != OK)
        log_error(LOG_MAIN, "Error writing ports file (%s): %s", buf_text(&node->ports_path),
                  process_files_why(why));
    else
        node->ports_written = true;
}

/* --- start --------------------------------------------------------------------------------- */

static enum result start_http(struct node *node)
{
    const struct node_options *options = node->options;
    struct http_options http = {
        .host = options->http_host != NULL ? options->http_host : options->host,
        .port = options->http_port > 0 ? (int)options->http_port : 0,
        .base_path = options->http_base_path,
        .connections_max = node->http_max,
    };
    char address[300], why[HTTP_MESSAGE_MAX];
    enum result rc;

    if (options->http_port == 0)
        return OK;
    if (options->http_port < -1 || options->http_port > UINT16_MAX) {
        log_fatal(LOG_MAIN,
                  "Can't start monitoring: can't listen to the monitor port: listen tcp: "
                  "address %" PRId64 ": invalid port",
                  options->http_port);
        return ERR_INVALID;
    }
    rc = http_start(&http, node->monitor, &node->http, why);
    if (rc != OK) {
        log_fatal(LOG_MAIN, "Can't start monitoring: can't listen to the monitor port: %s", why);
        return rc;
    }
    node->http_port = http_port(node->http);
    bracketed(http.host, node->http_port, address, sizeof(address));
    log_info(LOG_MAIN, "Starting http monitor on %s", address);
    return OK;
}

static enum result start(struct node *node)
{
    char address[300];
    enum result rc;

    make_identity(node);
    log_identity(node);
    share_files(node);
    rc = write_pid(node);
    if (rc == OK)
        rc = open_listener(node);
    if (rc != OK)
        return rc;
    fill_session_options(node);
    rc = build(node);
    if (rc != OK)
        return rc;
    log_warnings(node);
    log_operators(node);
    if (node->resolver != NULL && node->options->resolver.kind == RESOLVER_FULL)
        log_info(LOG_MAIN, "Managing all jwt in exclusive directory %s",
                 node->options->resolver.dir);
    on_worker(node, RESOLVER_HOME, start_accounts);
    on_every_worker(node, start_worker);
    node->running = true;
    rc = start_http(node);
    if (rc != OK)
        return rc;
    on_worker(node, 0, start_listener);
    if (node->started != OK)
        return node->started;
    bracketed(node->options->host, listener_port(node->listener), address, sizeof(address));
    log_info(LOG_MAIN, "Listening for client connections on %s", address);
    log_info(LOG_MAIN, "Server is ready");
    write_ports(node);
    return OK;
}

/* --- signals ------------------------------------------------------------------------------- */

static const int taken[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        sigaddset(set, taken[i]);
    sigaddset(set, LAME_DUCK_DONE);
}

void node_block_signals(void)
{
    sigset_t set;

    signal_set(&set);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
}

/* On a worker: the main thread is told as it is told everything else. */
static void on_lame_duck_done(void *arg, struct worker *worker)
{
    kill(getpid(), LAME_DUCK_DONE);
}

static void announce_lame_duck(struct node *node, struct worker *worker)
{
    event_lame_duck(node->monitor, worker);
}

static void enter_lame_duck(struct node *node)
{
    const struct node_options *options = node->options;

    if (node->lame_duck)
        return;
    node->lame_duck = true;
    log_info(LOG_MAIN, "Entering lame duck mode, stop accepting new clients");
    on_worker(node, 0, stop_listener);
    on_worker(node, 0, announce_lame_duck);
    session_table_lame_duck(node->sessions, options->lame_duck_grace_ns,
                            options->lame_duck_duration_ns, on_lame_duck_done, node);
}

static const char *signal_name(int number)
{
    switch (number) {
    case SIGINT:
        return "interrupt";
    case SIGTERM:
        return "terminated";
    case SIGQUIT:
        return "quit";
    case SIGHUP:
        return "hangup";
    case SIGUSR1:
        return "user defined signal 1";
    case SIGUSR2:
        return "user defined signal 2";
    default:
        return "lame duck done";
    }
}

static void reopen_log(const struct node *node)
{
    if (node->options->log_file == NULL) {
        log_info(LOG_MAIN, "File log re-open ignored, not a file logger");
        return;
    }
    log_reopen();
    log_info(LOG_MAIN, "File log re-opened");
}

int node_run(struct node *node)
{
    sigset_t set;

    signal_set(&set);
    for (;;) {
        int number = sigwaitinfo(&set, NULL);

        if (number < 0) {
            CHECK(errno == EINTR);
            continue;
        }
        if (number == LAME_DUCK_DONE)
            return 0;
        log_info(LOG_MAIN, "Trapped \"%s\" signal", signal_name(number));
        switch (number) {
        case SIGUSR1:
            reopen_log(node);
            break;
        case SIGUSR2:
            enter_lame_duck(node);
            break;
        case SIGHUP:
            log_warn(LOG_MAIN, "Reloading the configuration is not supported yet; nothing changed");
            break;
        case SIGTERM:
            if (node->lame_duck)
                break; /* as the reference server: the duck swims to the end */
            return 0;
        default:
            return 0;
        }
    }
}

int node_port(const struct node *node)
{
    return listener_port(node->listener);
}

int node_http_port(const struct node *node)
{
    return node->http_port;
}

/* --- the end ------------------------------------------------------------------------------- */

static void close_ordinary(struct node *node, struct worker *worker)
{
    event_close_ordinary(node->monitor, worker);
}

static void say_shutdown(struct node *node, struct worker *worker)
{
    event_shutdown(node->monitor, worker);
}

/* A turn that begins after everything was sent: what it was sent lies in the sockets by its end. */
static void flush_turn(struct node *node, struct worker *worker)
{
}

static void end_sessions(struct node *node)
{
    if (node->listener != NULL)
        on_worker(node, 0, stop_listener);
    on_every_worker(node, close_ordinary);
    on_every_worker(node, flush_turn); /* disconnect events have arrived */
    on_worker(node, 0, say_shutdown);
    on_every_worker(node, flush_turn);
    on_every_worker(node, flush_turn);
}

static void node_free(struct node *node)
{
    if (node->listener != NULL && node->started != OK)
        listener_close(node->listener);
    http_stop(node->http);
    if (node->blocking != NULL)
        blocking_stop(node->blocking); /* what it has done is heard of while the workers run */
    if (node->monitor != NULL)
        atomic_store(&node->monitor->stopping, true);
    if (node->workers != NULL)
        workers_stop(node->workers);
    blocking_free(node->blocking);
    session_table_free(node->sessions);
    system_service_free(node->system);
    monitor_free(node->monitor);
    auth_free(node->auth);
    resolver_close(node->resolver);
    account_table_free(node->accounts);
    if (node->ports_written)
        process_files_remove(buf_text(&node->ports_path));
    buf_fini(&node->ports_path);
    mem_free(node->info_host);
    sem_destroy(&node->done);
    mem_free(node);
}

void node_stop(struct node *node)
{
    log_info(LOG_MAIN, "Initiating Shutdown...");
    end_sessions(node);
    node_free(node);
    log_info(LOG_MAIN, "Server Exiting..");
}

enum result node_start(struct node_options *options, struct node **out)
{
    struct node *node = mem_alloc(sizeof(*node));
    enum result rc;

    node->options = options;
    node->started = ERR_STATE;
    CHECK(sem_init(&node->done, 0, 0) == 0);
    rc = start(node);
    if (rc != OK) {
        node_free(node);
        return rc;
    }
    *out = node;
    return OK;
}
