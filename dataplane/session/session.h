/*
 * session: one peer on one connection: its state, and what is said to it.
 *
 *     NEW -> GREETED (INFO is out) -> LOGIN (auth is thinking) -> READY -> CLOSING
 *
 * From LOGIN it goes through DROPPING where subscriptions of before must go first.
 *
 * A session may do without CONNECT where no log-in is required; it then stays GREETED and is in
 * $G.  What differs between kinds of peer (client; later leaf node, route) is in session_kind.
 *
 * How it begins: session_open.h; logs in: login.h; speaks: client.h; ends: session_end.h.
 *
 * Ownership  a session owns its conn, its identity and its subscriptions; it frees itself in
 *            the turn after its conn is closed.
 * Thread     its worker's.  It moves at most once, at log-in, while it has no subscription.
 * Errors     told to the peer: session_error, or session_fail (session_end.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "api/base/map.h"
#include "api/base/result.h"
#include "api/nats/parser.h"
#include "dataplane/account/deliver.h"
#include "dataplane/auth/auth.h"
#include "dataplane/core/conn.h"

/* Why a session ended; the texts are read by tools (connz, events). */
enum session_reason {
    SESSION_OPEN,
    SESSION_CLIENT_CLOSED,
    SESSION_AUTH_TIMEOUT,
    SESSION_AUTH_FAILURE,
    SESSION_SLOW_PENDING,
    SESSION_SLOW_DEADLINE,
    SESSION_WRITE_ERROR,
    SESSION_READ_ERROR,
    SESSION_PARSE_ERROR,
    SESSION_STALE,
    SESSION_PROTOCOL_VIOLATION,
    SESSION_BAD_PROTOCOL_VERSION,
    SESSION_MAX_CONNECTIONS,
    SESSION_MAX_ACCOUNT_CONNECTIONS,
    SESSION_MAX_PAYLOAD,
    SESSION_MAX_CONTROL_LINE,
    SESSION_MAX_SUBSCRIPTIONS,
    SESSION_SHUTDOWN,
    SESSION_EXPIRED,
    SESSION_MISSING_ACCOUNT,
    SESSION_REVOKED,
    SESSION_NO_RESPONDERS,
    SESSION_KICKED,
    SESSION_REASONS
};
/* "Client Closed", "Slow Consumer (Pending Bytes)", ... */
const char *session_reason_text(enum session_reason reason);

enum session_state {
    SESSION_NEW,
    SESSION_GREETED,
    SESSION_LOGIN,
    SESSION_READY,
    SESSION_DROPPING, /* from here on nothing is delivered to it */
    SESSION_CLOSING,
    SESSION_STATES
};

/* What verbs cost, in deliveries (worker_charge); a subscription also client_sub_work. */
enum { SUB_WORK = 24, RIGHT_WORK = 16, CONNECT_WORK = 256 };

struct session;
struct session_table;
struct session_set;
struct session_side;
struct reply_rights;
struct client_sub;

/* What a peer of one kind may say and what becomes of it. */
typedef void (*session_verb_fn)(struct session *session, const struct parser_event *event);
struct session_kind {
    const char *name;             /* "Client" */
    const session_verb_fn *verbs; /* [VERB_COUNT]; what is left out may not be said */
    uint32_t verb_set;
};

enum {
    SESSION_VERBOSE = 1 << 0,
    SESSION_PEDANTIC = 1 << 1,
    SESSION_ECHO = 1 << 2,
    SESSION_HEADERS = 1 << 3,    /* the peer understands HPUB and HMSG */
    SESSION_RESPONDERS = 1 << 4, /* it wants to hear when there are none */
    SESSION_MUST_LOGIN = 1 << 5, /* nothing but CONNECT is listened to */
    SESSION_CONNECTED = 1 << 6,  /* CONNECT was accepted */
    SESSION_FIRST_PONG = 1 << 7, /* the PONG to its first PING after CONNECT is out */
    SESSION_IN_ACCOUNT = 1 << 8, /* counted by its account */
    SESSION_TRACE = 1 << 9,
    SESSION_PINGED = 1 << 10,    /* we have sent a PING */
    SESSION_PLACED = 1 << 11,    /* its worker was chosen */
    SESSION_PAUSED = 1 << 12,    /* its conn is, by us */
    SESSION_MOVING = 1 << 13,    /* on its way to another worker */
    SESSION_CONN_GONE = 1 << 15, /* only its subscriptions are left */
    SESSION_COUNTED = 1 << 14,   /* a row of its account counts it on this worker */
};

