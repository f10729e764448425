/*
 * claims_push: account claims out; who stored and who applied them.
 *
 * The token goes to every link of a system at once; answers are counted by server id, so a node
 * that answered over another's connection is not asked again, and a node that nobody reached is
 * missing (PSH-08).  A node of ours says in its answer whether the claims are applied; a stock
 * node is asked with INFO afterwards (CNF-01).
 *
 * Ownership  answers live in the arena.
 * Thread     any; blocks until all have answered or the time is over.
 * Errors     none: what went wrong is in the answers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "controlplane/link/link_set.h"

/* PSH-06: what a refusal means. */
enum push_class {
    PUSH_OK,
    PUSH_SKIPPED,       /* the node does not keep this account: not an error */
    PUSH_STORE_FULL,    /* "jwt store is full" */
    PUSH_SIGNER_POLICY, /* the issuer must be a signing key, or is not trusted */
    PUSH_INVALID,       /* validation failed, subject mismatch, malformed */
    PUSH_STALE,         /* the node holds a newer token */
    PUSH_IO,            /* the node could not write */
    PUSH_UNKNOWN,
};
/* "ok", "store_full", ... */
const char *push_class_text(enum push_class class);
/* From the description that the node gave. */
enum push_class push_classify(const char *description);

enum push_applied {
    APPLIED_UNKNOWN,    /* nobody said */
    APPLIED_YES,        /* in force */
    APPLIED_INCOMPLETE, /* in force but for imports whose exporter is not there (yet) */
    APPLIED_NOT_LOADED  /* stored; no client has asked for the account yet */
};

struct push_answer {
    const char *server_id, *server_name;
    enum push_class class;
    enum push_applied applied;
    const char *text; /* of a refusal; with APPLIED_INCOMPLETE which imports */
};

/* One token for the nodes of one system. */
struct claims_push {
    const char *account_key, *jwt, *jti; /* given */
    struct {
        struct push_answer *items;
        size_t count;
    } answers;
    struct arena *arena;
    size_t expected; /* given: how many nodes can answer; each link's own is waited for anyway */
};

/* Pushes all of them to all links, in parallel. */
void claims_push_all(struct claims_push *pushes, size_t count, const struct link_taken *links,
                     size_t link_count, int64_t timeout_ms);
