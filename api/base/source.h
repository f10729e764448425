/*
 * source: where somebody comes from, as far as fairness goes.
 *
 * An IPv4 address, or the first 64 bits of an IPv6 one: what is given to one site.  IPv4 that came
 * through a socket of both kinds is IPv4.  All zeros: no address.
 *
 * Ownership  values.
 * Thread     any.
 * Errors     none; what is no address has none.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "api/base/slice.h"

enum { SOURCE_KEY_LEN = 16 };

struct source_key {
    uint8_t bytes[SOURCE_KEY_LEN];
};

struct source_key source_key_of(const struct sockaddr *address);
/* "127.0.0.1", "2001:db8::1"; NULL: no address. */
struct source_key source_key_of_text(const char *host);
bool source_key_none(const struct source_key *key);
/* Borrows it. */
struct slice source_key_slice(const struct source_key *key);
