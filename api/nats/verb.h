/*
 * verb: the words of the protocol in one table, and who may say them.
 *
 * Ownership  constants.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/slice.h"

enum verb {
    VERB_CONNECT,
    VERB_PUB,
    VERB_HPUB,
    VERB_SUB,
    VERB_UNSUB,
    VERB_PING,
    VERB_PONG,
    VERB_INFO,
    VERB_OK,
    VERB_ERR,
    VERB_MSG,
    VERB_HMSG,
    VERB_COUNT
};

enum verb_args {
    VERB_ARGS_NONE,  /* whatever stands before the line end is ignored */
    VERB_ARGS_WORDS, /* between args_min and args_max words */
    VERB_ARGS_TEXT,  /* the rest of the line is one argument */
};

struct verb_spec {
    const char *word; /* upper case */
    unsigned len;
    enum verb_args args;
    unsigned args_min, args_max;
    bool payload;  /* the last word counts its bytes */
    bool headers;  /* the word before it counts the bytes of headers in it */
    bool attached; /* arguments may begin without a blank: CONNECT{} */
};

extern const struct verb_spec verb_specs[VERB_COUNT];

/* Sets of verbs: bit 1 << verb. */
#define VERB_BIT(verb) (UINT32_C(1) << (verb))
extern const uint32_t verbs_of_client; /* what a client says to a server */
extern const uint32_t verbs_of_server; /* what a server says to a client */

/*
 * The verb that a line begins with (letters of either case), among `verbs`.  VERB_COUNT when no
 * verb fits any more; *partial when more bytes could still make one.
 */
enum verb verb_at(struct slice line, uint32_t verbs, bool *partial);
