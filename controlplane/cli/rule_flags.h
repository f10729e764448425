/*
 * rule_flags: the flags of what a user may, for users, roles and account defaults.
 *
 * Ownership  constants.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include "controlplane/cli/command_row.h"

/* clang-format off */
#define PERMISSION_FLAGS(in)                                                                    \
    {"pub-allow", FLAG_LIST, in "/pub/allow", "SUBJECT", "may publish there; may be repeated"}, \
    {"pub-deny", FLAG_LIST, in "/pub/deny", "SUBJECT", "may not publish there"},                \
    {"sub-allow", FLAG_LIST, in "/sub/allow", "SUBJECT", "may subscribe there"},                \
    {"sub-deny", FLAG_LIST, in "/sub/deny", "SUBJECT", "may not subscribe there"},              \
    {"resp-max", FLAG_INT, in "/resp/max", "N",                                                 \
     "replies to a request, wherever it asks for them"},                                        \
    {"resp-ttl-ns", FLAG_INT, in "/resp/ttl_ns", "N", "for so long after it"}

#define RULE_FLAGS                                                                              \
    PERMISSION_FLAGS("permissions"),                                                            \
    {"subs", FLAG_INT, NULL, "N", "subscriptions of one connection"},                           \
    {"payload", FLAG_INT, NULL, "SIZE", "of one message: 64KiB"},                               \
    {"bearer", FLAG_TRUE, NULL, NULL, "the JWT alone is enough"},                               \
    {"connection-type", FLAG_LIST, "connection_types", "TYPE",                                  \
     "STANDARD, WEBSOCKET, LEAFNODE, ..."},                                                     \
    {"src", FLAG_LIST, NULL, "CIDR", "only from these addresses"},                              \
    {"time", FLAG_RANGES, "times", "HH:MM-HH:MM", "only at these times of the day"},            \
    {"times-location", FLAG_TEXT, NULL, "ZONE", "their time zone: Europe/Berlin"}
/* clang-format on */
