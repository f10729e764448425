/*
 * Keys, tokens and credential files for the interoperation tests.
 *
 *   jwt_tool make FOLDER     an operator, two accounts and their users: creds files, tokens, the
 *                            lines of a server's configuration
 *   jwt_tool check FILE...   decodes tokens, creds files and seeds of others, validates all, and
 *                            proves that nothing of the claims is lost
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/base/arena.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/mem.h"
#include "api/nats/claims.h"
#include "api/nats/claims_validate.h"
#include "api/nats/creds.h"
#include "api/nats/jwt.h"
#include "api/nats/nkey.h"

enum { FILE_MAX = 1 << 20 };

struct key {
    struct nkey nkey;
    char public[NKEY_PUBLIC_MAX];
    struct jwt_key_signer signer;
};

struct tool {
    struct arena arena;
    const char *folder;
    int64_t now;
    struct key operator, operator_signing, sys, account, signing, scoped;
};

static void make_key(struct key *key, enum nkey_kind kind)
{
    nkey_create(&key->nkey, kind, random_system());
    nkey_public(&key->nkey, key->public);
    jwt_key_signer_init(&key->signer, &key->nkey);
}

static void write_file(struct tool *tool, const char *name, struct slice content)
{
    char *path = arena_printf(&tool->arena, "%s/%s", tool->folder, name);
    FILE *file = fopen(path, "w");

    if (file == NULL || fwrite(content.data, 1, content.len, file) != content.len ||
        fclose(file) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
}

static struct slice sign(struct tool *tool, struct claims *claims, struct key *key)
{
    struct shape_error error = {0};
    struct claims_issues issues;
    struct claims again;
    struct slice token;

    claims->iat = tool->now;
    CHECK(jwt_encode(claims, &key->signer.signer, &tool->arena, &token) == OK);
    CHECK(jwt_decode(token, &tool->arena, &again, &error) == OK);
    claims_validate(&again, tool->now, &tool->arena, &issues);
    if (claims_blocking(&issues, false) != NULL) {
        fprintf(stderr, "%s: %s\n", claims->name, claims_blocking(&issues, false)->text);
        exit(1);
    }
    return token;
}

static struct slice make_operator(struct tool *tool)
{
    const char *keys[] = {tool->operator_signing.public};
    struct operator_claims body = {
        .signing_keys = {keys, 1},
        .system_account = tool->sys.public,
    };
    struct claims claims = {.type = CLAIMS_OPERATOR,
                            .name = "interop",
                            .sub = tool->operator.public,
                            .operator= & body };

    return sign(tool, &claims, &tool->operator);
}

static struct slice make_account(struct tool *tool, const char *name, struct key *key,
                                 struct account_claims *body)
{
    struct claims claims = {
        .type = CLAIMS_ACCOUNT, .name = name, .sub = key->public, .account = body};

    return sign(tool, &claims, &tool->operator_signing);
}

/* Writes NAME.creds. */
static void make_user(struct tool *tool, const char *name, struct key *issuer, const char *account,
                      struct user_claims *body, int64_t exp)
{
    struct claims claims = {.type = CLAIMS_USER, .name = name, .exp = exp, .user = body};
    char seed[NKEY_SEED_MAX];
    struct buf creds = {0};
    struct slice token;
    struct key user;

    make_key(&user, NKEY_USER);
    claims.sub = user.public;
    body->issuer_account = account;
    token = sign(tool, &claims, issuer);
    nkey_seed(&user.nkey, seed);
    creds_format(&creds, token, slice_of(seed));
    write_file(tool, arena_printf(&tool->arena, "%s.creds", name), buf_slice(&creds));
    buf_fini(&creds);
}

