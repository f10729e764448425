#include "dataplane/node/option_users.h"

#include <string.h>
#include <strings.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/nats/nkey.h"
#include "api/nats/subject.h"

#define RESPONSES_MAX_DEFAULT 1
#define RESPONSES_TTL_DEFAULT (120 * NS_PER_S)
#define TIMEOUT_HIGH_S 60.0

static bool is_off(const struct config_node *node)
{
    switch (node->kind) {
    case CONFIG_BOOL:
        return !node->boolean;
    case CONFIG_INT:
        return node->integer == 0;
    case CONFIG_STRING:
        return strcasecmp(node->string, "disabled") == 0 || strcasecmp(node->string, "off") == 0 ||
               node->string[0] == '\0';
    case CONFIG_LIST:
        return node->first == NULL;
    case CONFIG_MAP: {
        const struct config_node *on = config_get(node, "enabled");

        if (on == NULL)
            on = config_get(node, "enable");
        return on != NULL && on->kind == CONFIG_BOOL && !on->boolean;
    }
    case CONFIG_FLOAT:
    case CONFIG_TIME:
        return false;
    }
    return false;
}

void option_later_unless_off(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    if (!is_off(node))
        option_later(reader, node);
}

/* --- permissions --------------------------------------------------------------------------- */

struct directions {
    struct strings allow, deny;
    bool allow_set;
};

/* "subject" or "subject queue" */
static bool subjects_valid(struct option_reader *reader, const struct config_node *node,
                           const struct strings *subjects)
{
    for (size_t i = 0; i < subjects->count; i++) {
        struct slice rest = slice_trim(slice_of(subjects->items[i])), part;
        unsigned parts = 0;
        bool valid = rest.len > 0;

        while (valid && slice_cut(&rest, ' ', &part)) {
            if (part.len == 0)
                continue;
            valid = subject_valid(part) && ++parts <= 2;
        }
        if (!valid) {
            option_error(reader, node, "subject \"%s\" is not a valid subject", subjects->items[i]);
            return false;
        }
    }
    return true;
}

static void read_subjects(struct option_reader *reader, const struct config_node *node,
                          struct strings *out)
{
    if (option_texts(reader, node, out))
        subjects_valid(reader, node, out);
}

static void read_allow(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct directions *directions = out;

    directions->allow_set = true;
    read_subjects(reader, node, &directions->allow);
}

static void read_deny(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct directions *directions = out;

    read_subjects(reader, node, &directions->deny);
}

static const struct option direction_table[] = {
    {"allow", OPTION_READ, 0, .read = read_allow},
    {"deny", OPTION_READ, 0, .read = read_deny},
    {0},
};

static void read_directions(struct option_reader *reader, const struct config_node *node,
                            struct directions *out)
{
    *out = (struct directions){0};
    if (node->kind == CONFIG_MAP)
        option_table_read(reader, direction_table, node, out);
    else
        read_allow(reader, node, out);
}

static void read_publish(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct permission_rules *rules = out;
    struct directions directions;

    read_directions(reader, node, &directions);
    rules->publish_allow = directions.allow;
    rules->publish_deny = directions.deny;
    rules->publish_allow_set = directions.allow_set;
}

static void read_subscribe(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct permission_rules *rules = out;
    struct directions directions;

    read_directions(reader, node, &directions);
    rules->subscribe_allow = directions.allow;
    rules->subscribe_deny = directions.deny;
}

struct responses {
    int64_t max, ttl_ns;
};

/* A plain number is no duration here. */
static void read_responses_ttl(struct option_reader *reader, const struct config_node *node,
                               void *out)
{
    if (node->kind == CONFIG_STRING)
        (void)option_duration(reader, node, out);
    else
        option_error(reader, node, "error parsing expires, not a duration string");
}

