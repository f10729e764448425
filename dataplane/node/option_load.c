#include "dataplane/node/node_options.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/map.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/nats/limits.h"
#include "api/nats/nkey.h"
#include "dataplane/node/process_files.h"

#define DEFAULT_SYSTEM_ACCOUNT "$SYS"
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
    size_t count = 0;

    if (!option_is(reader, node, CONFIG_MAP))
        return;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        count++;
    map->items = arena_alloc_array(reader->arena, count + 1, sizeof(*map->items));
    map->count = 0;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        if (option_is(reader, item, CONFIG_STRING))
            map->items[map->count++] =
                (struct string_pair){.key = item->key, .value = item->string};
}

/* A list of tags; tags are lower case. */
static void read_tags(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct strings *tags = out;

    if (!option_texts(reader, node, tags))
        return;
    for (size_t i = 0; i < tags->count; i++) {
        char *tag = arena_copy(reader->arena, slice_trim(slice_of(tags->items[i])));

        for (char *c = tag; *c != '\0'; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c - 'A' + 'a');
        tags->items[i] = tag;
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
    size_t count = 0;

    if (!option_is(reader, node, CONFIG_MAP))
        return;
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        count++;
    accounts->items = arena_alloc_array(reader->arena, count, sizeof(accounts->items[0]));
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

/* --- defaults, flags ----------------------------------------------------------------------- */

static void set_defaults(struct node_options *options)
{
    *options = (struct node_options){
        .host = "0.0.0.0",
        .port = OPTIONS_PORT_DEFAULT,
        .warnings = "",
        .logtime = true,
        .max_control_line = CONTROL_LINE_DEFAULT,
        .max_payload = PAYLOAD_DEFAULT,
        .max_pending = PENDING_DEFAULT,
        .max_connections = CONNECTIONS_DEFAULT,
        .max_closed_clients = 10000,
        .ping_interval_ns = 120 * NS_PER_S,
        .ping_max = PING_MAX_DEFAULT,
        .write_deadline_ns = 10 * NS_PER_S,
        .lame_duck_duration_ns = 120 * NS_PER_S,
        .lame_duck_grace_ns = 10 * NS_PER_S,
        .auth_timeout_ns = 2 * NS_PER_S,
        .http_base_path = "",
    };
}

static void take_text(const char **option, const char *flag)
{
    if (flag != NULL && flag[0] != '\0')
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

/* --- what no single key can say ------------------------------------------------------------ */

bool node_options_operator_mode(const struct node_options *options)
{
    return options->operators.count > 0 || options->trusted_keys.count > 0;
}

static bool has_user(const struct option_users *users, const char *name)
{
    for (size_t i = 0; i < users->users.count; i++) {
        const struct auth_user *user = &users->users.items[i];

        if ((user->name != NULL && strcmp(user->name, name) == 0) ||
            (user->nkey != NULL && strcmp(user->nkey, name) == 0))
            return true;
    }
    return false;
}

static void check_duplicates(struct option_reader *reader, const struct node_options *options)
{
    struct named {
        struct map_link link;
    };
    const struct option_user_list *list = &options->users.users;
    struct named *names = arena_alloc_array(reader->arena, list->count + 1, sizeof(*names));
    struct map map;

    map_init(&map);
    for (size_t i = 0; i < list->count; i++) {
        const struct auth_user *user = &list->items[i];
        const char *name = user->nkey != NULL ? user->nkey : user->name;

        if (!map_insert(&map, &names[i].link, slice_of(name)))
            option_error(reader, list->places[i], "Duplicate %s \"%s\" detected",
                         user->nkey != NULL ? "nkey" : "user", name);
    }
    map_fini(&map);
}

/* One key by two names: the second of them in the file is too many. */
static void check_store_dir(struct option_reader *reader, const struct config_node *root)
{
    const struct config_node *first = config_get(root, "store_dir");
    const struct config_node *second = config_get(root, "storedir");

    if (first == NULL || second == NULL)
        return;
    if (first->line > second->line ||
        (first->line == second->line && first->column > second->column))
        second = first;
    option_error(reader, second, "Duplicate 'store_dir' configuration");
}

/* Conflicts that are mistakes of the file, with a place in it. */
static void check_file(struct option_reader *reader, const struct node_options *options,
                       const struct config_node *root)
{
    const struct option_users *users = &options->users;
    const struct config_node *accounts = config_get(root, "accounts");

    check_duplicates(reader, options);
    check_store_dir(reader, root);
    if (accounts != NULL && users->users.count > 0 && !users->users_in_block) {
        if (users->user != NULL || users->password != NULL)
            option_error(reader, accounts, "Can not have a single user/pass and accounts");
        else if (users->token != NULL)
            option_error(reader, accounts, "Can not have a token and accounts");
    }
}

/* An operator may ask for a server that is not older. */
static const char *check_version(struct arena *arena, const struct claims *operator)
{
    static const char *const parts[] = {"major", "minor", "update"};
    static const unsigned ours[] = {2, 14, 3};
    const char *asked = operator->operator->assert_server_version;
    unsigned wanted[3];
    int end = -1;

    if (asked == NULL || asked[0] == '\0')
        return NULL;
    if (sscanf(asked, "%9u.%9u.%9u%n", &wanted[0], &wanted[1], &wanted[2], &end) != 3 ||
        asked[end] != '\0')
        return arena_printf(arena,
                            "operator %s expects version %s got error instead: asserted "
                            "server version must be of the form <major>.<minor>.<update>",
                            operator->sub, asked);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (wanted[i] < ours[i])
            return NULL;
        if (wanted[i] > ours[i])
            return arena_printf(
                arena, "operator %s expected %s version %u > server %s version %u", operator->sub,
                parts[i], wanted[i], parts[i], ours[i]);
    }
    return NULL;
}

static const char *check_operators(struct node_options *options)
{
    const struct option_users *users = &options->users;
    const char *why;

    if (options->operators.count > 0 && options->trusted_keys.count > 0)
        return "conflicting options for 'TrustedKeys' and 'TrustedOperators'";
    if (!node_options_operator_mode(options) && options->resolver.kind == RESOLVER_FULL)
        return "Could not start resolver: no operator key found";
    if (options->operators.count == 0)
        return NULL;
    if (options->resolver.kind == RESOLVER_NONE)
        return "operators require an account resolver to be configured";
    if (users->account_count > 0)
        return "operators do not allow Accounts to be configured directly";
    for (size_t i = 0; i < users->users.count; i++)
        return users->users.items[i].nkey != NULL
                   ? "operators do not allow nkey users to be configured directly"
                   : "operators do not allow users to be configured directly";
    if (options->no_auth_user != NULL)
        return "no_auth_user not compatible with Trusted Operator";
    for (size_t i = 0; i < options->operators.count; i++)
        if ((why = check_version(&options->arena, options->operators.items[i].claims)) != NULL)
            return why;
    return NULL;
}

/* The system account of the operator's claims; must be the configured one, if there is one. */
static const char *adopt_system_account(struct node_options *options)
{
    for (size_t i = 0; i < options->operators.count; i++) {
        const char *named = options->operators.items[i].claims->operator->system_account;

        if (named == NULL || named[0] == '\0')
            continue;
        if (options->system_account != NULL && strcmp(options->system_account, named) != 0)
            return "system_account in config and operator JWT must be identical";
        if (options->operators.count == 1)
            options->system_account = named;
    }
    if (options->operators.count > 0 && options->resolver.kind == RESOLVER_FULL &&
        options->system_account == NULL)
        return "using nats based account resolver - the system account needs to be specified in "
               "configuration or the operator jwt";
    return NULL;
}

static const char *check_no_auth_user(struct node_options *options)
{
    if (options->no_auth_user == NULL)
        return NULL;
    if (options->users.users.count == 0)
        return arena_printf(&options->arena,
                            "no_auth_user: \"%s\" present, but users/nkeys are not defined",
                            options->no_auth_user);
    if (!has_user(&options->users, options->no_auth_user))
        return arena_printf(&options->arena,
                            "no_auth_user: \"%s\" not present as user or nkey in authorization "
                            "block or account configuration",
                            options->no_auth_user);
    return NULL;
}

static bool configured(const struct option_users *users, const char *account)
{
    for (size_t i = 0; i < users->account_count; i++) {
        if (strcmp(users->accounts[i].name, account) == 0)
            return true;
    }
    return strcmp(account, "$G") == 0;
}

static const char *check_js_domains(struct node_options *options)
{
    bool operators = node_options_operator_mode(options);

    for (size_t i = 0; i < options->js_domain_accounts.count; i++) {
        const char *account = options->js_domain_accounts.items[i];

        if (operators && !nkey_is(slice_of(account), NKEY_ACCOUNT))
            return arena_printf(&options->arena,
                                "default_js_domain contains account name \"%s\", which is not a "
                                "valid public account nkey",
                                account);
        if (!operators && !configured(&options->users, account))
            return arena_printf(&options->arena,
                                "in non operator mode, `default_js_domain` references non "
                                "existing account \"%s\"",
                                account);
    }
    return NULL;
}

static const char *check_limits(struct node_options *options)
{
    if (options->lame_duck_grace_ns >= options->lame_duck_duration_ns)
        return arena_printf(&options->arena,
                            "lame duck grace period (%llds) should be strictly lower than lame "
                            "duck duration (%llds)",
                            (long long)(options->lame_duck_grace_ns / NS_PER_S),
                            (long long)(options->lame_duck_duration_ns / NS_PER_S));
    if (options->max_payload > options->max_pending)
        return arena_printf(&options->arena,
                            "max_payload (%lld) cannot be higher than max_pending (%lld)",
                            (long long)options->max_payload, (long long)options->max_pending);
    if (options->workers < 0 || options->workers > WORKERS_MAX)
        return arena_printf(&options->arena, "workers must be from 0 to %d", WORKERS_MAX);
    return NULL;
}

/* A directory may get the system account's claims later, over the wire; memory begins empty. */
static bool preloads_system_account(const struct node_options *options)
{
    for (size_t i = 0; i < options->resolver.preload_count; i++)
        if (strcmp(options->resolver.preload[i].key, options->system_account) == 0)
            return true;
    return options->resolver.kind != RESOLVER_MEMORY;
}

/* The system account where nothing names one; it must be one of the accounts there are. */
static bool is_account(const struct node_options *options, const char *name)
{
    for (size_t i = 0; i < options->users.account_count; i++)
        if (strcmp(options->users.accounts[i].name, name) == 0)
            return true;
    return strcmp(name, DEFAULT_SYSTEM_ACCOUNT) == 0;
}

static const char *settle_system_account(struct node_options *options)
{
    const char *missing = "error resolving system account: account missing";
    bool named = options->system_account != NULL && options->system_account[0] != '\0';

    if (node_options_operator_mode(options)) {
        if (options->no_system_account)
            options->system_account = NULL;
        return options->system_account == NULL || preloads_system_account(options) ? NULL : missing;
    }
    if (named && !is_account(options, options->system_account))
        return missing;
    if (options->no_system_account)
        options->system_account = NULL;
    else if (!named)
        options->system_account = DEFAULT_SYSTEM_ACCOUNT;
    return NULL;
}

/* Only a system account is configured: everybody else may still come in, and is in $G. */
static void make_up_user(struct node_options *options)
{
    struct option_users *users = &options->users;
    uint8_t raw[16];
    char name[sizeof(raw) * 2 + 1];
    struct auth_user *items;

    if (node_options_operator_mode(options) || options->no_auth_user != NULL || users->block ||
        options->system_account == NULL || users->account_count != 1 || users->users.count == 0 ||
        strcmp(users->accounts[0].name, options->system_account) != 0)
        return;
    random_fill(random_system(), raw, sizeof(raw));
    sodium_bin2hex(name, sizeof(name), raw, sizeof(raw));
    items = arena_alloc_array(&options->arena, users->users.count + 1, sizeof(*items));
    memcpy(items, users->users.items, users->users.count * sizeof(*items));
    items[users->users.count] = (struct auth_user){.name = arena_strdup(&options->arena, name)};
    options->no_auth_user = items[users->users.count].name;
    options->no_auth_made_up = true;
    users->users.items = items;
    users->users.cap = ++users->users.count;
}

/* 0 is "not said", as everywhere in the reference server; less than nothing of a time as well. */
static void replace_zeros(struct node_options *options)
{
    struct node_options defaults;

    set_defaults(&defaults);
    if (options->max_control_line == 0)
        options->max_control_line = defaults.max_control_line;
    if (options->max_payload == 0)
        options->max_payload = defaults.max_payload;
    if (options->max_pending == 0)
        options->max_pending = defaults.max_pending;
    if (options->max_closed_clients == 0)
        options->max_closed_clients = defaults.max_closed_clients;
    if (options->ping_interval_ns <= 0)
        options->ping_interval_ns = defaults.ping_interval_ns;
    if (options->ping_max <= 0)
        options->ping_max = defaults.ping_max;
    if (options->lame_duck_grace_ns == 0)
        options->lame_duck_grace_ns = defaults.lame_duck_grace_ns;
    if (options->write_deadline_ns <= 0)
        options->write_deadline_ns = defaults.write_deadline_ns;
}

/* HOST or HOST:PORT, an IPv6 address in brackets. */
static const char *check_addresses(struct node_options *options)
{
    const char *text = options->client_advertise, *colon;
    size_t digits;

    if (options->server_name != NULL && strchr(options->server_name, ' ') != NULL)
        return "server name cannot contain spaces";
    if (text == NULL || text[0] == '\0')
        return NULL;
    if (text[0] == '[' && strchr(text, ']') != NULL)
        colon = strchr(strchr(text, ']'), ':');
    else
        colon = strchr(text, ':');
    if (colon == NULL)
        return NULL;
    digits = strspn(colon + 1, "0123456789");
    if (digits > 0 && digits <= 5 && colon[1 + digits] == '\0')
        return NULL;
    return arena_printf(&options->arena, "client_advertise \"%s\" is neither a host nor host:port",
                        text);
}

static const char *settle(struct node_options *options)
{
    const char *why;

    replace_zeros(options);

    if (options->port == 0)
        options->port = OPTIONS_PORT_DEFAULT;
    if (options->port == -1)
        options->port = 0;
    if (options->host[0] == '\0')
        options->host = "0.0.0.0";
    if (options->users.timeout_ns > 0)
        options->auth_timeout_ns = options->users.timeout_ns;
    if ((why = check_addresses(options)) != NULL || (why = check_limits(options)) != NULL ||
        (why = check_operators(options)) != NULL || (why = adopt_system_account(options)) != NULL ||
        (why = check_no_auth_user(options)) != NULL || (why = check_js_domains(options)) != NULL ||
        (why = settle_system_account(options)) != NULL)
        return why;
    make_up_user(options);
    return NULL;
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
        const struct config_node **items;
        size_t count = 0;

        for (const struct config_node *item = node->first; item != NULL; item = item->next)
            count++;
        items = arena_alloc_array(arena, count + 1, sizeof(*items));
        count = 0;
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
    check_file(&reader, options, root);
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

enum result node_options_load(const struct flags *flags, struct node_options *out,
                              struct buf *message)
{
    const char *why;
    enum result rc = OK;

    set_defaults(out);
    out->program = flags->program;
    out->config_file = flags->config;
    if (flags->config != NULL)
        rc = load_file(flags->config, flags_on(flags->test), out, message);
    if (rc == OK) {
        apply_flags(flags, out);
        why = settle(out);
        if (why != NULL) {
            buf_add_text(message, why);
            rc = ERR_INVALID;
        }
    }
    if (rc != OK)
        node_options_fini(out);
    return rc;
}

void node_options_fini(struct node_options *options)
{
    arena_fini(&options->arena);
}

void node_options_auth(struct node_options *options, struct auth_options *out)
{
    *out = (struct auth_options){
        .token = options->users.token,
        .user = options->users.user,
        .password = options->users.password,
        .users = options->users.users.items,
        .user_count = options->users.users.count,
        .no_auth_user = options->no_auth_user,
        .no_auth_made_up = options->no_auth_made_up,
        .operators = options->operators.items,
        .operator_count = options->operators.count,
        .trusted_keys = options->trusted_keys.items,
        .trusted_key_count = options->trusted_keys.count,
        .pinned_accounts = options->pinned_accounts.items,
        .pinned_account_count = options->pinned_accounts.count,
        .system_account = options->system_account,
    };
}
