#include "dataplane/monitor/claims_service.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/jwt.h"
#include "api/nats/nkey.h"
#include "api/nats/subject.h"
#include "dataplane/monitor/report_call.h"
#include "dataplane/session/session_apply.h"

_Static_assert((int)RESOLVER_HOME == (int)REPORT_HOME, "claims are applied where they are asked");

enum { DESCRIPTION_MAX = 512, DELETE_MAX = 10000 };

/* One request on its way through the pool. */
struct work {
    struct blocking_job job;
    struct service_request *request;
    struct resolver *resolver;
    const char *account; /* named by the request's subject, else by the token; "n/a" */
    const char *asker;   /* delete: whom the request speaks for; NULL: cannot be read */
    enum result rc;
    struct resolver_stored stored; /* update */
    struct account *applying;      /* a reference, while live connections are told */
    struct strings accounts;       /* delete: which */
    size_t next, failed;           /* delete: how far */
    struct buf text;               /* lookup, list, and why a delete is refused */
    struct buf *pack;              /* pack: one message each */
    size_t pack_count;
};

static struct work *work_new(struct service_request *request)
{
    struct work *work = mem_alloc(sizeof(*work));

    work->request = request;
    work->resolver = request->monitor->parts.resolver;
    work->job.worker = REPORT_HOME;
    return work;
}

static void work_free(struct work *work)
{
    for (size_t i = 0; i < work->pack_count; i++)
        buf_fini(&work->pack[i]);
    mem_free(work->pack);
    buf_fini(&work->text);
    if (work->applying != NULL)
        account_unref(work->applying);
    service_request_free(work->request);
    mem_free(work);
}

/* --- answers ------------------------------------------------------------------------------- */

static void reply(struct work *work, struct worker *worker, struct sys_claims_reply *document)
{
    char *text;

    monitor_server(work->request->monitor, &document->server);
    text = shape_encode_text(&sys_claims_reply_shape, document);
    service_reply(work->request, worker, slice_of(text));
    mem_free(text);
}

/* An empty request is no mistake: somebody looks whether he is answered (berth system check). */
static void reply_error(struct work *work, struct worker *worker, const char *account,
                        const char *message, const char *why)
{
    char description[DESCRIPTION_MAX];
    struct sys_error error = {.account = account, .code = 500, .description = description};
    struct sys_claims_reply document = {.error = &error};

    if (slice_given(why))
        snprintf(description, sizeof(description), "%s - %s", message, why);
    else
        snprintf(description, sizeof(description), "%s", message);
    log_at(slice_empty(work->request->body) ? LOG_DEBUG : LOG_WARN, LOG_ACCOUNT,
           "Claims refused account=%s: %s", account != NULL ? account : "", description);
    reply(work, worker, &document);
}

static void submit(struct work *work, struct worker *worker, void (*run)(struct blocking_job *job),
                   void (*done)(struct blocking_job *job, struct worker *worker))
{
    work->job.run = run;
    work->job.done = done;
    if (blocking_submit(work->request->monitor->parts.blocking, &work->job) == OK)
        return;
    reply_error(work, worker, work->account, "jwt update resulted in error",
                "too many requests are waiting");
    work_free(work);
}

/* --- update -------------------------------------------------------------------------------- */

static void update_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);

    work->rc = resolver_store(work->resolver, work->request->body, &work->stored);
}

static void answer_update(struct work *work, struct worker *worker)
{
    struct sys_claims_status status = {
        .account = work->stored.key,
        .code = 200,
        .message = "jwt updated",
        .applied = true,
        .jti = work->stored.jti,
        .iat = work->stored.iat,
    };
    struct sys_claims_reply document = {.data = &status};

    reply(work, worker, &document);
    work_free(work);
}

static void on_applied(void *arg, struct worker *worker)
{
    answer_update(arg, worker);
}

/* Claims that are wrong in themselves are told apart from what went wrong with storing them. */
static const char *refusal(enum result rc)
{
    switch (rc) {
    case ERR_INVALID:
    case ERR_EXPIRED:
    case ERR_UNTRUSTED:
        return "jwt validation failed";
    default:
        return "jwt update resulted in error";
    }
}

static size_t count_chunks(struct slice token)
{
    struct slice chunk;
    size_t chunks = 0;

    while (slice_cut(&token, '.', &chunk))
        chunks++;
    return chunks;
}

