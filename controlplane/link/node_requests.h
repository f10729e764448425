/*
 * node_requests: what is asked of a node over its link: who it is, what it holds, what it counted.
 *
 * Ownership  answers live in the arena.
 * Thread     any; each blocks up to timeout_ms.
 * Errors     as system_link_gather; ERR_CORRUPT: an answer that cannot be read; ERR_DENIED: the
 *            node answered with an error.
 */
#pragma once

#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/nats/sys_document.h"
#include "api/nats/sys_monitor.h"
#include "controlplane/link/system_link.h"

/* VARZ of the node at the other end of this link. */
struct node_varz {
    struct sys_server server;
    struct sys_varz varz;
};
enum result node_request_varz(struct system_link *link, int64_t timeout_ms, struct arena *arena,
                              struct node_varz *out) MUST_CHECK;

/* The account ids it has stored.  ERR_NOT_FOUND: it has no store (memory resolver). */
enum result node_request_list(struct system_link *link, int64_t timeout_ms, struct arena *arena,
                              struct strings *out) MUST_CHECK;

/*
 * What it has stored, unless `digest` (32 bytes: XOR of SHA-256 of each token) says that it is
 * what we expect: then *equal.  One node of a cluster answers, whichever it is.
 */
struct packed_jwt {
    const char *account_key, *jwt;
};
struct packed_jwts {
    struct packed_jwt *items;
    size_t count, cap;
};
enum result node_request_pack(struct system_link *link, const uint8_t digest[32],
                              int64_t timeout_ms, struct arena *arena, bool *equal,
                              struct packed_jwts *out) MUST_CHECK;

/* CLAIMS.DELETE with a request signed by the operator. */
enum result node_request_delete(struct system_link *link, const char *request_jwt,
                                int64_t timeout_ms, struct arena *arena,
                                struct sys_claims_reply *out) MUST_CHECK;

/* Live client connections of an account on the node at the other end. */
enum result node_request_connections(struct system_link *link, const char *account_key,
                                     int64_t timeout_ms, struct arena *arena,
                                     int64_t *out) MUST_CHECK;

/* The same of users whose credentials were signed by one of the account's signing keys. */
enum result node_request_signed_by(struct system_link *link, const char *account_key,
                                   const char *signing_key, int64_t timeout_ms, struct arena *arena,
                                   int64_t *out) MUST_CHECK;

/* What JetStream holds of an account on the node at the other end; nothing where it is not enabled.
 */
struct node_assets {
    int64_t streams, bytes;
};
enum result node_request_assets(struct system_link *link, const char *account_key,
                                int64_t timeout_ms, struct arena *arena,
                                struct node_assets *out) MUST_CHECK;

/* PING.STATZ of all nodes that can be reached over this link; fn for each answer. */
struct node_statz {
    struct sys_server server;
    struct sys_account_statz statz;
};
enum result node_request_statz(struct system_link *link, int64_t timeout_ms, struct arena *arena,
                               enum system_link_more (*fn)(const struct node_statz *statz,
                                                           void *arg),
                               void *arg) MUST_CHECK;
