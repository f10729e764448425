#include "dataplane/monitor/system.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/subject.h"
#include "api/nats/sys_monitor.h"
#include "dataplane/monitor/claims_service.h"
#include "dataplane/monitor/event.h"
#include "dataplane/monitor/report.h"
#include "dataplane/monitor/service.h"
#include "dataplane/monitor/throttle.h"
#include "dataplane/monitor/user_info.h"
#include "dataplane/session/session_info.h"

/* What an account may ask about itself, on each worker: reports are walks over connections. */
#define OWN_EVERY_NS (50 * NS_PER_MS)
enum { OWN_BURST = 40, OWN_QUESTION_MAX = 4096, QUESTION_MAX = 64 << 10 };

struct system_service {
    struct monitor *monitor;
    struct service *service, *claims; /* REPORT_HOME's */
    struct event_timers *timers;      /* REPORT_HOME's */
};

/* --- answering ----------------------------------------------------------------------------- */

static char *encode_reply(struct report_call *call)
{
    struct sys_server server;

    monitor_server(call->monitor, &server);
    if (call->error.code != 0)
        return sys_error_text(&server, &call->error);
    return sys_reply_text(&server, call->report->document_shape, call->document);
}

static void answer(struct service_request *request, struct worker *worker, char *text)
{
    service_reply(request, worker, slice_of(text));
    mem_free(text);
}

static void on_report(struct report_call *call, struct worker *worker)
{
    struct service_request *request = call->owner;

    service_reply(request, worker, slice_of(call->text));
    report_call_free(call);
    service_request_free(request);
}

static void answer_error(struct service_request *request, struct worker *worker, int code,
                         const char *description)
{
    struct sys_error error = {.code = code, .description = description};
    struct sys_server server;

    monitor_server(request->monitor, &server);
    answer(request, worker, sys_error_text(&server, &error));
}

/* The body by its shape; false: it was answered. */
static bool decode_body(struct service_request *request, struct worker *worker,
                        const struct shape *shape, void *out)
{
    struct shape_error error;

    if (request->body.len == 0)
        return true;
    if (slice_equal(slice_trim(request->body), SLICE("null"))) /* so encoders write no options */
        return true;
    if (request->body.len > QUESTION_MAX) {
        answer_error(request, worker, 400, "the request is longer than 64 KiB");
        return false;
    }
    if (shape_decode_text(shape, request->body, SHAPE_LENIENT, &request->arena, out, &error) == OK)
        return true;
    answer_error(request, worker, 400, error.message);
    return false;
}

static bool meant(const struct service_request *request, const struct sys_filter *filter)
{
    struct sys_server server;

    monitor_server_peek(request->monitor, &server);
    return sys_filter_match(filter, &server);
}

/* Takes the request over; encode and done as in report_call. */
static void run_with(struct service_request *request, struct worker *worker,
                     const struct report *report, char *(*encode)(struct report_call *call),
                     void (*done)(struct report_call *call, struct worker *worker))
{
    struct report_call *call = report_call_new(request->monitor, report);
    const void *filter;

    filter = (const char *)call->options + report->filter;
    if (!decode_body(request, worker, report->options, call->options) || !meant(request, filter)) {
        report_call_free(call);
        service_request_free(request);
        return;
    }
    call->scope = request->scope;
    call->asker = request->from->system ? REPORT_OF_SYSTEM : REPORT_OF_TENANT;
    call->owner = request;
    call->encode = encode;
    call->done = done;
    report_start(call);
}

static void run_report(struct service_request *request, struct worker *worker,
                       const struct report *report)
{
    run_with(request, worker, report, encode_reply, on_report);
}

/* --- of the server ------------------------------------------------------------------------- */

static void handle_report(struct service_request *request, struct worker *worker)
{
    if (request->reply == NULL) {
        service_request_free(request);
        return;
    }
    run_report(request, worker, report_named(request->row->arg));
}

