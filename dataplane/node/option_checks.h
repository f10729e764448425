/*
 * option_checks: what no single key can say: whether the options agree with each other, and what
 * follows for those that nobody named.
 *
 * Ownership  texts that are made up, and the reasons, live in the options' arena.
 * Thread     the main thread.
 * Errors     of the file: collected in the reader, with their places; of all options: a sentence.
 */
#pragma once

#include "api/base/config.h"
#include "dataplane/node/node_options.h"
#include "dataplane/node/option_table.h"

/* Conflicts that are mistakes of the file, before the command line changes what it says. */
void option_checks_file(struct option_reader *reader, const struct node_options *options,
                        const struct config_node *root);
/* Puts defaults where 0 stands and finds the system account; NULL, or why they cannot be. */
const char *option_checks_settle(struct node_options *options);