/* Why it was refused, in the words of the reference server where it has some of its own. */
static const char *reason(const struct work *work)
{
    if (work->rc == ERR_SYNTAX && count_chunks(work->request->body) != 3)
        return "expected 3 chunks";
    if (work->rc == ERR_SIGNATURE)
        return "claim failed V2 signature verification";
    return work->stored.issue[0] != '\0' ? work->stored.issue : result_text(work->rc);
}

static void update_done(struct blocking_job *job, struct worker *worker)
{
    struct work *work = container_of(job, struct work, job);

    if (work->rc != OK) {
        reply_error(work, worker, work->account, refusal(work->rc), reason(work));
        work_free(work);
        return;
    }
    if (work->stored.token != NULL)
        work->applying = resolver_apply(work->resolver, worker, work->stored.token);
    work->stored.token = NULL;
    if (work->applying == NULL) {
        answer_update(work, worker);
        return;
    }
    session_table_apply(work->request->monitor->sessions, work->applying, REPORT_HOME, on_applied,
                        work);
}

/* The account a token speaks of; whether it may is asked later. */
static const char *account_of_token(struct work *work)
{
    struct arena *arena = &work->request->arena;
    struct shape_error error;
    struct claims claims;

    if (jwt_decode(work->request->body, arena, &claims, &error) != OK ||
        claims.type != CLAIMS_ACCOUNT)
        return "n/a";
    return claims.sub;
}

/* Decoding a token costs a signature check: on the pool, which then puts it in its place. */
static void order_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);

    work->account = account_of_token(work);
}

static void order_done(struct blocking_job *job, struct worker *worker)
{
    struct work *work = container_of(job, struct work, job);

    work->job.key = resolver_job_key(slice_of(work->account));
    submit(work, worker, update_run, update_done);
}

/*
 * Requests are put in order one after the other under one key, so that two updates of one account
 * keep the order in which they came.
 */
static void handle_update(struct service_request *request, struct worker *worker)
{
    struct work *work = work_new(request);

    request->body = slice_trim(request->body);
    work->job.key = resolver_job_key(SLICE("order"));
    submit(work, worker, order_run, order_done);
}

/* What speaks of no account is reported as such. */
static bool subject_fits(struct work *work)
{
    const char *account = account_of_token(work);
    bool fits = strcmp(account, "n/a") == 0 || strcmp(account, work->account) == 0;

    if (fits)
        work->account = account;
    return fits;
}

static void account_update_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);

    if (subject_fits(work)) {
        update_run(job);
        return;
    }
    work->rc = ERR_CONFLICT;
    snprintf(work->stored.issue, sizeof(work->stored.issue), "subject does not match jwt content");
}

static const char *account_in(struct service_request *request, unsigned position)
{
    return arena_copy(&request->arena, subject_token_at(slice_of(request->subject), position));
}

static void start_account_update(struct service_request *request, struct worker *worker,
                                 unsigned position)
{
    struct work *work = work_new(request);

    request->body = slice_trim(request->body);
    work->account = account_in(request, position);
    work->job.key = resolver_job_key(slice_of(work->account));
    submit(work, worker, account_update_run, update_done);
}

/* $SYS.REQ.ACCOUNT.<account>.CLAIMS.UPDATE */
static void handle_account_update(struct service_request *request, struct worker *worker)
{
    start_account_update(request, worker, 4);
}

/* $SYS.ACCOUNT.<account>.CLAIMS.UPDATE */
static void handle_old_update(struct service_request *request, struct worker *worker)
{
    start_account_update(request, worker, 3);
}

/* --- lookup, list, pack -------------------------------------------------------------------- */

static void lookup_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);

    if (jwt_store_load(resolver_store_of(work->resolver), slice_of(work->account), &work->text) !=
        OK)
        buf_clear(&work->text); /* an empty answer: not known */
}

static void text_done(struct blocking_job *job, struct worker *worker)
{
    struct work *work = container_of(job, struct work, job);

    service_reply(work->request, worker, buf_slice(&work->text));
    work_free(work);
}

