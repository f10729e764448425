/*
 * header: blocks of message headers: "NATS/1.0", lines "Key: Value", an empty line.
 *
 * Keys are compared as bytes and the first occurrence wins, as the reference server does.
 *
 * Ownership  slices point into the block; builders append to the caller's buf.
 * Thread     any.
 * Errors     ERR_SYNTAX, ERR_NOT_FOUND.
 */
#pragma once

#include "api/base/buf.h"
#include "api/base/result.h"
#include "api/base/slice.h"

/* Begins with the version line and ends with an empty line. */
bool header_valid(struct slice block);

/* The value without blanks before it; ERR_NOT_FOUND. */
enum result header_get(struct slice block, struct slice key, struct slice *value) MUST_CHECK;

/* The status of the first line: *code is 0 when there is none. */
enum result header_status(struct slice block, unsigned *code, struct slice *description) MUST_CHECK;

/* One line after the other; *rest is set to the block to begin.  False at the end. */
bool header_next(struct slice *rest, struct slice *key, struct slice *value);

/* "NATS/1.0" with a status if code > 0 and a description if it is not empty. */
void header_begin(struct buf *buf, unsigned code, struct slice description);
void header_add(struct buf *buf, struct slice key, struct slice value);
void header_end(struct buf *buf);
