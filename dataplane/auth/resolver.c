#include "dataplane/auth/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/map.h"
#include "api/base/mem.h"
#include "api/nats/jwt.h"
#include "api/nats/nkey.h"

struct resolver {
    const struct resolver_options *options;
    struct jwt_store *store;
    struct auth *auth;
    struct auth_parts parts;
    struct map loading; /* RESOLVER_HOME's: struct load by key */
};

/* One account on its way from the store, and who waits for it. */
struct load {
    struct blocking_job job;
    struct map_link link; /* in resolver->loading */
    struct resolver *resolver;
    char key[NKEY_PUBLIC_MAX];
    struct waiter *waiters;
    /* by the helper */
    enum result rc;
    struct auth_account_token *token;
    char issue[AUTH_ISSUE_MAX];
};

struct waiter {
    struct waiter *next;
    struct auth_lookup *lookup;
    unsigned worker;
};

/* --- opening ------------------------------------------------------------------------------- */

/* iat of a JWT without asking who signed it; 0 when it is none. */
static int64_t issued_at(struct slice jwt)
{
    struct arena arena = {0};
    struct claims claims;
    struct shape_error error;
    int64_t iat = 0;

    if (jwt_decode(jwt, &arena, &claims, &error) == OK)
        iat = claims.iat;
    arena_fini(&arena);
    return iat;
}

static enum result preload(struct resolver *resolver)
{
    struct buf stored = {0};
    enum result rc = OK;

    for (size_t i = 0; i < resolver->options->preload_count && rc == OK; i++) {
        struct slice key = slice_of(resolver->options->preload[i].key);
        struct slice jwt = slice_of(resolver->options->preload[i].jwt);

        rc = jwt_store_load(resolver->store, key, &stored);
        if (rc == OK && issued_at(jwt) <= issued_at(buf_slice(&stored)))
            continue;
        if (rc == OK || rc == ERR_NOT_FOUND)
            rc = jwt_store_save(resolver->store, key, jwt);
    }
    buf_fini(&stored);
    return rc;
}

enum result resolver_open(const struct resolver_options *options, struct resolver **out,
                          char message[RESOLVER_MESSAGE_MAX])
{
    struct resolver *resolver = mem_alloc(sizeof(*resolver));
    const char *dir = options->kind == RESOLVER_FULL ? options->dir : NULL;
    enum result rc;

    resolver->options = options;
    map_init(&resolver->loading);
    rc = jwt_store_open(dir, (size_t)options->limit, &resolver->store);
    if (rc == OK)
        rc = preload(resolver);
    if (rc != OK) {
        snprintf(message, RESOLVER_MESSAGE_MAX, "%s: %s", dir != NULL ? dir : "resolver_preload",
                 rc == ERR_IO ? strerror(errno) : result_text(rc));
        resolver_close(resolver);
        return rc;
    }
    *out = resolver;
    return OK;
}

void resolver_bind(struct resolver *resolver, struct auth *auth, const struct auth_parts *parts)
{
    resolver->auth = auth;
    resolver->parts = *parts;
}

static void load_free(struct load *load)
{
    struct waiter *waiter, *next;

    for (waiter = load->waiters; waiter != NULL; waiter = next) {
        next = waiter->next;
        mem_free(waiter);
    }
    auth_account_token_free(load->token);
    mem_free(load);
}

void resolver_close(struct resolver *resolver)
{
    struct map_iter iter = {0};
    struct map_link *link;

    if (resolver == NULL)
        return;
    while ((link = map_next(&resolver->loading, &iter)) != NULL) {
        map_remove(&resolver->loading, link);
        load_free(map_entry(link, struct load, link));
    }
    map_fini(&resolver->loading);
    jwt_store_close(resolver->store);
    mem_free(resolver);
}

const struct resolver_options *resolver_options(const struct resolver *resolver)
{
    return resolver->options;
}

struct jwt_store *resolver_store_of(struct resolver *resolver)
{
    return resolver->store;
}

uint64_t resolver_job_key(struct slice account)
{
    return map_hash(account) | 1; /* 0 means no order */
}

/* --- putting in force ---------------------------------------------------------------------- */

static int64_t now_s(const struct resolver *resolver)
{
    return clock_wall_ns(resolver->parts.clock) / NS_PER_S;
}

/* Takes the token over.  An older one than what is in force is dropped. */
static void put_in_force(struct account *account, struct auth_account_token *token)
{
    const struct account_terms *terms = account_terms(account);

    if (!atomic_load(&account->removed) && terms != NULL && terms->jwt != NULL &&
        terms->issued_at_s > token->claims.iat) {
        auth_account_token_free(token);
        return;
    }
    account_set_terms(account, auth_account_terms(token));
    atomic_store(&account->removed, false);
}

