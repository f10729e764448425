/*
 * option_users: authorization {} and accounts {} of the configuration.
 *
 * Ownership  all of it lives in the reader's arena.
 * Thread     one at a time.
 * Errors     collected in the reader.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/auth/auth.h"
#include "dataplane/node/option_table.h"

struct option_account {
    const char *name;
    const char *nkey;
    int64_t max_connections, max_subscriptions, max_payload, max_leafnodes; /* -1: no limit */
    const struct permission_rules *default_permissions;                     /* NULL: none */
};

struct option_user_list {
    struct auth_user *items;
    const struct config_node **places; /* of each: the block or list that it stands in */
    size_t count, cap;
};

struct option_users {
    bool block; /* authorization {} stands there */
    const char *user, *password, *token;
    int64_t timeout_ns; /* 0: the default */
    const struct permission_rules *default_permissions;
    struct option_user_list users; /* of the block and of the accounts */
    bool users_in_block;
    struct option_account *accounts;
    size_t account_count;
};

/* For the rows of the top level; out is a struct option_users. */
void option_users_authorization(struct option_reader *reader, const struct config_node *node,
                                void *out);
void option_users_accounts(struct option_reader *reader, const struct config_node *node, void *out);

/* For rows that are refused only when they ask for something: true, a number, a list, a map. */
void option_later_unless_off(struct option_reader *reader, const struct config_node *node,
                             void *out);
