/* berth operator */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/clock.h"
#include "api/nats/creds.h"
#include "api/nats/jwt.h"
#include "controlplane/cli/body.h"
#include "controlplane/cli/cli.h"
#include "controlplane/cli/request.h"
#include "controlplane/cli/tables.h"

static const struct column columns[] = {
    {"NAME", "name"},
    {"ID", "id"},
    {"PUBLIC KEY", "public_key"},
    {"STRICT", "strict_signing_keys"},
    {"CREATED", "created_at"},
    {0},
};
static const struct column key_columns[] = {
    {"ID", "id"}, {"PUBLIC KEY", "public_key"}, {"STATE", "state"}, {"CREATED", "created_at"}, {0},
};

/* What stands in the operator's JWT: it changes by a new one. */
#define JWT_FLAGS                                                                             \
    {"strict", FLAG_TRUE, "strict_signing_keys", NULL,                                        \
     "accounts are signed by signing keys only"},                                             \
        {"assert-version", FLAG_TEXT, "assert_server_version", "N.N.N",                       \
         "the oldest server allowed"},                                                        \
        {"service-url", FLAG_LIST, "operator_service_urls", "URL", "nats://... for clients"}, \
        {"account-server-url", FLAG_TEXT, NULL, "URL", "where resolvers of type URL look"},   \
    {                                                                                         \
        "tag", FLAG_LIST, "tags", "TAG", "may be repeated"                                    \
    }

static const struct flag create_flags[] = {
    {"out", FLAG_LOCAL, NULL, "FILE", "the identity seed goes there (0600); - for stdout alone"},
    JWT_FLAGS,
    COMMON_FLAGS,
    {0},
};
static const struct flag update_flags[] = {
    {"name", FLAG_TEXT, NULL, "NAME", "another name"},
    COMMON_FLAGS,
    {0},
};
static const struct flag jwt_flags[] = {
    {"out", FLAG_LOCAL, NULL, "FILE", "instead of stdout"},
    {0},
};
static const struct flag sign_flags[] = {
    {"seed-file", FLAG_LOCAL, NULL, "FILE", "the operator's identity seed"},
    {"out", FLAG_LOCAL, NULL, "FILE", "keep the new JWT in a file instead of uploading it"},
    JWT_FLAGS,
    {0},
};

enum { SIGNING_KEYS_MAX = 32 };

/* The keys that the new JWT shall name: all that may sign, or are about to. */
static int signing_keys(struct cli *cli, const char *path, struct strings *keys)
{
    struct rest_reply reply;
    const json_t *items;
    enum result rc = rest_list(cli->client, arena_printf(&cli->arena, "%s/signing-keys", path), 0,
                               &cli->arena, &items, &reply);

    if (rc != OK)
        return cli_problem(cli, rc, &reply);
    keys->items = arena_alloc_array(&cli->arena, json_array_size(items) + 1, sizeof(char *));
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *state = cli_member(item, "state"), *key = cli_text(item, "public_key");

        if (key != NULL && strcmp(state, "retired") != 0 && strcmp(state, "compromised") != 0)
            keys->items[keys->count++] = key;
    }
    return EXIT_OK;
}

static struct strings texts(struct cli *cli, const json_t *list)
{
    struct strings out = {.count = json_array_size(list)};

    out.items = arena_alloc_array(&cli->arena, out.count + 1, sizeof(char *));
    for (size_t i = 0; i < out.count; i++)
        out.items[i] = json_string_value(json_array_get(list, i));
    return out;
}

/* Over what the present JWT says, what the flags say. */
static void change_claims(struct cli *cli, struct claims *claims, const json_t *body)
{
    struct operator_claims *operator= claims->operator;
    const json_t *tags = json_object_get(body, "tags");
    const json_t *urls = json_object_get(body, "operator_service_urls");
    const json_t *strict = json_object_get(body, "strict_signing_keys");
    const char *version = cli_text(body, "assert_server_version");
    const char *account_server = cli_text(body, "account_server_url");

    if (strict != NULL)
        operator->strict_signing_key_usage = json_is_true(strict);
    if (version != NULL)
        operator->assert_server_version = version;
    if (account_server != NULL)
        operator->account_server_url = account_server;
    if (urls != NULL)
        operator->operator_service_urls = texts(cli, urls);
    if (tags != NULL)
        claims->tags = texts(cli, tags);
}