static const struct option responses_table[] = {
    {"max|max_msgs|max_messages|max_responses", OPTION_NUMBER_AT(struct responses, max)},
    {"expires|expiration|ttl", OPTION_READ_AT(struct responses, ttl_ns),
     .read = read_responses_ttl},
    {0},
};

static void read_responses(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct permission_rules *rules = out;
    struct responses responses = {0};

    if (node->kind == CONFIG_BOOL)
        rules->responses = node->boolean;
    else if (node->kind == CONFIG_MAP) {
        rules->responses = true;
        option_table_read(reader, responses_table, node, &responses);
    } else {
        option_error(reader, node,
                     "error parsing response permissions, a boolean or a map is "
                     "expected");
    }
    rules->responses_max = responses.max != 0 ? responses.max : RESPONSES_MAX_DEFAULT;
    rules->responses_ttl_ns = responses.ttl_ns != 0 ? responses.ttl_ns : RESPONSES_TTL_DEFAULT;
}

static const struct option permission_table[] = {
    {"pub|publish|import", OPTION_READ, 0, .read = read_publish},
    {"sub|subscribe|export", OPTION_READ, 0, .read = read_subscribe},
    {"publish_allow_responses|allow_responses", OPTION_READ, 0, .read = read_responses},
    {0},
};

/* out: const struct permission_rules * */
static void read_permissions(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    struct permission_rules *rules = arena_alloc(reader->arena, sizeof(*rules));

    option_table_read(reader, permission_table, node, rules);
    if (rules->responses)
        rules->publish_allow_set = true; /* without an allow list: nothing but answers */
    *(const struct permission_rules **)out = rules;
}

/* --- users --------------------------------------------------------------------------------- */

static void read_connections(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    struct strings words;
    uint32_t *bits = out;

    if (!option_texts(reader, node, &words))
        return;
    for (size_t i = 0; i < words.count; i++) {
        enum auth_connection connection = auth_connection_of(words.items[i]);

        if (connection == AUTH_CONNECTIONS)
            option_error(reader, node, "invalid connection types [\"%s\"]", words.items[i]);
        else
            *bits |= 1u << connection;
    }
}

static const struct option user_table[] = {
    {"nkey", OPTION_TEXT_AT(struct auth_user, nkey)},
    {"user|username", OPTION_TEXT_AT(struct auth_user, name)},
    {"pass|password", OPTION_TEXT_AT(struct auth_user, password)},
    {"permission|permissions|authorization", OPTION_READ_AT(struct auth_user, permissions),
     .read = read_permissions},
    {"allowed_connection_types|connection_types|clients",
     OPTION_READ_AT(struct auth_user, connections), .read = read_connections},
    {"proxy_required", OPTION_READ, 0, .read = option_later_unless_off},
    {0},
};

static bool user_valid(struct option_reader *reader, const struct config_node *node,
                       const struct auth_user *user)
{
    if (user->nkey != NULL && !nkey_is(slice_of(user->nkey), NKEY_USER)) {
        option_error(reader, node, "Not a valid public nkey for a user");
        return false;
    }
    if (user->nkey != NULL && (user->name != NULL || user->password != NULL)) {
        option_error(reader, node, "Nkey users do not take usernames or passwords");
        return false;
    }
    if (user->nkey == NULL && !slice_given(user->name)) {
        option_error(reader, node, "User entry requires a user");
        return false;
    }
    return true;
}

static void add_user(struct option_reader *reader, struct option_user_list *list,
                     const struct config_node *place, const struct auth_user *user)
{
    if (list->count == list->cap) {
        size_t cap = list->cap > 0 ? list->cap * 2 : 8;
        struct auth_user *items = arena_alloc_array(reader->arena, cap, sizeof(*items));
        const struct config_node **places =
            arena_alloc_array(reader->arena, cap, sizeof(places[0]));

        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof(*items));
            memcpy(places, list->places, list->count * sizeof(places[0]));
        }
        list->items = items;
        list->places = places;
        list->cap = cap;
    }
    list->items[list->count] = *user;
    list->places[list->count++] = place;
}

