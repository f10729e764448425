/*
 * A token's text is never stored: only the keyed hash of its secret part, so a copy of the
 * database lets nobody in.
 */
#include "controlplane/domain/token.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/base32.h"
#include "api/base/check.h"
#include "api/base/crc.h"
#include "controlplane/domain/plan.h"
#include "controlplane/domain/team.h"

enum {
    SECRET_LEN = 32,
    ULID_LEN = 26,
    SECRET_TEXT_LEN = BASE32_LEN(SECRET_LEN),
    CHECK_TEXT_LEN = BASE32_LEN(2),
    USE_NOTED_EVERY_S = 60,
    BOOTSTRAP_LIFE_S = 7 * 86400,
    ADMIN_LIFE_S = 365 * 86400,
    LIST_MAX = 1000,
};

static const char prefix[] = "berth_";

/* clang-format off */
#define T struct token
static const struct field token_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"team_id", STRING_AT(T, team_id), FIELD_NULL},
    {"member_id", STRING_AT(T, member_id), FIELD_NULL},
    {"role", ENUM_AT(T, role), .type = principal_role_words},
    {"scopes", STRINGS_AT(T, scopes)},
    {"accounts", STRINGS_AT(T, accounts)},
    {"allowed_cidrs", STRINGS_AT(T, allowed_cidrs)},
    {"expires_at", TIME_AT(T, expires_at), FIELD_MS},
    {"last_used_at", TIME_AT(T, last_used_at), FIELD_NULL | FIELD_MS},
    {"last_used_from", STRING_AT(T, last_used_from), FIELD_OMIT_EMPTY},
    {"token", STRING_AT(T, token), FIELD_OMIT_EMPTY | FIELD_SECRET},
};
#undef T
const struct shape token_shape = SHAPE(struct token, token_fields);

#define T struct token_settings
static const struct field token_settings_fields[] = {
    {NULL, FLATTEN_AT(T, settings), .type = &resource_settings_shape},
    {"role", ENUM_AT(T, role), FIELD_OMIT_EMPTY | FIELD_FIXED, .type = principal_role_words},
    {"member_id", STRING_AT(T, member_id), FIELD_OMIT_EMPTY | FIELD_NULL | FIELD_FIXED, .max = 64},
    {"scopes", STRINGS_AT(T, scopes), FIELD_OMIT_EMPTY, .max = 32, .valid = rule_scope,
     .rule = "a scope such as accounts:read"},
    {"accounts", STRINGS_AT(T, accounts), FIELD_OMIT_EMPTY, .max = LIST_MAX},
    {"allowed_cidrs", STRINGS_AT(T, allowed_cidrs), FIELD_OMIT_EMPTY, .max = LIST_MAX,
     .valid = rule_cidr, .rule = "an address and its prefix length, such as 10.0.0.0/8"},
    {"expires_at", TIME_AT(T, expires_at), FIELD_OMIT_EMPTY},
};
#undef T
/* clang-format on */
const struct shape token_settings_shape = SHAPE(struct token_settings, token_settings_fields);

/*
 * Texts.
 */

static void write_check(const char *text, size_t len, char out[CHECK_TEXT_LEN + 1])
{
    uint16_t crc = crc16(text, len);
    unsigned char bytes[2] = {(unsigned char)(crc >> 8), (unsigned char)crc};

    base32_encode(bytes, sizeof(bytes), out);
}

/* berth_ID_SECRET_CHECK; secret: where its text begins. */
static const char *secret_part(const char *text)
{
    char check[CHECK_TEXT_LEN + 1];
    size_t head = sizeof(prefix) - 1 + ULID_LEN + 1, body = head + SECRET_TEXT_LEN;

    if (strlen(text) != body + 1 + CHECK_TEXT_LEN ||
        strncmp(text, prefix, sizeof(prefix) - 1) != 0 || text[head - 1] != '_' ||
        text[body] != '_')
        return NULL;
    write_check(text, body, check);
    return strcmp(text + body + 1, check) == 0 ? text + head : NULL;
}

bool token_well_formed(const char *text)
{
    return secret_part(text) != NULL;
}

static void hash_secret(const struct work *work, const char *secret, char out[VAULT_HASH_LEN + 1])
{
    vault_hash(work->tools->vault, "token", slice_make(secret, SECRET_TEXT_LEN), out);
}

static void wipe(void *text)
{
    sodium_memzero(text, TOKEN_TEXT_MAX);
}