static void handle_lookup(struct service_request *request, struct worker *worker)
{
    struct work *work = work_new(request);

    work->account = account_in(request, 4);
    if (!nkey_is(slice_of(work->account), NKEY_ACCOUNT)) {
        work_free(work); /* as the reference server: without a word */
        return;
    }
    submit(work, worker, lookup_run, text_done);
}

static void list_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);
    struct sys_claims_list document = {0};
    char *text;

    monitor_server(work->request->monitor, &document.server);
    jwt_store_keys(resolver_store_of(work->resolver), &work->request->arena, &document.data);
    text = shape_encode_text(&sys_claims_list_shape, &document);
    buf_add_text(&work->text, text);
    mem_free(text);
}

static void handle_list(struct service_request *request, struct worker *worker)
{
    struct work *work = work_new(request);

    submit(work, worker, list_run, text_done);
}

/* An expired account is not handed on. */
static bool packable(struct slice jwt, int64_t now_s)
{
    struct arena arena = {0};
    struct shape_error error;
    struct claims claims;
    bool yes =
        jwt_decode(jwt, &arena, &claims, &error) == OK && (claims.exp == 0 || claims.exp > now_s);

    arena_fini(&arena);
    return yes;
}

static void pack_one(struct work *work, const char *key, int64_t now_s)
{
    struct buf jwt = {0};

    if (jwt_store_load(resolver_store_of(work->resolver), slice_of(key), &jwt) == OK &&
        packable(slice_trim(buf_slice(&jwt)), now_s)) {
        struct buf *message = &work->pack[work->pack_count++];

        buf_printf(message, "%s|", key);
        buf_add_slice(message, slice_trim(buf_slice(&jwt)));
    }
    buf_fini(&jwt);
}

static void pack_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);
    struct jwt_store *store = resolver_store_of(work->resolver);
    uint8_t hash[JWT_STORE_HASH_LEN];
    struct strings keys;

    if (jwt_store_hash(store, hash) == OK &&
        slice_equal(work->request->body, slice_make((const char *)hash, sizeof(hash))))
        return;
    jwt_store_keys(store, &work->request->arena, &keys);
    work->pack = mem_alloc_array(keys.count + 1, sizeof(*work->pack));
    for (size_t i = 0; i < keys.count; i++)
        pack_one(work, keys.items[i], monitor_now(work->request->monitor) / NS_PER_S);
}

/* A message for each account, then an empty one. */
static void pack_done(struct blocking_job *job, struct worker *worker)
{
    struct work *work = container_of(job, struct work, job);

    for (size_t i = 0; i < work->pack_count; i++)
        service_reply(work->request, worker, buf_slice(&work->pack[i]));
    service_reply(work->request, worker, slice_make("", 0));
    work_free(work);
}

static void handle_pack(struct service_request *request, struct worker *worker)
{
    struct work *work = work_new(request);

    submit(work, worker, pack_run, pack_done);
}

/* --- delete -------------------------------------------------------------------------------- */

/* "accounts" of the generic claims; false and a word why. */
static bool read_delete(struct work *work, struct strings *accounts, const char **why)
{
    struct arena *arena = &work->request->arena;
    struct auth *auth = work->request->monitor->parts.auth;
    struct shape_error error;
    struct claims claims;
    json_t *list, *item;
    size_t i;

    *why = count_chunks(work->request->body) != 3 ? "expected 3 chunks" : "malformed request";
    if (jwt_decode(work->request->body, arena, &claims, &error) != OK)
        return false;
    work->asker = claims.sub;
    *why = "delete must be enabled in server config";
    if (!resolver_options(work->resolver)->allow_delete)
        return false;
    *why = "not self signed";
    if (strcmp(claims.iss, claims.sub) != 0)
        return false;
    *why = "not trusted";
    if (!auth_trusts(auth, claims.iss))
        return false;
    *why = "malformed request";
    if (claims.rest == NULL)
        return false;
    list = json_object_get(claims.rest, "accounts");
    if (!json_is_array(list) || json_array_size(list) > DELETE_MAX)
        return false;
    accounts->items = arena_alloc_array(arena, json_array_size(list) + 1, sizeof(const char *));
    json_array_foreach(list, i, item)
    {
        const char *key = json_string_value(item);

        if (key == NULL || !nkey_is(slice_of(key), NKEY_ACCOUNT))
            return false;
        accounts->items[accounts->count++] = arena_strdup(arena, key);
    }
    return true;
}