static void handle_idz(struct service_request *request, struct worker *worker)
{
    const struct monitor_facts *facts = &request->monitor->facts;
    struct sys_idz document = {
        .name = facts->server_name, .host = facts->host, .id = facts->server_id};

    answer(request, worker, shape_encode_text(&sys_idz_shape, &document));
    service_request_free(request);
}

static void handle_statsz(struct service_request *request, struct worker *worker)
{
    struct sys_filter filter = {0};
    struct sys_statsz document;

    if (decode_body(request, worker, &sys_filter_shape, &filter) && meant(request, &filter)) {
        if (request->reply == NULL) {
            event_statsz(request->monitor, worker);
        } else {
            monitor_server(request->monitor, &document.server);
            event_statsz_fill(request->monitor, &document.statsz);
            answer(request, worker, shape_encode_text(&sys_statsz_shape, &document));
        }
    }
    service_request_free(request);
}

/* What was done (why NULL), or why not; no data either way. */
static void answer_done(struct service_request *request, struct worker *worker, const char *why)
{
    struct sys_error error = {.code = 500, .description = why};
    struct sys_reply document = {.error = why != NULL ? &error : NULL};

    monitor_server(request->monitor, &document.server);
    answer(request, worker, shape_encode_text(&sys_reply_shape, &document));
    service_request_free(request);
}

static void on_kicked(void *arg, struct worker *worker, bool found)
{
    answer_done(arg, worker, found ? NULL : "no such client or leafnode id");
}

/* Who is meant; 0, so nobody, where it is not said. */
static bool decode_kick(const struct service_request *request, struct arena *arena,
                        struct sys_kick *out)
{
    struct shape_error error;

    if (slice_equal(slice_trim(request->body), SLICE("null")))
        return true;
    return shape_decode_text(&sys_kick_shape, request->body, SHAPE_LENIENT, arena, out, &error) ==
               OK &&
           out->cid >= 0;
}

static void handle_kick(struct service_request *request, struct worker *worker)
{
    struct sys_kick kick = {0};

    if (!decode_kick(request, &request->arena, &kick)) {
        service_request_free(request); /* as the reference server: without a word */
        return;
    }
    session_table_kick(request->monitor->sessions, (uint64_t)kick.cid, worker->index, on_kicked,
                       request);
}

static bool visit_leaver(struct report_call *call, struct worker *worker)
{
    const struct sys_kick *kick = call->options;
    struct session *session = session_table_find(worker, (uint64_t)kick->cid);

    if (session != NULL) {
        call->state = session;
        if (!session_info_leave(session))
            report_fail(call, 500,
                        "client does not support Lame Duck Mode or is not ready to receive the "
                        "notification");
    }
    return false;
}

static const struct report leave_report = {
    .name = "LDM",
    .options = &sys_kick_shape,
    .rounds = 1,
    .visit = visit_leaver,
};

static char *encode_leave(struct report_call *call)
{
    return mem_strdup("");
}

static void on_leave(struct report_call *call, struct worker *worker)
{
    const char *why = call->error.code != 0 ? call->error.description : NULL;

    answer_done(call->owner, worker, call->state != NULL ? why : "no such client id");
    report_call_free(call);
}

static void handle_leave(struct service_request *request, struct worker *worker)
{
    struct report_call *call = report_call_new(request->monitor, &leave_report);

    if (!decode_kick(request, &call->arena, call->options)) {
        report_call_free(call);
        service_request_free(request);
        return;
    }
    call->owner = request;
    call->encode = encode_leave;
    call->done = on_leave;
    report_start(call);
}

static void handle_reload(struct service_request *request, struct worker *worker)
{
    answer_done(request, worker, "reloading the configuration is not supported yet");
}

/* --- of an account ------------------------------------------------------------------------- */

static const char *account_of(struct service_request *request)
{
    return arena_copy(&request->arena, subject_token_at(slice_of(request->subject), 4));
}

static void handle_account_report(struct service_request *request, struct worker *worker)
{
    if (request->reply == NULL) {
        service_request_free(request);
        return;
    }
    request->scope = account_of(request);
    run_report(request, worker, report_named(request->row->arg));
}

