/*
 * base64: RFC 4648 base64 (with padding) and base64url (without).
 *
 * Ownership  the caller's buffers.
 * Thread     any.
 * Errors     decode: ERR_SYNTAX for anything that is not the given alphabet (padding is
 *            required for base64, refused for base64url; no line breaks); ERR_LIMIT when
 *            out is too small.
 */
#pragma once

#include <stddef.h>

#include "api/base/result.h"
#include "api/base/slice.h"

#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)
#define BASE64URL_LEN(bytes) (((bytes)*4 + 2) / 3)

/* Write that many characters and a 0. */
void base64_encode(const void *data, size_t len, char *out);
void base64url_encode(const void *data, size_t len, char *out);
enum result base64_decode(struct slice text, void *out, size_t cap, size_t *len) MUST_CHECK;
enum result base64url_decode(struct slice text, void *out, size_t cap, size_t *len) MUST_CHECK;
