#include "dataplane/node/option_load.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/base/clock.h"
#include "api/base/mem.h"
#include "api/nats/nkey.h"
#include "dataplane/node/option_checks.h"
#include "dataplane/node/option_operator.h"
#include "dataplane/node/option_table.h"
#include "dataplane/node/option_users.h"
#include "dataplane/node/process_files.h"

#define LAME_DUCK_MIN (30 * NS_PER_S)
#define NUMBER_MAX INT32_MAX

/* --- reading of single keys ---------------------------------------------------------------- */

struct address {
    const char *host;
    int64_t port;
};

/* "host:port", ":port" or a port. */
static bool read_address(struct option_reader *reader, const struct config_node *node,
                         struct address *out)
{
    const char *colon;
    char *end;
    long port;

    if (node->kind == CONFIG_INT) {
        out->port = node->integer;
        return true;
    }
    if (!option_is(reader, node, CONFIG_STRING))
        return false;
    colon = strrchr(node->string, ':');
    if (colon == NULL) {
        option_error(reader, node, "could not parse address string \"%s\"", node->string);
        return false;
    }
    if (node->string[0] != '[' && strchr(node->string, ':') != colon) {
        option_error(reader, node, "could not parse address string \"%s\": IPv6 wants brackets",
                     node->string);
        return false;
    }
    port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0') {
        option_error(reader, node, "could not parse port \"%s\"", colon + 1);
        return false;
    }
    out->port = port;
    if (node->string[0] == '[' && colon > node->string && colon[-1] == ']')
        out->host = arena_copy(reader->arena,
                               slice_make(node->string + 1, (size_t)(colon - node->string) - 2));
    else
        out->host =
            arena_copy(reader->arena, slice_make(node->string, (size_t)(colon - node->string)));
    return true;
}

static void read_listen(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct node_options *options = out;
    struct address address = {.host = options->host};

    if (!read_address(reader, node, &address))
        return;
    options->host = address.host;
    options->port = address.port;
}

static void read_http(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct node_options *options = out;
    struct address address = {.host = options->http_host};

    if (!read_address(reader, node, &address))
        return;
    options->http_host = address.host;
    options->http_port = address.port;
}

static void read_server_name(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    if (!option_is(reader, node, CONFIG_STRING))
        return;
    if (strchr(node->string, ' ') != NULL)
        option_error(reader, node, "server name cannot contain spaces");
    *(const char **)out = node->string;
}

static void read_lame_duck(struct option_reader *reader, const struct config_node *node, void *out)
{
    int64_t ns;

    if (!option_is(reader, node, CONFIG_STRING) || !option_duration(reader, node, &ns))
        return;
    if (ns < LAME_DUCK_MIN)
        option_error(reader, node, "invalid lame_duck_duration of %s, minimum is 30 seconds",
                     node->string);
    *(int64_t *)out = ns;
}

static void read_grace(struct option_reader *reader, const struct config_node *node, void *out)
{
    int64_t ns;

    if (!option_is(reader, node, CONFIG_STRING) || !option_duration(reader, node, &ns))
        return;
    if (ns < 0)
        option_error(reader, node, "invalid lame_duck_grace_period, needs to be positive");
    *(int64_t *)out = ns;
}

static void read_metadata(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct string_map *map = out;

    if (!option_is(reader, node, CONFIG_MAP))
        return;
    map->items = arena_alloc_array(reader->arena, config_count(node) + 1, sizeof(*map->items));
    map->count = 0;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        if (option_is(reader, item, CONFIG_STRING))
            map->items[map->count++] =
                (struct string_pair){.key = item->key, .value = item->string};
}

