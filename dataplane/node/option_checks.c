#include "dataplane/node/option_checks.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/map.h"
#include "api/base/random.h"
#include "api/nats/nkey.h"

#define DEFAULT_SYSTEM_ACCOUNT "$SYS"
#define GLOBAL_ACCOUNT "$G"

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

/* One that is configured, or is there anyway. */
static bool has_account(const struct option_users *users, const char *name, const char *anyway)
{
    for (size_t i = 0; i < users->account_count; i++)
        if (strcmp(users->accounts[i].name, name) == 0)
            return true;
    return strcmp(name, anyway) == 0;
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

/* An operator may ask for a server that is not older. */
static const char *check_version(struct arena *arena, const struct claims *operator)
{
    static const char *const parts[] = {"major", "minor", "update"};
    static const unsigned ours[] = {2, 14, 3};
    const char *asked = operator->operator->assert_server_version;
    unsigned wanted[3];
    int end = -1;

    if (!slice_given(asked))
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

        if (!slice_given(named))
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
        if (!operators && !has_account(&options->users, account, GLOBAL_ACCOUNT))
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
static const char *settle_system_account(struct node_options *options)
{
    const char *missing = "error resolving system account: account missing";
    bool named = slice_given(options->system_account);

    if (node_options_operator_mode(options)) {
        if (options->no_system_account)
            options->system_account = NULL;
        return options->system_account == NULL || preloads_system_account(options) ? NULL : missing;
    }
    if (named && !has_account(&options->users, options->system_account, DEFAULT_SYSTEM_ACCOUNT))
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

    node_options_init(&defaults);
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
    if (!slice_given(text))
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

void option_checks_file(struct option_reader *reader, const struct node_options *options,
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

const char *option_checks_settle(struct node_options *options)
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