struct account *resolver_apply(struct resolver *resolver, struct worker *worker,
                               struct auth_account_token *token)
{
    struct account *account;

    CHECK(worker->index == RESOLVER_HOME);
    account = account_table_find(resolver->parts.accounts, slice_of(token->claims.sub));
    if (account == NULL) {
        auth_account_token_free(token); /* whoever asks first reads it from the store */
        return NULL;
    }
    put_in_force(account, token);
    return account;
}

/* --- finding ------------------------------------------------------------------------------- */

struct found_mail {
    struct auth_lookup *lookup;
    struct account *account; /* a reference, or NULL */
    enum result rc;
};

static void on_found(struct worker *worker, void *body, size_t len)
{
    struct found_mail *mail = body;

    mail->lookup->done(mail->lookup, worker, mail->rc, mail->account);
}

static void answer(struct load *load, struct worker *worker, enum result rc,
                   struct account *account)
{
    struct waiter *waiter, *next;

    for (waiter = load->waiters; waiter != NULL; waiter = next) {
        struct found_mail *mail;

        next = waiter->next;
        mail = worker_post(worker, waiter->worker, on_found, sizeof(*mail));
        mail->lookup = waiter->lookup;
        mail->account = account != NULL ? account_ref(account) : NULL;
        mail->rc = rc;
        mem_free(waiter);
    }
    load->waiters = NULL;
}

/* On a helper. */
static void load_run(struct blocking_job *job)
{
    struct load *load = container_of(job, struct load, job);
    struct resolver *resolver = load->resolver;
    struct buf jwt = {0};

    load->rc = jwt_store_load(resolver->store, slice_of(load->key), &jwt);
    if (load->rc == OK)
        load->rc = auth_account_verify(resolver->auth, slice_trim(buf_slice(&jwt)), now_s(resolver),
                                       &load->token, load->issue);
    buf_fini(&jwt);
    if (load->token != NULL && strcmp(load->token->claims.sub, load->key) != 0) {
        auth_account_token_free(load->token); /* a file of another account's name */
        load->token = NULL;
        load->rc = ERR_CORRUPT;
    }
}

static void load_done(struct blocking_job *job, struct worker *worker)
{
    struct load *load = container_of(job, struct load, job);
    struct resolver *resolver = load->resolver;
    struct account *account = NULL;

    map_remove(&resolver->loading, &load->link);
    if (load->token != NULL) {
        account = account_table_obtain(resolver->parts.accounts, slice_of(load->key));
        put_in_force(account, load->token);
        load->token = NULL;
    } else if (load->rc != ERR_NOT_FOUND) {
        log_warn(LOG_ACCOUNT, "Account %s cannot be used: %s %s", load->key, result_text(load->rc),
                 load->issue);
    }
    answer(load, worker, load->rc, load->rc == OK ? account : NULL);
    account_unref(account);
    load_free(load);
}

struct find_mail {
    struct resolver *resolver;
    struct auth_lookup *lookup;
    unsigned worker;
    char key[NKEY_PUBLIC_MAX];
};

/* On the home worker: joins those who wait already, or begins to load. */
static void on_find(struct worker *worker, void *body, size_t len)
{
    struct find_mail *mail = body;
    struct resolver *resolver = mail->resolver;
    struct map_link *link = map_find(&resolver->loading, slice_of(mail->key));
    struct load *load = link != NULL ? map_entry(link, struct load, link) : NULL;
    struct waiter *waiter = mem_alloc(sizeof(*waiter));
    bool fresh = load == NULL;

    if (fresh) {
        load = mem_alloc(sizeof(*load));
        load->resolver = resolver;
        memcpy(load->key, mail->key, sizeof(load->key));
        load->job.run = load_run;
        load->job.done = load_done;
        load->job.worker = RESOLVER_HOME;
        load->job.key = resolver_job_key(slice_of(load->key));
        CHECK(map_insert(&resolver->loading, &load->link, slice_of(load->key)));
    }
    waiter->lookup = mail->lookup;
    waiter->worker = mail->worker;
    waiter->next = load->waiters;
    load->waiters = waiter;
    if (fresh && blocking_submit(resolver->parts.blocking, &load->job) != OK) {
        map_remove(&resolver->loading, &load->link);
        answer(load, worker, ERR_AGAIN, NULL);
        load_free(load);
    }
}

void resolver_find(void *arg, struct worker *worker, struct slice key, struct auth_lookup *lookup)
{
    struct resolver *resolver = arg;
    struct account *account = account_table_find(resolver->parts.accounts, key);
    struct find_mail *mail;

    if (account != NULL && !atomic_load(&account->removed) &&
        account_terms(account)->claims != NULL) {
        lookup->done(lookup, worker, OK, account);
        return;
    }
    account_unref(account);
    if (!nkey_is(key, NKEY_ACCOUNT)) {
        lookup->done(lookup, worker, ERR_NOT_FOUND, NULL);
        return;
    }
    mail = worker_post(worker, RESOLVER_HOME, on_find, sizeof(*mail));
    *mail = (struct find_mail){.resolver = resolver, .lookup = lookup, .worker = worker->index};
    memcpy(mail->key, key.data, NKEY_PUBLIC_LEN);
}