/* A new text for this id, and the hash to store. */
static const char *make_text(const struct work *work, const char *id, char hash[VAULT_HASH_LEN + 1])
{
    unsigned char secret[SECRET_LEN];
    char text[SECRET_TEXT_LEN + 1], check[CHECK_TEXT_LEN + 1];
    char *whole;
    size_t len;

    random_fill(work->tools->random, secret, sizeof(secret));
    base32_encode(secret, sizeof(secret), text);
    hash_secret(work, text, hash);
    whole = arena_alloc(work->arena, TOKEN_TEXT_MAX);
    arena_on_free(work->arena, wipe, whole);
    len = (size_t)snprintf(whole, TOKEN_TEXT_MAX, "%s%s_%s", prefix, strchr(id, '_') + 1, text);
    write_check(whole, len, check);
    snprintf(whole + len, TOKEN_TEXT_MAX - len, "_%s", check);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(text, sizeof(text));
    return whole;
}

/*
 * Who knocks.
 */

struct found {
    const char *token_id, *name, *team_id, *member_id, *secret_hash, *state;
    const char *member_state, *member_name, *team_state;
    int role, member_role;
    bool all_accounts;
    struct strings scopes, accounts, allowed_cidrs, member_accounts;
    int64_t expires_at, last_used_at;
};
#define T struct found
static const struct field found_fields[] = {
    {"token_id", STRING_AT(T, token_id)},
    {"name", STRING_AT(T, name)},
    {"team_id", STRING_AT(T, team_id)},
    {"member_id", STRING_AT(T, member_id)},
    {"secret_hash", STRING_AT(T, secret_hash)},
    {"state", STRING_AT(T, state)},
    {"member_state", STRING_AT(T, member_state)},
    {"member_name", STRING_AT(T, member_name)},
    {"team_state", STRING_AT(T, team_state)},
    {"role", ENUM_AT(T, role), .type = principal_role_words},
    {"member_role", ENUM_AT(T, member_role), .type = member_role_words},
    {"all_accounts", BOOL_AT(T, all_accounts)},
    {"scopes", STRINGS_AT(T, scopes)},
    {"accounts", STRINGS_AT(T, accounts)},
    {"allowed_cidrs", STRINGS_AT(T, allowed_cidrs)},
    {"member_accounts", STRINGS_AT(T, member_accounts)},
    {"expires_at", TIME_AT(T, expires_at)},
    {"last_used_at", TIME_AT(T, last_used_at)},
};
#undef T
static const struct shape found_shape = SHAPE(struct found, found_fields);

static unsigned cidr_bits(const char *cidr)
{
    const char *slash = strchr(cidr, '/');

    return slash != NULL ? (unsigned)strtoul(slash + 1, NULL, 10) : 0;
}

static bool in_cidr(const char *cidr, const char *address)
{
    unsigned char net[16], host[16];
    int family = strchr(cidr, ':') != NULL ? AF_INET6 : AF_INET;
    const char *slash = strchr(cidr, '/');
    char text[64];
    unsigned bits = cidr_bits(cidr);

    if (slash == NULL || (size_t)(slash - cidr) >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)(slash - cidr), cidr);
    if (inet_pton(family, text, net) != 1 || inet_pton(family, address, host) != 1)
        return false;
    for (unsigned i = 0; i < bits; i++) {
        if (((net[i / 8] ^ host[i / 8]) & 0x80 >> i % 8) != 0)
            return false;
    }
    return true;
}

static bool from_allowed(const struct strings *cidrs, const char *source_ip)
{
    for (size_t i = 0; i < cidrs->count; i++) {
        if (in_cidr(cidrs->items[i], source_ip))
            return true;
    }
    return cidrs->count == 0;
}

static enum result judge(struct work *work, const struct found *found, const char *source_ip)
{
    if (strcmp(found->state, "active") != 0 ||
        (found->member_id != NULL && strcmp(or_empty(found->member_state), "active") != 0) ||
        (found->team_id != NULL && strcmp(or_empty(found->team_state), "active") != 0))
        return refusal_set(work->refusal, REFUSAL_token_revoked, "The token is no longer valid.");
    if (found->expires_at <= work_now(work))
        return refusal_set(work->refusal, REFUSAL_token_expired, "The token's time is over.");
    if (!from_allowed(&found->allowed_cidrs, source_ip))
        return refusal_set(work->refusal, REFUSAL_address_not_allowed,
                           "The token may not be used from this address.");
    return OK;
}

