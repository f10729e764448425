/*
 * placement: which worker a session belongs to.
 *
 * Where most of its account is; a first of its account goes to the first worker that is not
 * half busy (so few workers are awake while there is little to do), else to the least busy.
 *
 * Ownership  none.
 * Thread     the worker that accepted it.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session.h"

unsigned placement_choose(const struct session *session);
