/*
 * transcript: a conversation with a server, read from a file.
 *
 *   # What this shows, in a sentence.       the first comment is the title
 *   # options: fresh, uncut                 see enum transcript_option
 *   config:                                 the server's configuration: indented lines
 *       authorization { token: s3cr3t }
 *   jwt alice by A:team                     a token, signed when it is used: indented lines
 *       {"sub": "${pub:U:alice}", "nats": {"type": "user", "version": 2}}
 *   A>  PING                                sent by A, with CRLF
 *   A>> PI                                  sent by A as it is
 *   A<  PONG                                the next line that A receives
 *   A|B< MSG jobs 1 2                       received by exactly one of them; the lines that
 *   A|B< hi                                 follow belong to it, up to the next MSG or HMSG
 *   A<~ MSG jobs 1 2                        one of a set of messages, in any order; the set ends
 *   A<~ hi                                  with the last line of that kind
 *   A<  (closed)                            the server has closed
 *   A<  (nothing)                           nothing comes before the answer to a PING
 *   A<  (info)                              an INFO comes (the first one is read unasked)
 *   A<  (json) {"a": 1}                     a line of JSON that holds at least this; "(any)" and
 *                                           "(absent)" stand for values, a list that begins with
 *                                           "(any order)" for one in any order
 *   A?  max_payload 1024                    a field of the last INFO; also (absent), (present)
 *   A:  connect                             naming a peer for the first time connects it too
 *   A:  connect from 127.0.0.2
 *   A:  close
 *   server: signal USR2
 *   server: exit 0                          it ends by itself, with this status
 *
 * Variables and escapes are those of scope.h.  PINGs of the server are passed over unless
 * they are what is expected.  At the end nothing more may come to anybody.
 *
 * Ownership  a transcript owns its text; steps point into it.
 * Thread     one at a time.
 * Errors     transcript_read: false, with a message that names file and line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum step_kind {
    STEP_SEND,
    STEP_SEND_RAW,
    STEP_LINE,
    STEP_UNORDERED,
    STEP_JSON,
    STEP_CLOSED,
    STEP_NOTHING,
    STEP_INFO,
    STEP_FIELD,
    STEP_CONNECT,
    STEP_CLOSE,
    STEP_SIGNAL,
    STEP_EXIT
};

enum transcript_option {
    TRANSCRIPT_FRESH = 1 << 0, /* a server of its own for each cut: the server ends or changes */
    TRANSCRIPT_UNCUT = 1 << 1, /* whole only: cut input cannot read the same, by its nature */
    TRANSCRIPT_LOOSE = 1 << 2, /* no PING at the end: what still comes is open */
    TRANSCRIPT_PEER_UNCUT = 1 << 3, /* as UNCUT, where the server is not ours: a flaw of theirs */
};

struct step {
    enum step_kind kind;
    int line;
    const char *peers; /* "A" or "A|B"; NULL for the server's steps */
    const char *text;  /* not yet expanded */
    bool first;        /* the first line of a group: of a choice, or of a message in a set */
};

struct token_claims {
    const char *name;
    const char *signer; /* "A:team": type and name of the key */
    char *claims;
};

struct transcript {
    const char *path;
    const char *title;
    unsigned options;
    char *text;
    char *config;
    struct step *steps;
    size_t step_count, step_cap;
    struct token_claims *tokens;
    size_t token_count;
    char error[256];
};

bool transcript_read(struct transcript *transcript, const char *path);
void transcript_fini(struct transcript *transcript);