static void make_users(struct tool *tool)
{
    const char *only[] = {"mine.>", "_INBOX.>"};
    const char *sources[] = {"10.255.255.0/24"};
    struct user_claims plain = {0}, limited, scoped = {0}, elsewhere;
    const char *account = tool->account.public;

    claims_user_defaults(&plain.limits);
    limited = elsewhere = plain;
    limited.limits.permissions.pub.allow = (struct strings){only, 2};
    elsewhere.limits.src = (struct strings){sources, 1};
    make_user(tool, "sys", &tool->sys, NULL, &plain, 0);
    make_user(tool, "identity", &tool->account, NULL, &plain, 0);
    make_user(tool, "signing", &tool->signing, account, &plain, 0);
    make_user(tool, "limited", &tool->signing, account, &limited, 0);
    make_user(tool, "scoped", &tool->scoped, account, &scoped, 0);
    make_user(tool, "expired", &tool->signing, account, &plain, tool->now - 10);
    make_user(tool, "elsewhere", &tool->signing, account, &elsewhere, 0);
}

static void describe_account(struct tool *tool, struct account_claims *body)
{
    static const char *pub[] = {"scoped.{{name()}}.>"};
    static const char *sub[] = {"scoped.>", "_INBOX.>"};
    static struct claims_user_limits template;
    static struct claims_signing_key keys[2];
    static struct claims_export exports[] = {
        {.name = "news", .subject = "news.>", .type = CLAIMS_STREAM},
        {.name = "time", .subject = "time.now", .type = CLAIMS_SERVICE},
    };
    static struct int_pair revoked[] = {{"*", 1}};
    static struct claims_mapping_destination to[] = {{.subject = "mapped.b", .weight = 100}};
    static struct claims_mapping mapping = {"mapped.a", to, 1};

    claims_account_defaults(body);
    claims_user_defaults(&template);
    template.permissions.pub.allow = (struct strings){pub, 1};
    template.permissions.sub.allow = (struct strings){sub, 2};
    keys[0] = (struct claims_signing_key){.key = tool->signing.public};
    keys[1] = (struct claims_signing_key){
        .key = tool->scoped.public, .role = "own", .template = &template};
    body->signing_keys.items = keys;
    body->signing_keys.count = 2;
    body->exports.items = exports;
    body->exports.count = 2;
    body->revocations = (struct int_map){revoked, 1};
    body->mappings.items = &mapping;
    body->mappings.count = 1;
    body->limits.conn = 50;
}

/* The claim that asks nodes to delete an account: signed by the operator itself. */
static void make_delete(struct tool *tool)
{
    json_t *rest = json_pack("{s:[s]}", "accounts", tool->account.public);
    struct claims claims = {
        .type = CLAIMS_GENERIC, .name = "delete", .sub = tool->operator.public, .rest = rest};

    write_file(tool, "delete.jwt", sign(tool, &claims, &tool->operator));
    json_decref(rest);
}

static int make(const char *folder)
{
    struct tool tool = {.folder = folder, .now = clock_wall_ns(clock_system()) / NS_PER_S};
    struct account_claims sys, account;
    struct slice operator, token;
    struct buf conf = {0};

    make_key(&tool.operator, NKEY_OPERATOR);
    make_key(&tool.operator_signing, NKEY_OPERATOR);
    make_key(&tool.sys, NKEY_ACCOUNT);
    make_key(&tool.account, NKEY_ACCOUNT);
    make_key(&tool.signing, NKEY_ACCOUNT);
    make_key(&tool.scoped, NKEY_ACCOUNT);
    claims_account_defaults(&sys);
    describe_account(&tool, &account);
    operator= make_operator(&tool);
    buf_printf(&conf, "operator: %.*s\nsystem_account: %s\nresolver_preload: {\n",
               (int)operator.len, operator.data, tool.sys.public);
    token = make_account(&tool, "SYS", &tool.sys, &sys);
    buf_printf(&conf, "  %s: %.*s\n", tool.sys.public, (int)token.len, token.data);
    token = make_account(&tool, "A", &tool.account, &account);
    buf_printf(&conf, "  %s: %.*s\n}\n", tool.account.public, (int)token.len, token.data);
    write_file(&tool, "operator.conf", buf_slice(&conf));
    write_file(&tool, "account.key", slice_of(tool.account.public));
    make_users(&tool);
    make_delete(&tool);
    tool.now++;
    account.limits.conn = 60;
    write_file(&tool, "update.jwt", make_account(&tool, "A", &tool.account, &account));
    buf_fini(&conf);
    arena_fini(&tool.arena);
    return 0;
}

