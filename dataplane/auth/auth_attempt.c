#include "dataplane/auth/auth_attempt.h"

#include "api/base/check.h"
#include "api/base/mem.h"

void auth_attempt_free(struct auth_attempt *attempt)
{
    arena_fini(&attempt->arena);
    mem_free(attempt);
}

static void finish(struct auth_attempt *attempt, const struct auth_answer *answer)
{
    if (!atomic_load(&attempt->cancelled))
        attempt->done(attempt->owner, attempt->worker, answer);
    if (attempt->beginning)
        attempt->finished = true; /* auth_begin frees it */
    else
        auth_attempt_free(attempt);
}

void auth_accept(struct auth_attempt *attempt, const struct identity *from)
{
    struct auth_answer answer = {.rc = OK};

    answer.identity = identity_new(from);
    answer.account = answer.identity->account;
    if (atomic_load(&attempt->cancelled))
        identity_retire(answer.identity, attempt->worker);
    finish(attempt, &answer);
}

void auth_refuse(struct auth_attempt *attempt, enum result rc, struct account *account,
                 const char *reason)
{
    struct auth_answer answer = {.rc = rc, .account = account, .reason = reason};

    CHECK(rc != OK);
    finish(attempt, &answer);
}

void auth_accept_user(struct auth_attempt *attempt, const struct auth_user *user)
{
    struct auth *auth = attempt->auth;
    struct identity identity = {
        .user = user->name != NULL ? user->name : user->nkey,
        .subs_max = -1,
        .payload_max = -1,
    };

    identity.label = identity.user;
    identity.account = user->account == NULL
                           ? account_ref(auth->global)
                           : account_table_obtain(auth->parts.accounts, slice_of(user->account));
    identity.terms_seen = atomic_load(&identity.account->generation);
    if (user->nkey != NULL)
        identity.issuer_key = identity.account->name; /* the reference server shows it so */
    if (user->permissions != NULL)
        CHECK(permission_new(user->permissions, &identity.permission) == OK); /* as in auth_new */
    auth_accept(attempt, &identity);
}

bool auth_find_user(struct auth_attempt *attempt, const struct map *table, const char *key,
                    const char *unknown)
{
    const struct auth_entry *entry = attempt->auth->no_auth;

    if (slice_given(key)) {
        struct map_link *link = map_find(table, slice_of(key));

        entry = link != NULL ? map_entry(link, struct auth_entry, link) : NULL;
    }
    if (entry == NULL) {
        auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, unknown);
        return false;
    }
    if (entry->user.connections != 0 &&
        (entry->user.connections & (1U << attempt->connection)) == 0) {
        auth_refuse(attempt, ERR_DENIED, NULL, "connection type not allowed");
        return false;
    }
    attempt->user = &entry->user;
    return true;
}

static void job_run(struct blocking_job *job)
{
    struct auth_attempt *attempt = container_of(job, struct auth_attempt, job);

    attempt->rc = atomic_load(&attempt->cancelled) ? ERR_CLOSED : attempt->run(attempt);
}

static void job_done(struct blocking_job *job, struct worker *worker)
{
    struct auth_attempt *attempt = container_of(job, struct auth_attempt, job);

    CHECK(worker == attempt->worker);
    attempt->then(attempt, atomic_load(&attempt->cancelled) ? ERR_CLOSED : attempt->rc);
}

void auth_off_worker(struct auth_attempt *attempt, uint64_t key,
                     enum result (*run)(struct auth_attempt *attempt),
                     void (*then)(struct auth_attempt *attempt, enum result rc))
{
    attempt->run = run;
    attempt->then = then;
    attempt->job = (struct blocking_job){
        .run = job_run,
        .done = job_done,
        .worker = attempt->worker->index,
        .key = key,
        .source = source_key_of_text(attempt->host),
    };
    if (blocking_submit(attempt->auth->parts.blocking, &attempt->job) != OK)
        auth_refuse(attempt, ERR_LIMIT, NULL, "too many log-ins at once");
}

static const char *copy_in(struct auth_attempt *attempt, const char *text)
{
    return text != NULL ? arena_strdup(&attempt->arena, text) : NULL;
}

struct auth_attempt *auth_attempt_new(struct auth *auth, struct worker *worker,
                                      const struct auth_input *input)
{
    struct auth_attempt *attempt = mem_alloc(sizeof(*attempt));
    struct handshake_connect *connect = &attempt->connect;

    attempt->auth = auth;
    attempt->worker = worker;
    attempt->connection = input->connection;
    attempt->nonce = copy_in(attempt, input->nonce);
    attempt->host = copy_in(attempt, input->host);
    *connect = *input->connect;
    connect->nkey = copy_in(attempt, connect->nkey);
    connect->jwt = copy_in(attempt, connect->jwt);
    connect->sig = copy_in(attempt, connect->sig);
    connect->auth_token = copy_in(attempt, connect->auth_token);
    connect->user = copy_in(attempt, connect->user);
    connect->pass = copy_in(attempt, connect->pass);
    connect->name = connect->lang = connect->version = NULL;
    connect->account = connect->proxy_sig = NULL;
    return attempt;
}
