/*
 * later: what a body may ask for one day, but not yet: refused by name, with what to use now.
 *
 * Without it such a value would be an unknown word among others, and its sender would look for a
 * mistake of his own.  docs/decisions/0101 says what is meant to come and why it is not here.
 *
 * Ownership  texts in the call's arena.
 * Thread     the call's.
 * Errors     refusal not_supported.
 */
#pragma once

#include "controlplane/rest/router.h"

/* Looks at call->body_json, before it is decoded. */
enum result later_check(struct rest_call *call) MUST_CHECK;
