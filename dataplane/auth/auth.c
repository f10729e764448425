/*
 * An attempt goes to the first method of the table that fits; when none does and a log-in is
 * required, it is refused.  The method ends it with auth_accept or auth_refuse: from within
 * auth_begin, or later from a job's `then` or an account's lookup.
 *
 * What can go wrong: the peer leaves meanwhile (auth_cancel): the attempt then lives on until
 * its job or lookup is done, and is freed without a word.
 */
#include "dataplane/auth/auth.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/nkey.h"
#include "dataplane/auth/auth_attempt.h"
#include "dataplane/auth/auth_password.h"
#include "dataplane/auth/auth_rules.h"

/* In the order in which they are asked. */
static const struct auth_method *const methods[] = {
    &auth_method_jwt, &auth_method_nkey, &auth_method_user, &auth_method_token, &auth_method_single,
};

/* --- set up ---------------------------------------------------------------------------------- */

static const char *copy(struct auth *auth, const char *text)
{
    return text != NULL ? arena_strdup(&auth->arena, text) : NULL;
}

static struct strings copy_strings(struct auth *auth, const struct strings *from)
{
    struct strings out = {.count = from->count};

    out.items = arena_alloc_array(&auth->arena, from->count, sizeof(out.items[0]));
    for (size_t i = 0; i < from->count; i++)
        out.items[i] = copy(auth, from->items[i]);
    return out;
}

static const struct permission_rules *copy_rules(struct auth *auth,
                                                 const struct permission_rules *from)
{
    struct permission_rules *rules;

    if (from == NULL)
        return NULL;
    rules = arena_alloc(&auth->arena, sizeof(*rules));
    *rules = *from;
    rules->publish_allow = copy_strings(auth, &from->publish_allow);
    rules->publish_deny = copy_strings(auth, &from->publish_deny);
    rules->subscribe_allow = copy_strings(auth, &from->subscribe_allow);
    rules->subscribe_deny = copy_strings(auth, &from->subscribe_deny);
    return rules;
}

static enum result add_user(struct auth *auth, struct auth_entry *entry,
                            const struct auth_user *from, char message[AUTH_MESSAGE_MAX])
{
    struct map *map = from->nkey != NULL ? &auth->nkeys : &auth->names;
    const char *key = from->nkey != NULL ? from->nkey : from->name;
    struct permission *permission = NULL;

    if (!slice_given(key)) {
        snprintf(message, AUTH_MESSAGE_MAX, "User entry requires a user");
        return ERR_INVALID;
    }
    if (from->nkey != NULL && !nkey_is(slice_of(from->nkey), NKEY_USER)) {
        snprintf(message, AUTH_MESSAGE_MAX, "Not a valid public nkey for a user");
        return ERR_INVALID;
    }
    if (from->permissions != NULL && permission_new(from->permissions, &permission) != OK) {
        snprintf(message, AUTH_MESSAGE_MAX, "invalid subject in the permissions of \"%s\"", key);
        return ERR_INVALID;
    }
    permission_free(permission);
    entry->user = *from;
    entry->user.name = copy(auth, from->name);
    entry->user.nkey = copy(auth, from->nkey);
    entry->user.password = copy(auth, from->password);
    entry->user.account = copy(auth, from->account);
    entry->user.permissions = copy_rules(auth, from->permissions);
    key = from->nkey != NULL ? entry->user.nkey : entry->user.name;
    if (!map_insert(map, &entry->link, slice_of(key))) {
        snprintf(message, AUTH_MESSAGE_MAX, "Duplicate %s \"%s\" detected",
                 from->nkey != NULL ? "nkey" : "user", key);
        return ERR_INVALID;
    }
    return OK;
}

static enum result add_users(struct auth *auth, const struct auth_options *options,
                             char message[AUTH_MESSAGE_MAX])
{
    struct map_link *link;

    auth->entries = arena_alloc_array(&auth->arena, options->user_count, sizeof(auth->entries[0]));
    for (size_t i = 0; i < options->user_count; i++) {
        enum result rc = add_user(auth, &auth->entries[i], &options->users[i], message);

        if (rc != OK)
            return rc;
    }
    if (options->no_auth_user == NULL)
        return OK;
    link = map_find(&auth->names, slice_of(options->no_auth_user));
    if (link == NULL)
        link = map_find(&auth->nkeys, slice_of(options->no_auth_user));
    if (link == NULL) {
        snprintf(message, AUTH_MESSAGE_MAX,
                 "no_auth_user: \"%s\" not present as user or nkey in authorization block or "
                 "account configuration",
                 options->no_auth_user);
        return ERR_INVALID;
    }
    auth->no_auth = map_entry(link, struct auth_entry, link);
    return OK;
}

static void trust(struct auth *auth, const char *key)
{
    struct map_link *link = arena_alloc(&auth->arena, sizeof(*link));

    (void)map_insert(&auth->trusted, link, slice_of(copy(auth, key)));
}

/* An operator that wants signing keys to be used does not sign accounts with its own key. */
static void add_operators(struct auth *auth, const struct auth_options *options)
{
    for (size_t i = 0; i < options->operator_count; i++) {
        const struct claims *claims = options->operators[i].claims;

        if (claims == NULL)
            continue;
        if (claims->operator->strict_signing_key_usage)
            auth->strict_keys = true;
        else
            trust(auth, claims->sub);
        for (size_t k = 0; k < claims->operator->signing_keys.count; k++)
            trust(auth, claims->operator->signing_keys.items[k]);
    }
    for (size_t i = 0; i < options->trusted_key_count; i++)
        trust(auth, options->trusted_keys[i]);
}