static bool has_text(const struct strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

/* Every address of the one is an address of the other. */
static bool cidr_within(struct work *work, const char *inner, const char *outer)
{
    const char *slash = strchr(inner, '/');

    return slash != NULL && cidr_bits(inner) >= cidr_bits(outer) &&
           in_cidr(outer, arena_printf(work->arena, "%.*s", (int)(slash - inner), inner));
}

/* Those of the token's that the member may see too. */
static void narrow_accounts(struct principal *who, const struct strings *member)
{
    size_t kept = 0;

    if (who->all_accounts) {
        who->all_accounts = false;
        who->accounts = *member;
        return;
    }
    for (size_t i = 0; i < who->accounts.count; i++) {
        if (has_text(member, who->accounts.items[i]))
            who->accounts.items[kept++] = who->accounts.items[i];
    }
    who->accounts.count = kept;
}

/* A viewer's service reads. */
static void narrow_scopes(struct principal *who)
{
    size_t kept = 0;

    for (size_t i = 0; i < who->scopes.count; i++) {
        const char *verb = strchr(who->scopes.items[i], ':');

        if (verb != NULL && strcmp(verb, ":read") == 0)
            who->scopes.items[kept++] = who->scopes.items[i];
    }
    who->scopes.count = kept;
}

/* A member's token has what the member has now, never more than it was made with. */
static void fill(struct principal *out, const struct found *found)
{
    *out = (struct principal){
        .role = (enum principal_role)found->role,
        .token_id = found->token_id,
        .name = found->member_name != NULL ? found->member_name : found->name,
        .member_id = found->member_id,
        .team_id = found->team_id,
        .scopes = found->scopes,
        .all_accounts = found->all_accounts,
        .accounts = found->accounts,
        .cidrs = found->allowed_cidrs,
    };
    if (found->member_id == NULL)
        return;
    if (strcmp(member_role_words[found->member_role], "admin") != 0) {
        if (out->role == ROLE_TEAM_ADMIN)
            out->role = ROLE_TEAM_VIEWER;
        narrow_scopes(out);
    }
    if (found->member_accounts.count > 0)
        narrow_accounts(out, &found->member_accounts);
}

enum result token_authenticate(struct work *work, const char *text, const char *source_ip,
                               struct principal *out)
{
    char hash[VAULT_HASH_LEN + 1], id[ULID_LEN + sizeof("tok_")];
    const char *secret = secret_part(text);
    struct found found;
    enum result rc;

    if (secret == NULL)
        return refusal_set(work->refusal, REFUSAL_unauthenticated, "The token is not well formed.");
    snprintf(id, sizeof(id), "tok_%.*s", ULID_LEN, text + sizeof(prefix) - 1);
    hash_secret(work, secret, hash);
    rc = db_one(work->db, SQL_token_find, DB_ARGS(db_text(id)), &found_shape, work->arena, &found);
    if (rc == ERR_NOT_FOUND ||
        (rc == OK && (strlen(found.secret_hash) != VAULT_HASH_LEN ||
                      sodium_memcmp(found.secret_hash, hash, VAULT_HASH_LEN) != 0)))
        return refusal_set(work->refusal, REFUSAL_unauthenticated, "The token is not known.");
    if (rc == OK)
        rc = judge(work, &found, source_ip);
    if (rc != OK)
        return rc;
    fill(out, &found);
    if (found.last_used_at < work_now(work) - USE_NOTED_EVERY_S * NS_PER_S)
        rc = db_exec(work->db, SQL_token_used, DB_ARGS(db_text(id), db_text(source_ip)));
    return rc;
}

/*
 * Making and ending them.
 */

struct token_settings token_settings_of(const struct token *token)
{
    return (struct token_settings){
        .settings = resource_settings_of(&token->resource),
        .role = token->role,
        .member_id = token->member_id,
        .scopes = token->scopes,
        .accounts = token->accounts,
        .allowed_cidrs = token->allowed_cidrs,
        .expires_at = token->expires_at,
    };
}

enum result token_by_id(struct work *work, const char *team_id, const char *id, struct token *out)
{
    return db_one(work->db, SQL_token_by_id, DB_ARGS(db_text(id), db_text(team_id)), &token_shape,
                  work->arena, out);
}

enum result token_list(struct work *work, const char *team_id, const struct list_query *query,
                       struct db_rows *out)
{
    const struct principal *who = work->who;
    bool own = team_id == NULL;
    const char *team = own ? who->team_id : team_id;
    const char *member = own ? who->member_id : NULL;
    const char *self = own && who->team_id != NULL && who->member_id == NULL ? who->token_id : NULL;

    return db_all(work->db, SQL_token_list,
                  DB_ARGS(LIST_ARGS(query), db_text(team), db_text(member), db_text(self)),
                  &token_shape, work->arena, out);
}

/* What each role may give to a new token. */
static bool may_give(const struct principal *who, bool of_team, enum principal_role role)
{
    switch (who->role) {
    case ROLE_OPERATOR_ADMIN:
        return of_team ? role == ROLE_TEAM_ADMIN || role == ROLE_TEAM_VIEWER || role == ROLE_SERVICE
                       : role == ROLE_OPERATOR_ADMIN || role == ROLE_OPERATOR_VIEWER;
    case ROLE_TEAM_ADMIN:
        return role == ROLE_TEAM_ADMIN || role == ROLE_TEAM_VIEWER || role == ROLE_SERVICE;
    default:
        return false;
    }
}

static enum result check_life(struct work *work, int64_t expires_at)
{
    int64_t now = work_now(work);

    if (expires_at == 0)
        return refusal_field(work->refusal, "/expires_at", "required", "is required");
    if (expires_at <= now || expires_at > now + TOKEN_LIFE_MAX_S * NS_PER_S)
        return refusal_field(work->refusal, "/expires_at", "out_of_range",
                             "must be in the future and at most one year away");
    return OK;
}

/* The accounts that a token is bound to by itself, or by its member. */
static enum result find_bounds(struct work *work, const char *team_id, const char *member_id,
                               const struct strings *accounts, struct strings *out)
{
    struct member member;
    enum result rc;

    *out = *accounts;
    if (member_id == NULL || accounts->count > 0)
        return OK;
    rc = member_by_id(work, team_id, member_id, &member);
    if (rc == OK)
        *out = member.accounts;
    return rc == ERR_NOT_FOUND ? OK : rc; /* removed: its tokens are dead */
}

static enum result check_accounts(struct work *work, const struct strings *bounds)
{
    const struct principal *who = work->who;

    if (principal_covers(who, bounds))
        return OK;
    for (size_t i = 0; i < bounds->count; i++) {
        if (!principal_sees_account(who, who->team_id, bounds->items[i]))
            return refusal_field(work->refusal, arena_printf(work->arena, "/accounts/%zu", i),
                                 "not_found", "there is no such account");
    }
    return refusal_set(work->refusal, REFUSAL_forbidden,
                       "The token must be bound to accounts that this one may see.");
}

/* From nowhere that its maker may not come from himself. */
static enum result check_addresses(struct work *work, const struct strings *cidrs)
{
    const struct strings *own = &work->who->cidrs;

    if (own->count > 0 && cidrs->count == 0)
        return refusal_field(work->refusal, "/allowed_cidrs", "required",
                             "this token is bound to addresses, and so is what it makes");
    for (size_t i = 0; own->count > 0 && i < cidrs->count; i++) {
        bool within = false;

        for (size_t j = 0; j < own->count; j++)
            within = within || cidr_within(work, cidrs->items[i], own->items[j]);
        if (!within)
            return refusal_field(work->refusal, arena_printf(work->arena, "/allowed_cidrs/%zu", i),
                                 "not_allowed", "is outside of the addresses of this token");
    }
    return OK;
}

/* A token never gives more than its maker has. */
static enum result check_rights(struct work *work, const char *team_id, enum principal_role role,
                                const struct token_settings *settings)
{
    bool of_team = team_id != NULL;
    struct strings bounds;
    enum result rc;

    if (!may_give(work->who, of_team, role))
        return refusal_set(work->refusal, REFUSAL_forbidden,
                           "A token of this role cannot be made with this token.");
    if (role == ROLE_SERVICE && settings->scopes.count == 0)
        return refusal_field(work->refusal, "/scopes", "required", "a service token needs scopes");
    if (role != ROLE_SERVICE && settings->scopes.count > 0)
        return refusal_field(work->refusal, "/scopes", "not_allowed",
                             "only service tokens have scopes");
    if (!of_team && settings->accounts.count > 0)
        return refusal_field(work->refusal, "/accounts", "not_allowed",
                             "only a team's tokens have accounts");
    rc = find_bounds(work, team_id, settings->member_id, &settings->accounts, &bounds);
    return rc == OK ? check_accounts(work, &bounds) : rc;
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Who is bound speaks for himself and for members bound as he is, not in others' names. */
static enum result check_member(struct work *work, const struct member *member)
{
    if (same_text(member->resource.id, work->who->member_id) ||
        principal_covers(work->who, &member->accounts))
        return OK;
    return refusal_set(work->refusal, REFUSAL_forbidden,
                       "The member may see more accounts than this token.");
}

/* Changing and ending: one's own, and what is bound at least as oneself. */
static enum result check_reach(struct work *work, const struct token *token)
{
    struct strings bounds;
    enum result rc;

    if (same_text(token->resource.id, work->who->token_id))
        return OK;
    rc = find_bounds(work, token->team_id, token->member_id, &token->accounts, &bounds);
    if (rc == OK && !principal_covers(work->who, &bounds))
        return refusal_set(work->refusal, REFUSAL_forbidden,
                           "The token may see more accounts than this one.");
    return rc;
}

/* Under the team's row lock, so that two at once do not both find room. */
static enum result check_quota(struct work *work, const char *team_id)
{
    const char *locked;
    struct team team;
    struct plan plan;
    enum result rc =
        db_get_text(work->db, SQL_team_lock, DB_ARGS(db_text(team_id)), work->arena, &locked);

    if (rc == OK)
        rc = team_by_ref(work, team_id, &team);
    if (rc == OK)
        rc = plan_terms(work, team.plan_id, &plan);
    if (rc == OK)
        rc = plan_room(work, SQL_token_count, team_id,
                       plan.limits.tokens.set ? plan.limits.tokens.value : -1, "The plan allows",
                       "tokens for a team");
    return rc;
}

/* The row, and the text in out->token. */
static enum result insert(struct work *work, const char *team_id, enum principal_role role,
                          const struct token_settings *settings, struct token *out)
{
    const struct resource_settings *head = &settings->settings;
    const char *id = resource_id_new(work, "tok"), *text;
    const char *parent = work->who->token_id;
    char hash[VAULT_HASH_LEN + 1];
    enum result rc;

    text = make_text(work, id, hash);
    rc = db_exec(work->db, SQL_token_insert,
                 DB_ARGS(db_text(id), db_text(team_id), db_text(settings->member_id),
                         db_text(parent != NULL && parent[0] != '\0' ? parent : NULL),
                         db_text(head->name), db_text(or_empty(head->display_name)),
                         db_text(or_empty(head->description)),
                         db_json(resource_labels(head, work->arena)), db_text(work->who->name),
                         db_text(principal_role_words[role]), db_strings(&settings->scopes),
                         db_strings(settings->accounts.count > 0 ? &settings->accounts : NULL),
                         db_strings(&settings->allowed_cidrs), db_text(hash),
                         db_time(settings->expires_at)));
    if (rc == OK && role != ROLE_BOOTSTRAP)
        rc = token_by_id(work, team_id, id, out);
    out->token = text;
    return rc;
}

/* Not said: the member's role, or the maker's own. */
static enum result choose_role(struct work *work, const char *team_id,
                               const struct token_settings *settings, enum principal_role *role)
{
    struct member member;
    enum result rc;

    *role = settings->role != ROLE_NOBODY                   ? (enum principal_role)settings->role
            : team_id != NULL && work->who->team_id == NULL ? ROLE_TEAM_ADMIN
                                                            : work->who->role;
    if (settings->member_id == NULL)
        return OK;
    if (team_id == NULL)
        return refusal_field(work->refusal, "/member_id", "not_allowed",
                             "only a team's tokens stand for members");
    rc = member_by_id(work, team_id, settings->member_id, &member);
    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/member_id", "not_found", "there is no such member");
    if (rc == OK)
        rc = check_member(work, &member);
    if (rc == OK && settings->role == ROLE_NOBODY)
        *role = strcmp(member_role_words[member.role], "admin") == 0 ? ROLE_TEAM_ADMIN
                                                                     : ROLE_TEAM_VIEWER;
    return rc;
}

enum result token_create(struct work *work, const char *team_id,
                         const struct token_settings *settings, struct token *out)
{
    struct token_settings given = *settings;
    enum principal_role role;
    enum result rc;

    if (team_id == NULL && work->who->team_id != NULL) { /* one's own: of the same member */
        team_id = work->who->team_id;
        given.member_id = work->who->member_id;
    }
    rc = choose_role(work, team_id, &given, &role);
    if (rc == OK)
        rc = check_life(work, given.expires_at);
    if (rc == OK)
        rc = check_rights(work, team_id, role, &given);
    if (rc == OK)
        rc = check_addresses(work, &given.allowed_cidrs);
    if (rc == OK && team_id != NULL)
        rc = check_quota(work, team_id);
    return rc == OK ? insert(work, team_id, role, &given, out) : rc;
}

static bool same_list(const struct strings *a, const struct strings *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return a->count == b->count;
}

enum result token_update(struct work *work, const struct token *old,
                         const struct token_settings *settings, struct token *out)
{
    const struct resource_settings *head = &settings->settings;
    struct token_settings before = token_settings_of(old);
    const char *fixed = shape_fixed_change(&token_settings_shape, &before, settings);
    enum result rc = check_reach(work, old);

    if (rc == OK && fixed != NULL)
        return refusal_field(work->refusal, arena_printf(work->arena, "/%s", fixed), "fixed",
                             "cannot be changed");
    if (rc == OK && settings->expires_at != old->expires_at)
        rc = check_life(work, settings->expires_at);
    if (rc == OK)
        rc = check_rights(work, old->team_id, (enum principal_role)old->role, settings);
    if (rc == OK && !same_list(&settings->allowed_cidrs, &old->allowed_cidrs))
        rc = check_addresses(work, &settings->allowed_cidrs);
    if (rc == OK && old->team_id != NULL && settings->expires_at != old->expires_at &&
        strcmp(old->resource.state, "expired") == 0)
        rc = check_quota(work, old->team_id); /* it begins to count again */
    if (rc != OK)
        return rc;
    rc = db_change(
        work->db, SQL_token_update,
        DB_ARGS(db_text(old->resource.id), db_integer(old->resource.version), db_text(head->name),
                db_text(or_empty(head->display_name)), db_text(or_empty(head->description)),
                db_json(resource_labels(head, work->arena)), db_strings(&settings->scopes),
                db_strings(settings->accounts.count > 0 ? &settings->accounts : NULL),
                db_strings(&settings->allowed_cidrs), db_time(settings->expires_at)));
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &old->resource);
    return rc == OK ? token_by_id(work, old->team_id, old->resource.id, out) : rc;
}

enum result token_revoke(struct work *work, const struct token *token)
{
    enum result rc = check_reach(work, token);

    if (rc != OK)
        return rc;
    return db_exec(work->db, SQL_token_revoke, DB_ARGS(db_text(token->resource.id)));
}

enum result token_bootstrap(struct work *work, const char **text)
{
    struct token_settings settings = {
        .settings = {.name = "bootstrap"},
        .expires_at = work_now(work) + BOOTSTRAP_LIFE_S * NS_PER_S,
    };
    struct token token = {0};
    int64_t admins;
    enum result rc = db_exec(work->db, SQL_token_bootstrap_lock, DB_NO_ARGS);

    *text = NULL;
    if (rc == OK)
        rc = db_get_int(work->db, SQL_token_admins, DB_NO_ARGS, &admins);
    if (rc != OK || admins > 0)
        return rc;
    rc = db_exec(work->db, SQL_token_revoke_bootstrap, DB_NO_ARGS);
    if (rc == OK)
        rc = insert(work, NULL, ROLE_BOOTSTRAP, &settings, &token);
    if (rc == OK)
        *text = token.token;
    return rc;
}

enum result token_exchange(struct work *work, const struct token_settings *settings,
                           struct token *out)
{
    struct token_settings given = *settings;
    int64_t admins;
    enum result rc = db_exec(work->db, SQL_token_bootstrap_lock, DB_NO_ARGS);

    if (given.expires_at == 0)
        given.expires_at = work_now(work) + ADMIN_LIFE_S * NS_PER_S;
    if (rc == OK)
        rc = check_life(work, given.expires_at);
    if (rc == OK)
        rc = db_get_int(work->db, SQL_token_admins, DB_NO_ARGS, &admins);
    if (rc == OK && admins > 0)
        return refusal_set(work->refusal, REFUSAL_illegal_state,
                           "There is an operator admin already.");
    given.member_id = NULL;
    given.scopes = given.accounts = (struct strings){0};
    if (rc == OK)
        rc = insert(work, NULL, ROLE_OPERATOR_ADMIN, &given, out);
    if (rc == OK)
        rc = db_exec(work->db, SQL_token_revoke_bootstrap, DB_NO_ARGS);
    return rc;
}
