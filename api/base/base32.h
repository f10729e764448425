/*
 * base32: RFC 4648 base32, upper case, no padding, as nkeys and JWT ids use it.
 *
 * Ownership  the caller's buffers.
 * Thread     any.
 * Errors     decode: ERR_SYNTAX for a character outside the alphabet, an impossible length
 *            or non-zero left-over bits; ERR_LIMIT when out is too small.
 */
#pragma once

#include <stddef.h>

#include "api/base/result.h"
#include "api/base/slice.h"

#define BASE32_LEN(bytes) (((bytes)*8 + 4) / 5)

/* Writes BASE32_LEN(len) characters and a 0. */
void base32_encode(const void *data, size_t len, char *out);
enum result base32_decode(struct slice text, void *out, size_t cap, size_t *len) MUST_CHECK;
