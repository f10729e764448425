/*
 * scope: what the variables of a transcript stand for, and matching against them.
 *
 *   ${NAME}             what ${?NAME} has taken, or the caller has set
 *   ${?NAME}            when matching: takes what stands here
 *   ${*}                when matching: anything
 *   ${#}                the length of what the next sending line sends, without CRLF
 *   ${A.FIELD}          a field of the last INFO that peer A received
 *   ${repeat:N:TEXT}    TEXT, N times
 *   ${now}, ${now+N}    seconds since 1970
 *   ${pub:U:NAME}       a public key; its seed is derived from type and name, so the same
 *   ${seed:U:NAME}      name gives the same key in every transcript and nothing is committed
 *   ${sign:A:U:NAME}    the signature of the nonce in the last INFO of peer A
 *   ${jwt:NAME}         a token declared by the transcript, signed now
 *   ${forged:NAME}      the same with a signature that does not verify
 *
 * They nest: ${repeat:3:${NAME}}.  Escapes, where asked for: \r \n \t \0 \s (a blank) \\ \xHH.
 *
 * Ownership  the scope owns its values; the transcript and the callback's context are borrowed.
 * Thread     one at a time.
 * Errors     false, with a message in scope->error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/base/buf.h"
#include "api/base/slice.h"
#include "tests/lib/transcript.h"

struct scope_value;

struct scope {
    const struct transcript *transcript;
    struct scope_value *values;
    size_t next_len; /* of ${#} */
    /* A field of the last INFO of a peer as text; false if there is none. */
    bool (*info)(void *context, char peer, struct slice field, struct buf *out);
    void *context;
    char error[256];
};

void scope_init(struct scope *scope, const struct transcript *transcript);
void scope_fini(struct scope *scope);

void scope_set(struct scope *scope, struct slice name, struct slice value);
bool scope_expand(struct scope *scope, const char *text, bool escapes, struct buf *out);

/* Does the pattern, expanded, match all of the line?  Takes nothing when it does not. */
bool scope_match(struct scope *scope, const char *pattern, struct slice line);