static bool deletes_system(const struct work *work, const struct strings *accounts)
{
    const char *system = work->request->monitor->facts.system_account;

    for (size_t i = 0; i < accounts->count; i++)
        if (system != NULL && strcmp(accounts->items[i], system) == 0)
            return true;
    return false;
}

/* What is to be deleted, and whether it may be. */
static void read_delete_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);
    const char *why;

    work->rc = ERR_DENIED;
    if (!read_delete(work, &work->accounts, &why))
        buf_add_text(&work->text, why);
    else if (deletes_system(work, &work->accounts))
        buf_add_text(&work->text, "not allowed to delete system account");
    else
        work->rc = OK;
}

static void answer_delete(struct work *work, struct worker *worker)
{
    char message[DESCRIPTION_MAX];
    struct sys_claims_status status = {.code = 200, .message = message};
    struct sys_claims_reply document = {.data = &status};

    if (work->failed > 0) {
        snprintf(message, sizeof(message), "deleted %zu accounts, failed for %zu",
                 work->accounts.count - work->failed, work->failed);
        reply_error(work, worker, NULL, message, NULL);
    } else {
        snprintf(message, sizeof(message), "deleted %zu accounts", work->accounts.count);
        reply(work, worker, &document);
    }
    work_free(work);
}

static void remove_run(struct blocking_job *job)
{
    struct work *work = container_of(job, struct work, job);

    work->rc = resolver_remove(work->resolver, slice_of(work->accounts.items[work->next]));
}

static void remove_next(struct work *work, struct worker *worker);

static void on_disabled(void *arg, struct worker *worker)
{
    struct work *work = arg;

    account_unref(work->applying);
    work->applying = NULL;
    remove_next(work, worker);
}

static void remove_done(struct blocking_job *job, struct worker *worker)
{
    struct work *work = container_of(job, struct work, job);
    struct monitor *monitor = work->request->monitor;
    struct slice key = slice_of(work->accounts.items[work->next++]);

    if (work->rc == OK || work->rc == ERR_NOT_FOUND)
        work->applying = account_table_find(monitor->parts.accounts, key);
    else
        work->failed++;
    if (work->applying == NULL) {
        remove_next(work, worker);
        return;
    }
    account_set_removed(work->applying);
    session_table_apply(monitor->sessions, work->applying, REPORT_HOME, on_disabled, work);
}

/* Each in its account's own order, so that no update that came before brings it back. */
static void remove_next(struct work *work, struct worker *worker)
{
    if (work->next == work->accounts.count) {
        answer_delete(work, worker);
        return;
    }
    work->job.key = resolver_job_key(slice_of(work->accounts.items[work->next]));
    submit(work, worker, remove_run, remove_done);
}

static void read_delete_done(struct blocking_job *job, struct worker *worker)
{
    struct work *work = container_of(job, struct work, job);
    char message[DESCRIPTION_MAX];

    if (work->rc == OK) {
        remove_next(work, worker);
        return;
    }
    snprintf(message, sizeof(message), "delete accounts request by %s failed",
             work->asker != NULL ? work->asker : "");
    reply_error(work, worker, NULL, message, buf_text(&work->text));
    work_free(work);
}

static void handle_delete(struct service_request *request, struct worker *worker)
{
    struct work *work = work_new(request);

    request->body = slice_trim(request->body);
    work->job.key = resolver_job_key(SLICE("order"));
    submit(work, worker, read_delete_run, read_delete_done);
}

static const struct service_row rows[] = {
    {"$SYS.REQ.CLAIMS.UPDATE", handle_update},
    {"$SYS.REQ.CLAIMS.DELETE", handle_delete},
    {"$SYS.REQ.CLAIMS.LIST", handle_list},
    {"$SYS.REQ.CLAIMS.PACK", handle_pack},
    {"$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP", handle_lookup},
    {"$SYS.REQ.ACCOUNT.*.CLAIMS.UPDATE", handle_account_update},
    {"$SYS.ACCOUNT.*.CLAIMS.UPDATE", handle_old_update},
};

struct service *claims_service_open(struct monitor *monitor, struct worker *worker)
{
    if (monitor->parts.resolver == NULL)
        return NULL;
    return service_open(monitor, worker, rows, COUNT_OF(rows));
}