static void read_users(struct option_reader *reader, const struct config_node *node,
                       const char *account, struct option_user_list *list)
{
    if (node->kind != CONFIG_LIST) {
        option_error(reader, node, "Expected users field to be an array");
        return;
    }
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        struct auth_user user = {.account = account};

        if (item->kind != CONFIG_MAP) {
            option_error(reader, item, "Expected user entry to be a map/struct");
            continue;
        }
        option_table_read(reader, user_table, item, &user);
        if (user_valid(reader, item, &user))
            add_user(reader, list, node, &user);
    }
}

/* --- authorization {} ---------------------------------------------------------------------- */

static void read_block_users(struct option_reader *reader, const struct config_node *node,
                             void *out)
{
    struct option_users *users = out;

    users->users_in_block = true;
    read_users(reader, node, NULL, &users->users);
}

static void read_timeout(struct option_reader *reader, const struct config_node *node, void *out)
{
    double seconds;

    if (node->kind == CONFIG_INT) {
        seconds = (double)node->integer;
    } else if (node->kind == CONFIG_FLOAT) {
        seconds = node->real;
    } else {
        if (!option_duration(reader, node, out))
            return;
        seconds = (double)*(int64_t *)out / (double)NS_PER_S;
    }
    if (seconds > TIMEOUT_HIGH_S)
        option_warning(reader, node,
                       "invalid use of field \"timeout\": timeout of %g seconds is high, consider "
                       "keeping it under 60 seconds",
                       seconds);
    *(int64_t *)out = (int64_t)(seconds * (double)NS_PER_S);
}

static const struct option authorization_table[] = {
    {"user|username", OPTION_TEXT_AT(struct option_users, user)},
    {"pass|password", OPTION_TEXT_AT(struct option_users, password)},
    {"token", OPTION_TEXT_AT(struct option_users, token)},
    {"timeout", OPTION_READ_AT(struct option_users, timeout_ns), .read = read_timeout},
    {"users", OPTION_READ, 0, .read = read_block_users},
    {"default_permission|default_permissions|permissions",
     OPTION_READ_AT(struct option_users, default_permissions), .read = read_permissions},
    {"auth_callout|auth_hook", OPTION_LATER},
    {"proxy_required", OPTION_READ, 0, .read = option_later_unless_off},
    {0},
};

/* Those of the block and of one account are told apart by where they begin in the list. */
static void default_permissions(struct option_user_list *list, size_t from,
                                const struct permission_rules *rules)
{
    for (size_t i = from; i < list->count; i++)
        if (list->items[i].permissions == NULL)
            list->items[i].permissions = rules;
}

void option_users_authorization(struct option_reader *reader, const struct config_node *node,
                                void *out)
{
    struct option_users *users = out;
    size_t before = users->users.count;

    users->block = true;
    option_table_read(reader, authorization_table, node, users);
    for (size_t i = before; i < users->users.count; i++)
        users->users.places[i] = node;
    default_permissions(&users->users, before, users->default_permissions);
    if ((users->user != NULL || users->password != NULL) && users->token != NULL)
        option_error(reader, node, "Cannot have a user/pass and token");
    else if (users->users_in_block && users->user != NULL)
        option_error(reader, node, "Can not have a single user/pass and a users array");
    else if (users->users_in_block && users->token != NULL)
        option_error(reader, node, "Can not have a token and a users array");
}

/* --- accounts {} --------------------------------------------------------------------------- */

static const struct option limits_table[] = {
    {"max_connections|max_conn", OPTION_NUMBER_AT(struct option_account, max_connections)},
    {"max_subscriptions|max_subs", OPTION_NUMBER_AT(struct option_account, max_subscriptions)},
    {"max_payload|max_pay", OPTION_NUMBER_AT(struct option_account, max_payload)},
    {"max_leafnodes|max_leafs", OPTION_NUMBER_AT(struct option_account, max_leafnodes)},
    {0},
};