/* Tags are lower case, and each is one of a set. */
static char *tag_of(struct option_reader *reader, const char *text)
{
    char *tag = arena_copy(reader->arena, slice_trim(slice_of(text)));

    for (char *c = tag; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return tag;
}

static bool has_tag(const struct strings *tags, const char *tag)
{
    for (size_t i = 0; i < tags->count; i++)
        if (strcmp(tags->items[i], tag) == 0)
            return true;
    return false;
}

/* A list of tags. */
static void read_tags(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct strings *tags = out;
    size_t given;

    if (!option_texts(reader, node, tags))
        return;
    given = tags->count;
    tags->count = 0;
    for (size_t i = 0; i < given; i++) {
        const char *tag = tag_of(reader, tags->items[i]);

        if (tag[0] != '\0' && !has_tag(tags, tag))
            tags->items[tags->count++] = tag;
    }
}

static void read_connections(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    if (option_is(reader, node, CONFIG_INT))
        *(int64_t *)out = node->integer > 0 ? node->integer : -1;
}

static void read_write_timeout(struct option_reader *reader, const struct config_node *node,
                               void *out)
{
    if (!option_is(reader, node, CONFIG_STRING))
        return;
    if (strcasecmp(node->string, "retry") == 0)
        option_later(reader, node);
    else if (strcasecmp(node->string, "close") != 0 && strcasecmp(node->string, "default") != 0)
        option_error(reader, node, "write_timeout must be default, close or retry");
}

static void read_pinned(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct strings *keys = out;

    if (!option_texts(reader, node, keys))
        return;
    for (size_t i = 0; i < keys->count; i++)
        if (!nkey_is(slice_of(keys->items[i]), NKEY_ACCOUNT))
            option_error(reader, node,
                         "pinned account key \"%s\" is not a valid public account nkey",
                         keys->items[i]);
}

/* Keys without effect here are still checked: a typing error is one everywhere. */
static void check_bool(struct option_reader *reader, const struct config_node *node, void *out)
{
    (void)option_is(reader, node, CONFIG_BOOL);
}

static void check_number(struct option_reader *reader, const struct config_node *node, void *out)
{
    (void)option_is(reader, node, CONFIG_INT);
}

static void check_text(struct option_reader *reader, const struct config_node *node, void *out)
{
    (void)option_is(reader, node, CONFIG_STRING);
}

/* out: struct strings, the accounts. */
static void read_js_domains(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct strings *accounts = out;

    if (!option_is(reader, node, CONFIG_MAP))
        return;
    accounts->items =
        arena_alloc_array(reader->arena, config_count(node), sizeof(accounts->items[0]));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (option_is(reader, item, CONFIG_STRING))
            accounts->items[accounts->count++] = item->key;
    }
}

static void check_bools_by_name(struct option_reader *reader, const struct config_node *node,
                                void *out)
{
    if (!option_is(reader, node, CONFIG_MAP))
        return;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        (void)option_is(reader, item, CONFIG_BOOL);
}

/* A block that says nothing asks for nothing. */
static void later_unless_empty(struct option_reader *reader, const struct config_node *node,
                               void *out)
{
    if (node->kind != CONFIG_MAP || node->first != NULL)
        option_later(reader, node);
}

/* --- the table ----------------------------------------------------------------------------- */

#define T struct node_options
#define LATER_ROW(names)                                       \
    {                                                          \
        names, OPTION_READ, 0, .read = option_later_unless_off \
    }