/* sid -> subscription: open addressing. */
struct session_subs {
    struct client_sub **slots;
    uint32_t cap, count; /* cap is 0 or a power of two */
};

/* What a publisher said last; made with its first PUB. */
struct session_memo {
    struct publish_memo publish;
    uint32_t allowed_len; /* of the subject that passed all checks; 0: none */
    char allowed[64];
};

struct session {
    struct conn conn;
    struct sub_owner owner; /* what our subscriptions share */
    const struct session_kind *kind;
    struct session_set *set;             /* of the worker that owns us */
    struct account *account;             /* a reference; $G until log-in says otherwise */
    struct account_counters *counters;   /* this worker's row of account */
    const struct permission *permission; /* of identity; NULL: all is permitted */
    uint16_t flags;
    uint8_t state;
    uint8_t reason; /* once ending */
    uint8_t protocol;
    uint8_t pings_out;
    struct parser parser;
    struct session_subs subs;
    struct session_memo *memo;
    struct reply_rights *replies; /* allow_responses; NULL without */
    uint64_t cid;
    uint64_t in_msgs, in_bytes, out_msgs, out_bytes;
    int64_t subs_max;  /* in force; -1: no limit */
    int64_t active_ns; /* monotonic: last input or delivery */
    int64_t input_ns;  /* monotonic: last input */
    int64_t ping_ns;   /* monotonic: our last PING; before: when it connected */
    int64_t rtt_ns;    /* 0: not known */

    struct list link;             /* in set->sessions, oldest first */
    struct map_link by_cid;       /* in set->by_cid */
    struct timer timer;           /* log-in deadline, then pings */
    struct timer expiry;          /* of identity or account */
    struct auth_attempt *attempt; /* while SESSION_LOGIN, if it takes time */
    struct identity *identity;    /* NULL before log-in */
    uint64_t terms_seen;          /* account->generation when limits were applied */
    struct session_side *side;    /* what is rarely looked at */
    struct reclaim_node retire;   /* at the end: deliveries may still read `owner` */
    int64_t start_ns;             /* Unix time */
};

/* Rarely looked at. */
struct session_side {
    const char *name, *lang, *version; /* of CONNECT; NULL: not given */
    const char *claimed;               /* who it says it is; NULL: nobody, or let in */
    const char *claimed_as;            /* "User", "Nkey", "Token" */
    char *texts;                       /* where they lie */
    char host[64];
    uint16_t port;
    char nonce[16];        /* "": none */
    struct identity *next; /* while SESSION_DROPPING: who it will be */
    bool legacy_account;   /* CONNECT named an account: refused */
    bool said_connect;     /* not let in without a word */
};

/*
 * How log lines begin: "127.0.0.1:51234 - cid:7", then what CONNECT said and who it is, once that
 * is known: ' - "v1.2:go:name" - "ACCOUNT/user:NAME"'.
 */
enum { SESSION_TAG_MAX = 512 }; /* more than its parts can be, every quote escaped */
const char *session_tag(const struct session *session, char out[SESSION_TAG_MAX]);

/* -ERR '<text>', the connection stays. */
void session_error(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* +OK if the peer wants it. */
void session_ok(struct session *session);
/* To another state; refuses moves that cannot be. */
void session_move(struct session *session, enum session_state next);

/* A protocol line in the trace log: "<<- [PUB foo 2]"; CONNECT without its secrets. */
void session_trace_in(const struct session *session, enum verb verb, struct slice text);
void session_trace_out(const struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
