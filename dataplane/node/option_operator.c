#include "dataplane/node/option_operator.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/nats/creds.h"
#include "api/nats/jwt.h"
#include "api/nats/limits.h"
#include "api/nats/nkey.h"
#include "dataplane/node/process_files.h"

/* --- operator ------------------------------------------------------------------------------ */

/* The file's text in the arena; NULL (and errno) when it cannot be read. */
static const char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t len;

    if (file == NULL)
        return NULL;
    text = arena_alloc(arena, JWT_LEN_MAX + 1);
    len = fread(text, 1, JWT_LEN_MAX, file);
    if (ferror(file)) {
        fclose(file);
        return NULL;
    }
    fclose(file);
    text[len] = '\0';
    return text;
}

static bool read_operator(struct option_reader *reader, const struct config_node *node,
                          struct auth_operator *out)
{
    const char *text = node->string;
    char why[PROCESS_FILES_WHY_MAX];
    struct claims *claims;
    struct shape_error error;
    struct slice token;
    enum result rc;

    if (strncmp(text, "eyJ", 3) != 0) {
        text = read_file(reader->arena, node->string);
        if (text == NULL) {
            option_error(reader, node, "error parsing operator JWT: open %s: %s", node->string,
                         process_files_why(why));
            return false;
        }
    }
    claims = arena_alloc(reader->arena, sizeof(*claims));
    rc = creds_jwt(slice_of(text), &token);
    if (rc == OK) {
        token = slice_trim(token);
        rc = jwt_decode(token, reader->arena, claims, &error);
    }
    if (rc != OK || claims->type != CLAIMS_OPERATOR) {
        option_error(reader, node, "error parsing operator JWT: %s",
                     rc != OK ? result_text(rc) : "not an operator's");
        return false;
    }
    out->claims = claims;
    out->jwt = arena_copy(reader->arena, token);
    return true;
}

void option_operator_read(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct option_operators *operators = out;
    const struct config_node *first = node->kind == CONFIG_LIST ? node->first : node;
    size_t count = node->kind == CONFIG_LIST ? config_count(node) : 1;

    operators->items = arena_alloc_array(reader->arena, count + 1, sizeof(*operators->items));
    operators->count = 0;
    for (const struct config_node *item = first; item != NULL; item = item->next) {
        if (option_is(reader, item, CONFIG_STRING) &&
            read_operator(reader, item, &operators->items[operators->count]))
            operators->count++;
        if (node->kind != CONFIG_LIST)
            break;
    }
}

void option_operator_trusted(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    struct strings *keys = out;

    if (!option_texts(reader, node, keys))
        return;
    for (size_t i = 0; i < keys->count; i++)
        if (!nkey_is(slice_of(keys->items[i]), NKEY_OPERATOR))
            option_error(reader, node,
                         "trust key \"%s\" required to be a valid public operator "
                         "nkey",
                         keys->items[i]);
}

/* --- resolver ------------------------------------------------------------------------------ */

/* resolver { } as it stands, before it is known which kind it is. */
struct resolver_block {
    const char *type, *dir;
    bool allow_delete, hard_delete;
    int64_t limit, ttl_ns, interval_ns, timeout_ns;
};

static const struct option resolver_table[] = {
    {"type", OPTION_TEXT_AT(struct resolver_block, type)},
    {"dir", OPTION_TEXT_AT(struct resolver_block, dir)},
    {"allow_delete", OPTION_BOOL_AT(struct resolver_block, allow_delete)},
    {"hard_delete", OPTION_BOOL_AT(struct resolver_block, hard_delete)},
    {"limit", OPTION_NUMBER_AT(struct resolver_block, limit), .max = INT64_MAX},
    {"ttl", OPTION_DURATION_AT(struct resolver_block, ttl_ns)},
    {"interval", OPTION_DURATION_AT(struct resolver_block, interval_ns)},
    {"timeout", OPTION_DURATION_AT(struct resolver_block, timeout_ns)},
    {0},
};

static void bad_resolver(struct option_reader *reader, const struct config_node *node)
{
    option_error(reader, node,
                 "error parsing account resolver, should be MEM or  URL(\"url\") or "
                 "a map containing dir and type state=[FULL|CACHE])");
}

static void read_full(struct option_reader *reader, const struct config_node *node,
                      const struct resolver_block *block, struct resolver_options *out)
{
    if (block->ttl_ns != 0)
        option_error(reader, node, "FULL does not accept ttl");
    if (block->hard_delete && !block->allow_delete)
        option_error(reader, node, "hard_delete has no effect without delete");
    out->kind = RESOLVER_FULL;
    out->dir = block->dir;
    out->allow_delete = block->allow_delete;
    out->hard_delete = block->hard_delete;
    out->limit = block->limit;
    if (block->interval_ns != 0)
        out->interval_ns = block->interval_ns;
    if (block->timeout_ns != 0)
        out->timeout_ns = block->timeout_ns;
}

static void check_cache(struct option_reader *reader, const struct config_node *node,
                        const struct resolver_block *block)
{
    if (block->interval_ns != 0)
        option_error(reader, node, "CACHE does not accept sync");
    else if (block->allow_delete)
        option_error(reader, node, "CACHE does not accept allow_delete");
    else if (block->hard_delete)
        option_error(reader, node, "CACHE does not accept hard_delete");
    else
        option_later(reader, node);
}

static void read_block(struct option_reader *reader, const struct config_node *node,
                       struct resolver_options *out)
{
    struct resolver_block block = {0};

    option_table_read(reader, resolver_table, node, &block);
    if (!slice_given(block.dir))
        option_error(reader, node, "dir has no value and needs to point to a directory");
    if (block.type != NULL && strcasecmp(block.type, "full") == 0)
        read_full(reader, node, &block, out);
    else if (block.type != NULL && strcasecmp(block.type, "cache") == 0)
        check_cache(reader, node, &block);
    else
        bad_resolver(reader, node);
}

void option_operator_resolver(struct option_reader *reader, const struct config_node *node,
                              void *out)
{
    struct resolver_options *resolver = out;

    if (node->kind == CONFIG_MAP)
        read_block(reader, node, resolver);
    else if (node->kind == CONFIG_STRING &&
             (strcasecmp(node->string, "mem") == 0 || strcasecmp(node->string, "memory") == 0))
        resolver->kind = RESOLVER_MEMORY;
    else if (node->kind == CONFIG_STRING && strncasecmp(node->string, "url", 3) == 0)
        option_later(reader, node);
    else
        bad_resolver(reader, node);
}

/* Decoded once, so that a mistake is found at start and not at the first log-in. */
static bool preload_valid(struct option_reader *reader, const struct config_node *item)
{
    struct claims claims;
    struct shape_error error;

    if (!option_is(reader, item, CONFIG_STRING))
        return false;
    if (jwt_decode(slice_of(item->string), reader->arena, &claims, &error) != OK ||
        claims.type != CLAIMS_ACCOUNT) {
        option_error(reader, item, "invalid account JWT");
        return false;
    }
    if (strcmp(claims.sub, item->key) != 0) {
        option_error(reader, item, "the account JWT is that of %s", claims.sub);
        return false;
    }
    return true;
}

void option_operator_preload(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    struct resolver_options *resolver = out;

    if (!option_is(reader, node, CONFIG_MAP))
        return;
    resolver->preload =
        arena_alloc_array(reader->arena, config_count(node) + 1, sizeof(*resolver->preload));
    resolver->preload_count = 0;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        if (preload_valid(reader, item))
            resolver->preload[resolver->preload_count++] =
                (struct resolver_preload){.key = item->key, .jwt = item->string};
}