/* clang-format off */
static const struct option top_table[] = {
    {"listen",             OPTION_READ, 0, .read = read_listen},
    {"host|net",           OPTION_TEXT_AT(T, host)},
    {"port",               OPTION_NUMBER_AT(T, port)},
    {"client_advertise",   OPTION_TEXT_AT(T, client_advertise)},
    {"server_name",        OPTION_READ_AT(T, server_name), .read = read_server_name},
    {"server_tags",        OPTION_READ_AT(T, tags), .read = read_tags},
    {"server_metadata",    OPTION_READ_AT(T, metadata), .read = read_metadata},
    {"workers",            OPTION_NUMBER_AT(T, workers)}, /* ours */
    {"spread",             OPTION_BOOL_AT(T, spread)},    /* ours */

    {"debug",              OPTION_BOOL_AT(T, debug)},
    {"trace",              OPTION_BOOL_AT(T, trace)},
    {"trace_verbose",      OPTION_BOOL_AT(T, trace_verbose)},
    {"trace_headers",      OPTION_BOOL_AT(T, trace_headers)},
    {"logtime",            OPTION_BOOL_AT(T, logtime)},
    {"logtime_utc",        OPTION_BOOL_AT(T, logtime_utc)},
    {"logfile|log_file",   OPTION_TEXT_AT(T, log_file)},
    {"logfile_size_limit|log_size_limit", OPTION_NUMBER_AT(T, log_size_limit)},
    {"logfile_max_num|log_max_num", OPTION_NUMBER_AT(T, log_files_limit)},
    {"pidfile|pid_file",   OPTION_TEXT_AT(T, pid_file)},
    {"ports_file_dir",     OPTION_TEXT_AT(T, ports_file_dir)},

    {"max_control_line",   OPTION_NUMBER_AT(T, max_control_line), 0, NUMBER_MAX},
    {"max_payload",        OPTION_NUMBER_AT(T, max_payload), INT32_MIN, NUMBER_MAX},
    {"max_pending",        OPTION_NUMBER_AT(T, max_pending)},
    {"max_connections|max_conn",   OPTION_READ_AT(T, max_connections), .read = read_connections},
    {"max_subscriptions|max_subs", OPTION_NUMBER_AT(T, max_subscriptions)},
    {"max_sub_tokens|max_subscription_tokens",
                           OPTION_NUMBER_AT(T, max_subscription_tokens), 1, 255},
    {"max_closed_clients", OPTION_NUMBER_AT(T, max_closed_clients), 0, NUMBER_MAX},
    {"ping_interval",      OPTION_DURATION_AT(T, ping_interval_ns)},
    {"ping_max",           OPTION_NUMBER_AT(T, ping_max)},
    {"write_deadline",     OPTION_DURATION_AT(T, write_deadline_ns)},
    {"write_timeout",      OPTION_READ, 0, .read = read_write_timeout},
    {"lame_duck_duration", OPTION_READ_AT(T, lame_duck_duration_ns), .read = read_lame_duck},
    {"lame_duck_grace_period", OPTION_READ_AT(T, lame_duck_grace_ns), .read = read_grace},
    {"no_header_support",  OPTION_BOOL_AT(T, no_header_support)},

    {"http",               OPTION_READ, 0, .read = read_http},
    {"http_port|monitor_port", OPTION_NUMBER_AT(T, http_port)},
    {"http_base_path",     OPTION_TEXT_AT(T, http_base_path)},

    {"authorization",      OPTION_READ_AT(T, users), .read = option_users_authorization},
    {"accounts",           OPTION_READ_AT(T, users), .read = option_users_accounts},
    {"no_auth_user",       OPTION_TEXT_AT(T, no_auth_user)},
    {"system_account|system", OPTION_TEXT_AT(T, system_account)},
    {"no_system_account|no_system|no_sys_acc", OPTION_BOOL_AT(T, no_system_account)},
    {"operator|operators|root|roots|root_operator|root_operators",
                           OPTION_READ_AT(T, operators), .read = option_operator_read},
    {"trusted|trusted_keys", OPTION_READ_AT(T, trusted_keys), .read = option_operator_trusted},
    {"resolver|account_resolver|accounts_resolver",
                           OPTION_READ_AT(T, resolver), .read = option_operator_resolver},
    {"resolver_preload",   OPTION_READ_AT(T, resolver), .read = option_operator_preload},
    {"resolver_pinned_accounts", OPTION_READ_AT(T, pinned_accounts), .read = read_pinned},

    /* Without effect on what this node does. */
    {"max_traced_msg_len", OPTION_READ, 0, .read = check_number},
    {"disable_sublist_cache|no_sublist_cache", OPTION_READ, 0, .read = check_bool},
    {"no_fast_producer_stall", OPTION_READ, 0, .read = check_bool},
    {"connect_error_reports", OPTION_READ, 0, .read = check_number},
    {"reconnect_error_reports", OPTION_READ, 0, .read = check_number},
    {"allow_non_tls", OPTION_READ, 0, .read = check_bool},
    {"store_dir|storedir", OPTION_READ, 0, .read = check_text},
    {"feature_flags", OPTION_READ, 0, .read = check_bools_by_name},
    {"default_js_domain", OPTION_READ_AT(T, js_domain_accounts), .read = read_js_domains},
    {"prof_block_rate", OPTION_READ, 0, .read = check_number},
    {"ocsp_cache",             OPTION_NONE},

    /* Parts that do not exist yet. */
    {"cluster", OPTION_READ, 0, .read = later_unless_empty},
    {"gateway",              OPTION_LATER},
    {"leaf|leafnodes", OPTION_READ, 0, .read = later_unless_empty},
    {"tls",                  OPTION_LATER},
    {"websocket|ws",         OPTION_LATER},
    {"mqtt",                 OPTION_LATER},
    {"mappings|maps", OPTION_READ, 0, .read = later_unless_empty},
    {"default_sentinel",     OPTION_LATER},
    {"proxies",              OPTION_LATER},
    {"resolver_tls",         OPTION_LATER},
    {"remote_syslog",        OPTION_LATER},
    LATER_ROW("jetstream"),
    LATER_ROW("https"),
    LATER_ROW("https_port"),
    LATER_ROW("ocsp"),
    LATER_ROW("syslog"),
    LATER_ROW("proxy_protocol"),
    LATER_ROW("prof_port"),
    {0},
};
/* clang-format on */
#undef T

