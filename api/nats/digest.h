/*
 * digest: SHA-512/256 and SHA-256.
 *
 * A module of its own, because a name of OpenSSL's and one of ours (ERR_STATE) cannot be included
 * together.
 *
 * Ownership  the caller's buffers.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_LEN = 32 };

void digest_sha512_256(const void *data, size_t len, uint8_t out[DIGEST_LEN]);
void digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_LEN]);