/* Silent about an account that nobody uses, unless told otherwise. */
static char *encode_statz(struct report_call *call)
{
    const struct sys_account_statz_options *options = call->options;
    const struct sys_account_statz *document = call->document;

    if (call->error.code == 0 && call->scope != NULL && document->account_statz.count == 0 &&
        !options->include_unused)
        return mem_strdup("");
    return encode_reply(call);
}

static void on_statz(struct report_call *call, struct worker *worker)
{
    if (call->text[0] == '\0') {
        service_request_free(call->owner);
        report_call_free(call);
        return;
    }
    on_report(call, worker);
}

static void start_statz(struct service_request *request, struct worker *worker)
{
    run_with(request, worker, report_named("ACCSTATZ"), encode_statz, on_statz);
}

/* "PING" stands for every account. */
static void handle_statz(struct service_request *request, struct worker *worker)
{
    const char *name = account_of(request);

    if (request->reply == NULL) {
        service_request_free(request);
        return;
    }
    if (strcmp(name, "PING") != 0)
        request->scope = name;
    start_statz(request, worker);
}

static void handle_account_jsz(struct service_request *request, struct worker *worker)
{
    answer_error(request, worker, 500, "jetstream not enabled");
    service_request_free(request);
}

/* Does the body, if there is one, name the account of the subject, or none? */
static bool means_account(struct service_request *request, const char *name)
{
    struct sys_conns_request body = {0};
    struct shape_error error;

    if (request->body.len == 0 || slice_equal(slice_trim(request->body), SLICE("null")))
        return true;
    return request->body.len <= QUESTION_MAX &&
           shape_decode_text(&sys_conns_request_shape, request->body, SHAPE_LENIENT,
                             &request->arena, &body, &error) == OK &&
           (body.acc == NULL || strcmp(body.acc, name) == 0);
}

/* As the reference server: without a word about what is not asked right. */
static void handle_conns(struct service_request *request, struct worker *worker)
{
    const char *name = account_of(request);
    struct account *account;

    account = account_table_find(request->monitor->parts.accounts, slice_of(name));
    if (account != NULL) {
        if (request->reply != NULL && atomic_load(&account->connections) > 0 &&
            means_account(request, name))
            event_account_conns(request->monitor, worker, account, request->reply);
        account_unref(account);
    }
    service_request_free(request);
}

/* clang-format off */
#define BOTH(name, fn, report)                        \
    {"$SYS.REQ.SERVER.PING." name, fn, report},       \
    {"$SYS.REQ.SERVER.%s." name,   fn, report}

static const struct service_row rows[] = {
    {"$SYS.REQ.SERVER.PING", handle_statsz},
    BOTH("STATSZ",   handle_statsz, NULL),
    BOTH("IDZ",      handle_idz,    NULL),
    BOTH("VARZ",     handle_report, "VARZ"),
    BOTH("CONNZ",    handle_report, "CONNZ"),
    BOTH("SUBSZ",    handle_report, "SUBSZ"),
    BOTH("ACCOUNTZ", handle_report, "ACCOUNTZ"),
    BOTH("ACCSTATZ", handle_report, "ACCSTATZ"),
    BOTH("HEALTHZ",  handle_report, "HEALTHZ"),
    BOTH("JSZ",      handle_report, "JSZ"),
    BOTH("ROUTEZ",   handle_report, "ROUTEZ"),
    BOTH("GATEWAYZ", handle_report, "GATEWAYZ"),
    BOTH("LEAFZ",    handle_report, "LEAFZ"),
    {"$SYS.REQ.SERVER.%s.KICK",    handle_kick},
    {"$SYS.REQ.SERVER.%s.LDM",     handle_leave},
    {"$SYS.REQ.SERVER.%s.RELOAD",  handle_reload},

    {"$SYS.REQ.ACCOUNT.*.CONNZ", handle_account_report, "CONNZ"},
    {"$SYS.REQ.ACCOUNT.*.SUBSZ", handle_account_report, "SUBSZ"},
    {"$SYS.REQ.ACCOUNT.*.INFO",  handle_account_report, "INFO"},
    {"$SYS.REQ.ACCOUNT.*.LEAFZ", handle_account_report, "LEAFZ"},
    {"$SYS.REQ.ACCOUNT.*.JSZ",   handle_account_jsz},
    {"$SYS.REQ.ACCOUNT.*.STATZ", handle_statz},
    {"$SYS.REQ.ACCOUNT.*.CONNS", handle_conns},
};
#undef BOTH
/* clang-format on */