/* --- new claims ---------------------------------------------------------------------------- */

/* Is the same stored already (true), or something newer (ERR_STALE)? */
static enum result compare_stored(struct resolver *resolver, const struct auth_account_token *token,
                                  struct slice jwt, bool *same)
{
    struct buf stored = {0};
    enum result rc = jwt_store_load(resolver->store, slice_of(token->claims.sub), &stored);

    *same = rc == OK && slice_equal(slice_trim(buf_slice(&stored)), jwt);
    if (rc == OK && !*same && issued_at(slice_trim(buf_slice(&stored))) > token->claims.iat)
        rc = ERR_STALE;
    buf_fini(&stored);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

enum result resolver_store(struct resolver *resolver, struct slice jwt, struct resolver_stored *out)
{
    struct auth_account_token *token = NULL;
    bool same = false;
    enum result rc;

    *out = (struct resolver_stored){0};
    rc = auth_account_verify(resolver->auth, jwt, now_s(resolver), &token, out->issue);
    if (token != NULL) {
        snprintf(out->key, sizeof(out->key), "%s", token->claims.sub);
        snprintf(out->jti, sizeof(out->jti), "%s",
                 token->claims.jti != NULL ? token->claims.jti : "");
        out->iat = token->claims.iat;
    }
    if (rc == OK)
        rc = compare_stored(resolver, token, jwt, &same);
    if (rc == ERR_STALE)
        snprintf(out->issue, sizeof(out->issue), "a newer jwt is stored already");
    if (rc == OK && !same) {
        rc = jwt_store_save(resolver->store, slice_of(token->claims.sub), jwt);
        if (rc == ERR_LIMIT)
            snprintf(out->issue, sizeof(out->issue), "jwt store is full");
        else if (rc != OK)
            snprintf(out->issue, sizeof(out->issue), "%s", strerror(errno));
    }
    if (rc != OK || same) {
        auth_account_token_free(token);
        return rc;
    }
    out->token = token;
    return OK;
}

enum result resolver_remove(struct resolver *resolver, struct slice key)
{
    return jwt_store_remove(resolver->store, key, resolver->options->hard_delete);
}

/* --- the system account -------------------------------------------------------------------- */

static void free_arena(void *owner)
{
    struct arena *arena = owner;

    arena_fini(arena);
    mem_free(arena);
}

enum result resolver_verify(struct resolver *resolver, struct slice key, char issue[AUTH_ISSUE_MAX])
{
    struct auth_account_token *token = NULL;
    struct buf jwt = {0};
    enum result rc = jwt_store_load(resolver->store, key, &jwt);

    snprintf(issue, AUTH_ISSUE_MAX, "%s", result_text(rc));
    if (rc == OK)
        rc = auth_account_verify(resolver->auth, slice_trim(buf_slice(&jwt)), now_s(resolver),
                                 &token, issue);
    auth_account_token_free(token);
    buf_fini(&jwt);
    return rc;
}

/* Terms of an account that exists because the operator's claims name it. */
static struct account_terms *bare_terms(void)
{
    struct account_terms *terms = account_terms_new();
    struct arena *arena = mem_alloc(sizeof(*arena));
    struct account_claims *claims = arena_alloc(arena, sizeof(*claims));

    claims_account_defaults(claims);
    terms->claims = claims;
    terms->owner = arena;
    terms->free_owner = free_arena;
    return terms;
}

struct account *resolver_load_system(struct resolver *resolver, struct worker *worker,
                                     const char *key)
{
    struct account *account = account_table_obtain(resolver->parts.accounts, slice_of(key));
    struct auth_account_token *token = NULL;
    struct buf jwt = {0};
    char issue[AUTH_ISSUE_MAX] = "";

    CHECK(worker->index == RESOLVER_HOME);
    account->system = true;
    if (jwt_store_load(resolver->store, slice_of(key), &jwt) == OK &&
        auth_account_verify(resolver->auth, slice_trim(buf_slice(&jwt)), now_s(resolver), &token,
                            issue) != OK)
        log_warn(LOG_ACCOUNT, "The system account's JWT is of no use: %s", issue);
    buf_fini(&jwt);
    if (token != NULL) {
        put_in_force(account, token);
        return account;
    }
    log_info(LOG_ACCOUNT, "Using bootstrapping system account");
    account_set_terms(account, bare_terms());
    return account;
}
