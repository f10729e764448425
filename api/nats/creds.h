/*
 * creds: the decorated credentials file: a user JWT and its seed.
 *
 * Ownership  parse: slices into the text.  What was formatted holds a seed: the caller wipes it.
 * Thread     any.
 * Errors     ERR_NOT_FOUND: no such block.
 */
#pragma once

#include "api/base/buf.h"
#include "api/base/result.h"
#include "api/base/slice.h"

/* Appends; an empty seed leaves its block out (bearer tokens). */
void creds_format(struct buf *buf, struct slice jwt, struct slice seed);

/* The first block is the JWT, the second the seed.  Text without any block is a bare JWT. */
enum result creds_jwt(struct slice text, struct slice *jwt) MUST_CHECK;
/* Also found as a line of its own that begins with SO, SA or SU. */
enum result creds_seed(struct slice text, struct slice *seed) MUST_CHECK;
