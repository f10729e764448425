/*
 * parser: the stream of a peer's bytes -> one command at a time, in place.
 *
 * The parser owns no byte.  The caller shows it bytes that begin with a command; it answers
 *
 *   PARSER_EVENT  the command is whole; event->consumed bytes belong to it.  Go on behind them.
 *   PARSER_MORE   the command is not whole.  Keep all `len` bytes and show them again, in one
 *                 piece, with more behind them.  event->needed is the length of the whole command
 *                 when that is known (the control line of a PUB is there, its payload is not),
 *                 else 0; nothing else of the event is set.  What was searched is not
 *                 searched again.
 *   PARSER_ERROR  event->error; the connection cannot go on.
 *
 * So `PARSER_MORE` with len == 0 is the ordinary end of a buffer.  The same bytes cut anywhere
 * give the same events.
 *
 * An unknown verb is found at its first wrong byte, a line that is too long before its end, a
 * payload that is too large before the payload is read.
 *
 * Ownership  slices of an event point into the bytes shown.
 * Thread     one at a time, the connection's.
 * Errors     PARSER_ERROR.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/slice.h"
#include "api/nats/verb.h"

enum { PARSER_ARGS_MAX = 5 };

enum parser_status { PARSER_EVENT, PARSER_MORE, PARSER_ERROR };

enum parser_error {
    PARSER_ERROR_NONE,
    PARSER_ERROR_VERB,    /* no such verb, or no line end after a payload:
                             'Unknown Protocol Operation' */
    PARSER_ERROR_ARGS,    /* wrong number of words, a malformed size: closed without a word */
    PARSER_ERROR_LINE,    /* 'maximum control line exceeded' */
    PARSER_ERROR_PAYLOAD, /* 'Maximum Payload Violation' */
};

#define PARSER_PAYLOAD_UNLIMITED UINT32_MAX

struct parser {
    uint32_t scanned;     /* bytes at the front known to have no line end */
    uint32_t line_len;    /* the control line with its end, once it is whole; else 0 */
    uint32_t total_len;   /* then: the whole command with payload and CRLF */
    uint32_t line_max;    /* bytes of arguments; the caller may change it at any time */
    uint32_t payload_max; /* bytes of headers and payload; ditto */
    uint32_t verbs;       /* set of verbs that this peer may say */
    uint8_t verb;         /* of the command whose payload is awaited */
    bool headers_off;     /* HPUB fails, before its payload; the caller may change it */
};

struct parser_event {
    enum verb verb;
    enum parser_error error;
    unsigned arg_count;
    struct slice args[PARSER_ARGS_MAX]; /* words without blanks */
    struct slice text;                  /* the arguments as they stand, without the line end */
    struct slice payload;               /* with headers in front */
    uint32_t header_len;                /* bytes of headers in payload; 0 without */
    uint32_t payload_len;               /* known before payload is whole */
    int64_t max;                        /* UNSUB: 0 when not given, -1 when malformed */
    size_t consumed;                    /* PARSER_EVENT */
    size_t needed;                      /* PARSER_MORE */
};

/* `verbs`: verbs_of_client for a server's parser. */
void parser_init(struct parser *parser, uint32_t verbs, uint32_t line_max, uint32_t payload_max);

enum parser_status parser_next(struct parser *parser, const char *data, size_t len,
                               struct parser_event *event);

/* The words of an event by what they mean (empty when absent). */
static inline struct slice parser_subject(const struct parser_event *event)
{
    return event->args[0]; /* PUB, HPUB, SUB, MSG, HMSG */
}
struct slice parser_reply(const struct parser_event *event); /* PUB, HPUB, MSG, HMSG */
struct slice parser_queue(const struct parser_event *event); /* SUB */
struct slice parser_sid(const struct parser_event *event);   /* SUB, UNSUB, MSG, HMSG */