/* --- flags --------------------------------------------------------------------------------- */

static void take_text(const char **option, const char *flag)
{
    if (slice_given(flag))
        *option = flag;
}

static void take_number(int64_t *option, struct optional_int flag)
{
    if (flag.set)
        *option = flag.value;
}

static void take_bool(bool *option, struct optional_int flag)
{
    if (flag.set)
        *option = flag.value != 0;
}

/* A user or a token on the command line replaces what the file says of them. */
static void apply_auth_flags(const struct flags *flags, struct option_users *users)
{
    if (flags->user != NULL || flags->pass != NULL) {
        users->token = NULL;
        take_text(&users->user, flags->user);
        take_text(&users->password, flags->pass);
        users->block = true;
    }
    if (flags->token != NULL) {
        users->user = users->password = NULL;
        take_text(&users->token, flags->token);
        users->block = true;
    }
    /* A user without a password is a token, as in a URL. */
    if (flags->user != NULL && flags->pass == NULL && users->password == NULL) {
        users->token = users->user;
        users->user = NULL;
    }
}

static void apply_flags(const struct flags *flags, struct node_options *options)
{
    take_text(&options->host, flags->host);
    take_number(&options->port, flags->port);
    take_text(&options->server_name, flags->server_name);
    take_text(&options->client_advertise, flags->client_advertise);
    take_number(&options->http_port, flags->http_port);
    take_text(&options->pid_file, flags->pid_file);
    take_text(&options->ports_file_dir, flags->ports_file_dir);
    take_text(&options->log_file, flags->log_file);
    take_number(&options->log_size_limit, flags->log_size_limit);
    take_number(&options->workers, flags->workers);
    take_bool(&options->spread, flags->spread);
    take_bool(&options->logtime, flags->logtime);
    take_bool(&options->logtime_utc, flags->logtime_utc);
    take_bool(&options->debug, flags->debug);
    take_bool(&options->trace, flags->trace);
    if (flags_on(flags->trace_verbose))
        options->trace = options->trace_verbose = true;
    if (flags_on(flags->debug_trace))
        options->debug = options->trace = true;
    if (flags_on(flags->debug_trace_verbose))
        options->debug = options->trace = options->trace_verbose = true;
    apply_auth_flags(flags, &options->users);
}

