/*
 * session_view: a session's figures and subscriptions, as monitoring and events show them.
 *
 * Ownership  texts are borrowed from the session.
 * Thread     the session's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session.h"

/* A peer's figures as /connz and the events show them; texts are borrowed from the session. */
struct session_snapshot {
    uint64_t cid;
    const char *kind, *type; /* "Client", "nats" */
    const char *host;
    uint16_t port;
    int64_t start_ns, active_ns, stop_ns; /* Unix time; stop 0: open */
    enum session_reason reason;
    int64_t rtt_ns; /* 0: not known */
    size_t pending_bytes;
    uint64_t in_msgs, in_bytes, out_msgs, out_bytes;
    uint64_t subscriptions;
    const char *name, *lang, *version; /* NULL: not given */
    bool logged_in;                    /* else the account is the one that peers begin in */
    const char *user, *account, *account_label;
    const char *jwt, *issuer_key, *name_tag; /* NULL: none; jwt is NULL for bearer tokens */
    struct strings tags;
    const char *nonce; /* NULL: none */
};
void session_snapshot(const struct session *session, struct session_snapshot *out);

/* A subscription as /connz and /subsz show it. */
struct session_sub_detail {
    struct slice subject, queue, sid;
    uint64_t msgs;
    uint64_t max; /* 0: none */
    uint64_t cid;
    const struct account *account;
};
void session_walk_subs(const struct session *session,
                       bool (*fn)(const struct session_sub_detail *detail, void *arg), void *arg);
/* False when the sub is no client's.  On the worker that owns it. */
bool session_sub_detail(const struct sub *sub, struct session_sub_detail *out);