/* The present JWT with these signing keys and what `body` changes, signed anew; in the arena. */
static int sign(struct cli *cli, struct slice old, const struct strings *keys, const json_t *body,
                struct slice *token)
{
    const char *file = cli_flag(cli, "seed-file");
    struct jwt_key_signer signer;
    struct shape_error error;
    struct claims claims;
    struct buf text = {0};
    struct slice seed;
    struct nkey nkey;
    enum result rc;

    rc = secret_file_read(file, &text);
    if (rc == OK)
        rc = creds_seed(buf_slice(&text), &seed);
    if (rc == OK)
        rc = nkey_from_seed(&nkey, seed);
    secret_buf_wipe(&text);
    if (rc != OK || nkey.kind != NKEY_OPERATOR)
        return cli_fail(EXIT_USAGE, "%s holds no seed of an operator", file);
    rc = jwt_decode(old, &cli->arena, &claims, &error);
    if (rc == OK && claims.type == CLAIMS_OPERATOR) {
        int64_t now = clock_wall_ns(clock_system()) / NS_PER_S;

        claims.operator->signing_keys = * keys;
        change_claims(cli, &claims, body);
        claims.iat = now > claims.iat ? now : claims.iat + 1;
        jwt_key_signer_init(&signer, &nkey);
        if (strcmp(claims.sub, signer.signer.public_key) != 0)
            rc = ERR_UNTRUSTED;
        else
            rc = jwt_encode(&claims, &signer.signer, &cli->arena, token);
    }
    nkey_wipe(&nkey);
    return rc == OK ? EXIT_OK
                    : cli_fail(EXIT_FAILED, "the JWT cannot be signed: %s", result_text(rc));
}

/* OPR-01: made where the seed is; only the JWT travels. */
static int run_sign(struct cli *cli)
{
    struct rest_request request = {.method = "GET", .accept = "*/*"};
    const char *out = cli_flag(cli, "out"), *path;
    struct strings keys = {0};
    struct rest_reply reply;
    struct slice token;
    json_t *body, *changes = NULL;
    int code;

    if (!cli_has(cli, "seed-file"))
        return cli_fail(EXIT_USAGE, "give --seed-file FILE");
    code = cli_make_body(cli, &changes);
    changes = shape_own(&cli->arena, changes != NULL ? changes : json_object());
    if (code == EXIT_OK && out != NULL)
        code = cli_keep_ready(cli, out);
    path = code == EXIT_OK ? cli_path(cli, "/operators/{operator}", &code) : NULL;
    if (path == NULL)
        return code;
    code = signing_keys(cli, path, &keys);
    if (code != EXIT_OK)
        return code;
    request.path = arena_printf(&cli->arena, "%s/jwt", path);
    if (!cli_call(cli, &request, &reply, &code))
        return code;
    code = sign(cli, slice_trim(slice_make(reply.text, reply.len)), &keys, changes, &token);
    if (code != EXIT_OK)
        return code;
    if (out != NULL)
        return cli_keep(cli, token, "the operator's JWT");
    body = json_object();
    json_object_set_new(body, "jwt", json_stringn(token.data, token.len));
    shape_own(&cli->arena, body);
    request = (struct rest_request){
        .method = "PATCH", .path = path, .body = body, .if_match = cli_etag(cli, path, &code)};
    if (request.if_match == NULL || !cli_call(cli, &request, &reply, &code))
        return code;
    output_items(cli->format, columns, reply.json);
    return EXIT_OK;
}

/* --- create ------------------------------------------------------------------------------- */