/* --- what every account may ask ------------------------------------------------------------ */

struct own_mail {
    struct service_request *request;
    void (*fn)(struct service_request *request, struct worker *worker);
};

static void own_connz(struct service_request *request, struct worker *worker)
{
    run_report(request, worker, report_named("CONNZ"));
}

static void on_own(struct worker *worker, void *body, size_t len)
{
    struct own_mail *mail = body;

    mail->fn(mail->request, worker);
}

/* Reports are begun at home, wherever the question came in; too many are not answered. */
static void ask_own(struct system_service *service, struct worker *worker, struct account *account,
                    const struct delivery *message,
                    void (*fn)(struct service_request *request, struct worker *worker))
{
    struct service_request *request;
    struct own_mail *mail;

    /* A long question is no question, but reading it would hold up the worker. */
    if (message->len > OWN_QUESTION_MAX)
        return;
    if (!throttle_allows(worker->part[WORKER_PART_SYSTEM], (uint64_t)(uintptr_t)account,
                         worker->now_ns, OWN_EVERY_NS, OWN_BURST))
        return;
    request = service_request_new(service->monitor, account, message);
    request->scope = arena_strdup(&request->arena, account->name);
    mail = worker_post(worker, REPORT_HOME, on_own, sizeof(*mail));
    *mail = (struct own_mail){.request = request, .fn = fn};
}

bool system_service_intercept(struct worker *worker, struct account *account,
                              const struct delivery *message, void *arg)
{
    static const struct {
        struct slice subject;
        void (*fn)(struct service_request *request, struct worker *worker);
    } own[] = {
        {{"$SYS.REQ.SERVER.PING.CONNZ", 26}, own_connz},
        {{"$SYS.REQ.ACCOUNT.PING.CONNZ", 27}, own_connz},
        {{"$SYS.REQ.ACCOUNT.PING.STATZ", 27}, start_statz},
    };
    struct system_service *service = arg;

    if (slice_equal(message->subject, SLICE("$SYS.REQ.USER.INFO"))) {
        user_info_answer(service->monitor, worker, account, message);
        return true;
    }
    if (account->system || service->monitor->system == NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (slice_equal(message->subject, own[i].subject)) {
            if (message->reply.len > 0)
                ask_own(service, worker, account, message, own[i].fn);
            return true;
        }
    }
    return false;
}

/* --- start and stop ------------------------------------------------------------------------ */

struct system_service *system_service_new(struct monitor *monitor)
{
    struct system_service *service = mem_alloc(sizeof(*service));

    service->monitor = monitor;
    return service;
}

void system_service_free(struct system_service *service)
{
    mem_free(service);
}

void system_service_start(struct system_service *service, struct worker *worker)
{
    worker->part[WORKER_PART_SYSTEM] = mem_alloc(sizeof(struct throttle));
    if (worker->index != REPORT_HOME || service->monitor->system == NULL)
        return;
    service->service = service_open(service->monitor, worker, rows, COUNT_OF(rows));
    service->claims = claims_service_open(service->monitor, worker);
    service->timers = event_timers_start(service->monitor, worker);
}

void system_service_stop(struct system_service *service, struct worker *worker)
{
    mem_free(worker->part[WORKER_PART_SYSTEM]);
    worker->part[WORKER_PART_SYSTEM] = NULL;
    if (worker->index != REPORT_HOME)
        return;
    report_stop_waiting(service->monitor, worker);
    event_timers_stop(service->timers, worker);
    service_close(service->claims, worker);
    service_close(service->service, worker);
    service->timers = NULL;
    service->claims = service->service = NULL;
}
