/*
 * auth_restrict: where from, by which way and when a user may come in.
 *
 * Ownership  borrowed.
 * Thread     any; window_ends_in may read a file (time zones): not on a worker when there is a
 *            location.
 * Errors     ERR_DENIED; ERR_INVALID for an address range, a time or a zone that cannot be read.
 */
#pragma once

#include <stdint.h>

#include "api/nats/claims.h"
#include "dataplane/auth/auth_options.h"

/* No ranges: from anywhere. */
enum result auth_source_check(const struct strings *ranges, const char *host) MUST_CHECK;
/* No types: any.  Types that are not known are left out; when none is left: denied. */
enum result auth_connection_check(const struct strings *types,
                                  enum auth_connection connection) MUST_CHECK;
/* *left_s: how long until the last of the windows that are open closes; 0 without windows. */
enum result auth_window_check(const struct claims_user_limits *limits, int64_t now_s,
                              int64_t *left_s) MUST_CHECK;
