/*
 * tables: which commands there are, and the parts that several of their tables share.
 *
 * Each *_commands.c has the table of a few nouns; tables.c lists the tables.
 *
 * Ownership  constants.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include "controlplane/cli/command_row.h"

/* All tables, in the order of the help; NULL behind the last. */
extern const struct command *const command_tables[];

extern const struct command session_commands[];  /* login whoami status context */
extern const struct command operator_commands[]; /* operator */
extern const struct command system_commands[];   /* system node */
extern const struct command team_commands[];     /* team member token */
extern const struct command plan_commands[];     /* plan */
extern const struct command account_commands[];  /* account sync */
extern const struct command key_commands[];      /* key role revocation */
extern const struct command user_commands[];     /* user creds */
extern const struct command record_commands[];   /* usage audit operation */
extern const struct command demo_commands[];     /* demo */

/* What every resource's settings begin with. */
#define COMMON_FLAGS                                                          \
    {"display-name", FLAG_TEXT, NULL, "TEXT", "a name for people"},           \
        {"description", FLAG_TEXT, NULL, "TEXT", "what it is for"},           \
    {                                                                         \
        "label", FLAG_MAP, "labels", "NAME=VALUE", "a label; may be repeated" \
    }
/* Of every list. */
#define LIST_FLAGS                                                                  \
    {"state", FLAG_QUERY, NULL, "STATE", "only in this state"},                     \
        {"q", FLAG_QUERY, NULL, "TEXT", "names that begin with this"},              \
    {                                                                               \
        "label", FLAG_QUERY, NULL, "NAME:VALUE", "with this label; may be repeated" \
    }

extern const struct flag list_flags[]; /* LIST_FLAGS alone */
extern const struct column operation_columns[];