static void read_limits(struct option_reader *reader, const struct config_node *node, void *out)
{
    option_table_read(reader, limits_table, node, out);
}

static void read_account_nkey(struct option_reader *reader, const struct config_node *node,
                              void *out)
{
    if (!option_is(reader, node, CONFIG_STRING))
        return;
    if (!nkey_is(slice_of(node->string), NKEY_ACCOUNT))
        option_error(reader, node, "Not a valid public nkey for an account: \"%s\"", node->string);
    *(const char **)out = node->string;
}

/* One account while it is read: its users go to the list of all. */
struct account_reading {
    struct option_account account;
    struct option_users *users;
};

static void read_account_users(struct option_reader *reader, const struct config_node *node,
                               void *out)
{
    struct account_reading *reading = out;

    read_users(reader, node, reading->account.name, &reading->users->users);
}

static const struct option configured_account_table[] = {
    {"nkey", OPTION_READ_AT(struct account_reading, account.nkey), .read = read_account_nkey},
    {"users", OPTION_READ, 0, .read = read_account_users},
    {"default_permissions", OPTION_READ_AT(struct account_reading, account.default_permissions),
     .read = read_permissions},
    {"limits", OPTION_READ_AT(struct account_reading, account), .read = read_limits},
    {"imports", OPTION_READ, 0, .read = option_later_unless_off},
    {"exports", OPTION_READ, 0, .read = option_later_unless_off},
    {"jetstream", OPTION_READ, 0, .read = option_later_unless_off},
    {"mappings|maps", OPTION_LATER},
    {"msg_trace|trace_dest", OPTION_LATER},
    {0},
};

static bool account_name_valid(struct option_reader *reader, const struct config_node *node,
                               const char *name)
{
    if (strcmp(name, "$G") != 0)
        return true;
    option_error(reader, node, "\"%s\" is a Reserved Account", name);
    return false;
}

static struct option_account new_account(const char *name)
{
    return (struct option_account){.name = name,
                                   .max_connections = -1,
                                   .max_subscriptions = -1,
                                   .max_payload = -1,
                                   .max_leafnodes = -1};
}

static void read_account(struct option_reader *reader, const struct config_node *node,
                         struct option_users *users)
{
    size_t before = users->users.count;
    struct account_reading reading = {.account = new_account(node->key), .users = users};

    if (node->kind != CONFIG_MAP) {
        option_error(reader, node, "Expected map entries for accounts");
        return;
    }
    if (!account_name_valid(reader, node, node->key))
        return;
    option_table_read(reader, configured_account_table, node, &reading);
    default_permissions(&users->users, before, reading.account.default_permissions);
    users->accounts[users->account_count++] = reading.account;
}

/* An entry of a list of names. */
static void read_named_account(struct option_reader *reader, const struct config_node *item,
                               struct option_users *users)
{
    if (!option_is(reader, item, CONFIG_STRING) || !account_name_valid(reader, item, item->string))
        return;
    for (size_t i = 0; i < users->account_count; i++) {
        if (strcmp(users->accounts[i].name, item->string) == 0) {
            option_error(reader, item, "Duplicate Account Entry: %s", item->string);
            return;
        }
    }
    users->accounts[users->account_count++] = new_account(item->string);
}

void option_users_accounts(struct option_reader *reader, const struct config_node *node, void *out)
{
    struct option_users *users = out;

    if (node->kind != CONFIG_MAP && !option_is(reader, node, CONFIG_LIST))
        return;
    users->accounts =
        arena_alloc_array(reader->arena, config_count(node) + 1, sizeof(*users->accounts));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (node->kind == CONFIG_MAP)
            read_account(reader, item, users);
        else
            read_named_account(reader, item, users);
    }
}