/* The operator's own JWT, by its identity, naming one signing key, saying what the body says. */
static enum result first_jwt(struct cli *cli, const struct nkey *identity, const char *signing_key,
                             const json_t *body, struct slice *token)
{
    struct operator_claims operator= {
        .signing_keys = {arena_alloc_array(&cli->arena, 1, sizeof(char *)), 1},
        .account_server_url = cli_text(body, "account_server_url"),
        .operator_service_urls = texts(cli, json_object_get(body, "operator_service_urls")),
        .assert_server_version = cli_text(body, "assert_server_version"),
        .strict_signing_key_usage = json_is_true(json_object_get(body, "strict_signing_keys")),
    };
    struct claims claims = {.iat = clock_wall_ns(clock_system()) / NS_PER_S,
                            .name = cli_text(body, "name"),
                            .type = CLAIMS_OPERATOR,
                            .version = CLAIMS_VERSION,
                            .tags = texts(cli, json_object_get(body, "tags")),
                            .operator= & operator, };
    struct jwt_key_signer signer;

    operator.signing_keys.items[0] = signing_key;
    jwt_key_signer_init(&signer, identity);
    claims.sub = signer.signer.public_key;
    return jwt_encode(&claims, &signer.signer, &cli->arena, token);
}

/* Identity and signing key are made here.  The signing key's seed travels, the identity's is in
   `seed` and with nobody else. */
static enum result make_keys(struct cli *cli, json_t *body, char seed[NKEY_SEED_MAX])
{
    char signing_key[NKEY_PUBLIC_MAX], signing_seed[NKEY_SEED_MAX];
    struct nkey identity, signing;
    struct slice token;
    enum result rc;

    nkey_create(&identity, NKEY_OPERATOR, random_system());
    nkey_create(&signing, NKEY_OPERATOR, random_system());
    nkey_public(&signing, signing_key);
    rc = first_jwt(cli, &identity, signing_key, body, &token);
    if (rc == OK) {
        nkey_seed(&identity, seed);
        nkey_seed(&signing, signing_seed);
        json_object_set_new(body, "jwt", json_stringn(token.data, token.len));
        json_object_set_new(body, "signing_seed", json_string(signing_seed));
        explicit_bzero(signing_seed, sizeof(signing_seed));
    }
    nkey_wipe(&identity);
    nkey_wipe(&signing);
    return rc;
}

/* An operator's seed is never written over: there may be no other copy. */
static int seed_ready(struct cli *cli, const char *out)
{
    struct stat found;

    if (strcmp(out, "-") != 0 && stat(out, &found) == 0 && S_ISREG(found.st_mode))
        return cli_fail(EXIT_FAILED, "%s is there already; give another file", out);
    return cli_keep_ready(cli, out);
}

/* The seed is shown with the rest, or alone. */
static void show_created(struct cli *cli, const json_t *created, const char *seed)
{
    json_t *shown = json_deep_copy(created);

    shape_own(&cli->arena, shown);
    if (seed != NULL)
        json_object_set_new(shown, "seed", json_string(seed));
    output_items(cli->format, columns, shown);
    if (seed != NULL && cli->format == OUTPUT_TABLE)
        printf("\nseed (shown once): %s\n", seed);
}

/* Did the control plane say no, rather than nothing or "not yet"? */
static bool is_no(const struct rest_reply *reply)
{
    const char *code = reply->problem.code;

    return reply->status >= 400 && reply->status < 500 &&
           (code == NULL || strcmp(code, "idempotency_in_progress") != 0);
}