/* The texts of options that are looked at again. */
static void copy_options(struct auth *auth, const struct auth_options *options)
{
    const char **pinned;

    auth->options = *options;
    auth->options.token = copy(auth, options->token);
    auth->options.user = copy(auth, options->user);
    auth->options.password = copy(auth, options->password);
    auth->options.no_auth_user = copy(auth, options->no_auth_user);
    auth->options.system_account = copy(auth, options->system_account);
    pinned = arena_alloc_array(&auth->arena, options->pinned_account_count, sizeof(pinned[0]));
    for (size_t i = 0; i < options->pinned_account_count; i++)
        pinned[i] = copy(auth, options->pinned_accounts[i]);
    auth->options.pinned_accounts = pinned;
    auth->options.users = NULL;
    auth->options.operators = NULL;
    auth->options.trusted_keys = NULL;
}

enum result auth_new(const struct auth_options *options, const struct auth_parts *parts,
                     struct auth **out, char message[AUTH_MESSAGE_MAX])
{
    struct auth *auth = mem_alloc(sizeof(*auth));
    enum result rc;

    auth->parts = *parts;
    password_cache_init(&auth->passwords);
    auth->operator_mode = options->operator_count > 0 || options->trusted_key_count > 0;
    auth->required = auth->operator_mode || options->user_count > 0 || options->user != NULL ||
                     options->token != NULL;
    auth->global = account_table_obtain(parts->accounts, SLICE("$G"));
    auth->global->global = true;
    copy_options(auth, options);
    add_operators(auth, options);
    rc = add_users(auth, options, message);
    if (rc != OK) {
        auth_free(auth);
        return rc;
    }
    *out = auth;
    return OK;
}

void auth_free(struct auth *auth)
{
    if (auth == NULL)
        return;
    account_unref(auth->global);
    map_fini(&auth->names);
    map_fini(&auth->nkeys);
    map_fini(&auth->trusted);
    password_cache_fini(&auth->passwords);
    arena_fini(&auth->arena);
    mem_free(auth);
}

bool auth_operator_mode(const struct auth *auth)
{
    return auth->operator_mode;
}

bool auth_required(const struct auth *auth)
{
    return auth->required;
}

bool auth_announced(const struct auth *auth)
{
    return auth->required && (auth->no_auth == NULL || auth->options.no_auth_made_up);
}

bool auth_has_no_auth_user(const struct auth *auth)
{
    return auth->no_auth != NULL && auth->no_auth->user.nkey == NULL;
}

bool auth_needs_nonce(const struct auth *auth)
{
    return auth->options.always_nonce || auth->operator_mode || auth->nkeys.count > 0;
}

bool auth_trusts(const struct auth *auth, const char *operator_key)
{
    return map_find(&auth->trusted, slice_of(operator_key)) != NULL;
}

bool auth_has_plain_password(const struct auth *auth)
{
    if (auth->options.password != NULL && !password_is_bcrypt(auth->options.password))
        return true;
    for (size_t i = 0; i < auth->options.user_count; i++) {
        const char *password = auth->entries[i].user.password;

        if (slice_given(password) && !password_is_bcrypt(password) &&
            !(auth->options.no_auth_made_up && &auth->entries[i] == auth->no_auth))
            return true;
    }
    return false;
}

/* --- attempts -------------------------------------------------------------------------------- */

static void choose_method(struct auth_attempt *attempt)
{
    static const struct auth_user anybody;

    if (!attempt->auth->required) {
        auth_accept_user(attempt, &anybody);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (methods[i]->fits(attempt)) {
            methods[i]->begin(attempt);
            return;
        }
    }
    auth_refuse(attempt, ERR_UNAUTHENTICATED, NULL, "no credentials that could be checked");
}

struct auth_attempt *auth_begin(struct auth *auth, struct worker *worker,
                                const struct auth_input *input, auth_done_fn done, void *owner)
{
    struct auth_attempt *attempt = auth_attempt_new(auth, worker, input);

    attempt->done = done;
    attempt->owner = owner;
    attempt->beginning = true;
    choose_method(attempt);
    if (attempt->finished) {
        auth_attempt_free(attempt);
        return NULL;
    }
    attempt->beginning = false;
    return attempt;
}

void auth_cancel(struct auth_attempt *attempt)
{
    atomic_store(&attempt->cancelled, true);
}

/* --- afterwards ------------------------------------------------------------------------------ */

static enum result recheck_token(const struct identity *identity, const struct account_terms *terms)
{
    const struct account_claims *claims = terms->claims;
    const struct claims_signing_key *key = NULL;

    if (claims == NULL)
        return OK;
    if (claims_revoked(&claims->revocations, identity->user, identity->issued_at_s))
        return ERR_REVOKED;
    if (identity->bearer && terms->disallow_bearer)
        return ERR_DENIED;
    if (strcmp(identity->issuer_key, identity->account->name) == 0)
        return OK;
    key = claims_find_signing_key(claims, identity->issuer_key);
    if (key == NULL || auth_scope_hash(key->template) != identity->scope_hash)
        return ERR_UNTRUSTED;
    return OK;
}

enum result auth_recheck(const struct auth *auth, const struct identity *identity, int64_t now_s)
{
    const struct account_terms *terms = account_terms(identity->account);

    if (atomic_load(&identity->account->removed))
        return ERR_EXPIRED;
    if (terms->expires_at_s > 0 && terms->expires_at_s <= now_s)
        return ERR_EXPIRED;
    return identity->jwt != NULL ? recheck_token(identity, terms) : OK;
}
