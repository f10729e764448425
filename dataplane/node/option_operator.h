/*
 * option_operator: operators, trusted keys and the resolver of the configuration.
 *
 * Ownership  all of it lives in the reader's arena.
 * Thread     one at a time; reads the operator's JWT file.
 * Errors     collected in the reader.
 */
#pragma once

#include "dataplane/auth/auth.h"
#include "dataplane/auth/resolver.h"
#include "dataplane/node/option_table.h"

struct option_operators {
    struct auth_operator *items;
    size_t count;
};

/* For the rows of the top level; out is what stands behind the name. */
void option_operator_read(struct option_reader *reader, const struct config_node *node,
                          void *out); /* struct option_operators */
void option_operator_trusted(struct option_reader *reader, const struct config_node *node,
                             void *out); /* struct strings */
void option_operator_resolver(struct option_reader *reader, const struct config_node *node,
                              void *out); /* struct resolver_options */
void option_operator_preload(struct option_reader *reader, const struct config_node *node,
                             void *out); /* struct resolver_options */