/* --- loading ------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const struct config_node *const *x = a, *const *y = b;

    return strcmp((*x)->key, (*y)->key);
}

/* The tree as JSON: keys of maps sorted, the last of equal ones. */
static json_t *to_json(const struct config_node *node, struct arena *arena)
{
    char time[CLOCK_TEXT_MAX];
    json_t *out;

    switch (node->kind) {
    case CONFIG_STRING:
        return json_string(node->string);
    case CONFIG_INT:
        return json_integer(node->integer);
    case CONFIG_FLOAT:
        return json_real(node->real);
    case CONFIG_BOOL:
        return json_boolean(node->boolean);
    case CONFIG_TIME:
        clock_format(node->time_ns, 0, time);
        return json_string(time);
    case CONFIG_LIST:
        out = json_array();
        for (const struct config_node *item = node->first; item != NULL; item = item->next)
            json_array_append_new(out, to_json(item, arena));
        return out;
    case CONFIG_MAP: {
        const struct config_node **items =
            arena_alloc_array(arena, config_count(node) + 1, sizeof(*items));
        size_t count = 0;

        for (const struct config_node *item = node->first; item != NULL; item = item->next)
            items[count++] = item;
        qsort(items, count, sizeof(*items), compare_keys);
        out = json_object();
        for (size_t i = 0; i < count; i++)
            if (i + 1 == count || strcmp(items[i]->key, items[i + 1]->key) != 0)
                json_object_set_new(out, items[i]->key, to_json(items[i], arena));
        return out;
    }
    }
    return json_null();
}

/* A fingerprint of what the file says, the same for the same values. */
static void digest_tree(struct node_options *options, const struct config_node *root)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    json_t *tree = to_json(root, &options->arena);
    char *text = shape_dump(tree);
    crypto_hash_sha256_state state;
    char hex[sizeof(hash) * 2 + 1];

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)text, strlen(text));
    crypto_hash_sha256_update(&state, (const uint8_t *)"\n", 1);
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(options->digest, sizeof(options->digest), "sha256:%s", hex);
    mem_free(text);
    json_decref(tree);
}

static enum result parse_file(const char *path, struct node_options *options,
                              struct config_node **root, struct buf *message)
{
    char why[PROCESS_FILES_WHY_MAX];
    struct config_error error = {0};
    enum result rc;

    if (access(path, R_OK) != 0) {
        buf_printf(message, "open %s: %s", path, process_files_why(why));
        return ERR_IO;
    }
    rc = config_parse_file(path, &options->arena, root, &error);
    if (rc != OK)
        buf_printf(message, "%s: %s", error.file[0] != '\0' ? error.file : path, error.message);
    return rc;
}

static enum result load_file(const char *path, bool check_only, struct node_options *options,
                             struct buf *message)
{
    struct option_reader reader;
    struct config_node *root;
    enum result rc = parse_file(path, options, &root, message);

    if (rc != OK)
        return rc;
    options->any_key = root->first != NULL;
    option_reader_init(&reader, &options->arena);
    if (!options->any_key)
        buf_printf(&reader.warnings, "%s: config has no values or is empty\n", path);
    option_table_read(&reader, top_table, root, options);
    option_checks_file(&reader, options, root);
    options->warnings = arena_strdup(&options->arena, buf_text(&reader.warnings));
    if (check_only)
        buf_add_slice(&reader.errors, buf_slice(&reader.warnings));
    if (reader.errors.len > 0) {
        buf_add_slice(message, buf_slice(&reader.errors));
        rc = ERR_INVALID;
    }
    option_reader_fini(&reader);
    digest_tree(options, root);
    return rc;
}

enum result option_load(const struct flags *flags, struct node_options *out, struct buf *message)
{
    const char *why;
    enum result rc = OK;

    node_options_init(out);
    out->program = flags->program;
    out->config_file = flags->config;
    if (flags->config != NULL)
        rc = load_file(flags->config, flags_on(flags->test), out, message);
    if (rc == OK) {
        apply_flags(flags, out);
        why = option_checks_settle(out);
        if (why != NULL) {
            buf_add_text(message, why);
            rc = ERR_INVALID;
        }
    }
    if (rc != OK)
        node_options_fini(out);
    return rc;
}
