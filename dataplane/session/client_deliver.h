/*
 * client_deliver: how a message reaches a client's subscription.
 *
 * Ownership  everything is borrowed for the call.
 * Thread     the session's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/sub.h"

extern const struct sub_kind client_sub_kind;