/* The seed is in its file, and durable there, before the control plane knows the operator. */
static int create(struct cli *cli, json_t *body, const char *seed, const char *file)
{
    struct rest_request request = {.method = "POST",
                                   .path = "/operators",
                                   .body = body,
                                   .idempotency_key = cli->idempotency_key};
    char line[NKEY_SEED_MAX + 1];
    struct rest_reply reply;
    int code = EXIT_OK;

    snprintf(line, sizeof(line), "%s\n", seed);
    if (file != NULL)
        code = cli_keep(cli, slice_of(line), "the seed");
    if (code != EXIT_OK) {
        explicit_bzero(line, sizeof(line));
        return code;
    }
    if (cli_call(cli, &request, &reply, &code)) {
        if (cli->kept_path != NULL && file == NULL)
            code = cli_keep(cli, slice_of(line), "the seed");
        else
            show_created(cli, reply.json, file == NULL ? seed : NULL);
    } else if (file != NULL && is_no(&reply)) {
        (void)unlink(file); /* a seed of nothing */
    } else if (file != NULL) {
        (void)cli_fail(code, "look whether there is such an operator now; if not, remove %s", file);
    }
    explicit_bzero(line, sizeof(line));
    return code;
}

static int run_create(struct cli *cli)
{
    const char *out = cli_flag(cli, "out");
    char seed[NKEY_SEED_MAX] = "";
    json_t *body = NULL;
    enum result rc;
    int code = out != NULL ? seed_ready(cli, out) : EXIT_OK;

    if (code == EXIT_OK)
        code = cli_make_body(cli, &body);
    if (code != EXIT_OK)
        return code;
    shape_own(&cli->arena, body);
    rc = make_keys(cli, body, seed);
    if (rc == OK)
        code = create(cli, body, seed, out != NULL && strcmp(out, "-") != 0 ? out : NULL);
    else
        code = cli_fail(EXIT_USAGE, "these settings make no JWT: %s", result_text(rc));
    explicit_bzero(seed, sizeof(seed));
    return code;
}

/* clang-format off */
const struct command operator_commands[] = {
    {"operator", "create", "NAME", "a new root of trust; its seed is shown once",
     "berth operator create main --strict --out operator.seed",
     "POST", "/operators", create_flags, columns, .run = run_create},
    {"operator", "list", NULL, "all operators",
     "berth operator list",
     "GET", "/operators", list_flags, columns, COMMAND_LIST},
    {"operator", "show", "[OPERATOR]", "one operator",
     "berth operator show main",
     "GET", "/operators/{operator}", NULL, NULL},
    {"operator", "update", "OPERATOR", "another name or description; the rest: operator sign",
     "berth operator update main --display-name 'The operator of all teams'",
     "PATCH", "/operators/{operator}", update_flags, columns, COMMAND_IF_MATCH},
    {"operator", "jwt", "[OPERATOR]", "its JWT, as nodes want it",
     "berth operator jwt main --out operator.jwt",
     "GET", "/operators/{operator}/jwt", jwt_flags, NULL, COMMAND_TEXT},
    {"operator", "sign", "[OPERATOR]", "a new JWT that names its signing keys, signed here",
     "berth operator sign main --seed-file operator.seed "
     "--service-url nats://nats.example.com:4222",
     "PATCH", "/operators/{operator}", sign_flags, columns, .run = run_sign},
    {"operator", "keys", "[OPERATOR]", "its signing keys",
     "berth operator keys main",
     "GET", "/operators/{operator}/signing-keys", list_flags, key_columns, COMMAND_LIST},
    {"operator", "add-key", "NAME", "another signing key; then: operator sign",
     "berth operator add-key next --operator main",
     "POST", "/operators/{operator}/signing-keys", NULL, key_columns},
    {"operator", "trust", "KEY", "which nodes trust a signing key",
     "berth operator trust OBXD... --operator main",
     "GET", "/operators/{operator}/signing-keys/{key}/trust", NULL, NULL},
    {"operator", "activate-key", "KEY", "sign with it, once every node trusts it",
     "berth operator activate-key OBXD... --operator main",
     "POST", "/operators/{operator}/signing-keys/{key}:activate", NULL, key_columns, COMMAND_ASK},
    {"operator", "retire-key", "KEY", "sign with it no longer",
     "berth operator retire-key OAQ7... --operator main",
     "POST", "/operators/{operator}/signing-keys/{key}:retire", NULL, key_columns, COMMAND_ASK},
    {0},
};
/* clang-format on */