static struct slice read_file(struct arena *arena, const char *path)
{
    char *text = arena_alloc(arena, FILE_MAX + 1);
    FILE *file = fopen(path, "r");
    size_t len;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    len = fread(text, 1, FILE_MAX, file);
    fclose(file);
    return slice_make(text, len);
}

/* Whether everything that stands in `before` stands in `after` too; zeros and {} may be added. */
static bool contains(const json_t *after, const json_t *before)
{
    const char *name;
    json_t *value;

    if (!json_is_object(before))
        return json_equal(after, before) || json_array_size(before) > 0;
    json_object_foreach((json_t *)before, name, value)
    {
        const json_t *other = json_object_get(after, name);
        bool empty = (json_is_object(value) && json_object_size(value) == 0) ||
                     (json_is_string(value) && json_string_length(value) == 0);

        if (other == NULL ? !empty : !contains(other, value))
            return false;
    }
    return true;
}

static bool check_token(const char *path, struct slice token, struct arena *arena)
{
    const int64_t now = clock_wall_ns(clock_system()) / NS_PER_S;
    struct shape_error error = {0};
    struct claims_issues issues;
    struct claims claims;
    json_t *after, *rest;

    if (jwt_decode(token, arena, &claims, &error) != OK) {
        printf("%s: %s %s\n", path, error.pointer, error.message);
        return false;
    }
    claims_validate(&claims, now, arena, &issues);
    for (size_t i = 0; i < issues.count; i++)
        printf("%s: %s\n", path, issues.items[i].text);
    if (claims_blocking(&issues, true) != NULL)
        return false;
    rest = claims.rest;
    after = claims_encode(&claims);
    if (rest != NULL && !contains(json_object_get(after, "nats"), rest)) {
        printf("%s: something of the claims is lost\n", path);
        return false;
    }
    json_decref(after);
    printf("%s: %s, type %d, %zu members not known\n", path, claims.name, (int)claims.type,
           json_object_size(rest));
    return true;
}

static bool check_seed(const char *path, struct slice text, struct slice token, struct arena *arena)
{
    char public[NKEY_PUBLIC_MAX];
    struct claims claims;
    struct slice seed;
    struct nkey nkey;

    if (creds_seed(text, &seed) != OK)
        return true; /* a bare token */
    if (nkey_from_seed(&nkey, seed) != OK) {
        printf("%s: not a seed\n", path);
        return false;
    }
    nkey_public(&nkey, public);
    nkey_wipe(&nkey);
    if (token.len > 0 &&
        (jwt_decode(token, arena, &claims, NULL) != OK || strcmp(claims.sub, public) != 0)) {
        printf("%s: the seed is of another key\n", path);
        return false;
    }
    return true;
}

static int check(char **paths)
{
    bool good = true;

    for (; *paths != NULL; paths++) {
        struct arena arena = {0};
        struct slice text = read_file(&arena, *paths), token = {0};

        if (creds_jwt(text, &token) == OK && slice_starts(token, SLICE("eyJ")))
            good &= check_token(*paths, token, &arena);
        else
            token = slice_make(NULL, 0);
        good &= check_seed(*paths, text, token, &arena);
        arena_fini(&arena);
    }
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "make") == 0)
        return make(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "check") == 0)
        return check(argv + 2);
    fprintf(stderr, "usage: jwt_tool make FOLDER | check FILE...\n");
    return 2;
}
