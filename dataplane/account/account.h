/*
 * account: a tenant: its sublist, limits, counters and claims.
 *
 * Ownership  reference counted: sessions, the table and pending work hold one each; the last
 *            unref retires it (on another thread than a worker: by mail to worker 0).
 * Thread     counters: each worker its own row, summed by the reader.  Limits and claims are a
 *            struct account_terms that is swapped whole; the old one is retired.  Connection
 *            counts: atomics.
 * Errors     none.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/base/map.h"
#include "api/base/result.h"
#include "api/base/slice.h"
#include "dataplane/account/permission.h"
#include "dataplane/account/sublist.h"
#include "dataplane/core/worker.h"

/* What the claims (or the configuration) grant; -1: no limit. */
struct account_terms {
    int64_t connections, leafs, subscriptions, payload;
    bool disallow_bearer;
    struct permission_rules default_permissions; /* strings live in `claims`' arena */
    bool has_default_permissions;
    int64_t expires_at_s;                /* 0: never */
    int64_t issued_at_s;                 /* iat; 0 without a JWT */
    int64_t updated_ns;                  /* Unix time they came into force; 0: at start */
    const char *jti;                     /* NULL without a JWT */
    const char *jwt;                     /* the token, NULL without */
    const char *label;                   /* name in the claims; NULL: as the account's */
    const struct account_claims *claims; /* api/nats/claims.h; NULL without */
    void *owner;                         /* what holds the strings; freed by free_owner */
    void (*free_owner)(void *owner);
    struct reclaim_node retire;
};

/*
 * One worker's counters of one account; on lines of their own.  Only that worker writes them
 * (counter_add); out_msgs and out_bytes are deliver.c's, the others the session's.
 */
struct account_counters {
    _Alignas(64) _Atomic uint64_t in_msgs; /* published by its clients */
    _Atomic uint64_t in_bytes;             /* payload and headers */
    _Atomic uint64_t out_msgs, out_bytes;  /* delivered to its clients */
    _Atomic uint64_t slow_consumers;
    _Atomic uint64_t sessions; /* here now: where new ones of the account go too */
};

/* By the one thread that writes this counter: no locked instruction. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* Summed over workers. */
struct account_totals {
    uint64_t in_msgs, in_bytes, out_msgs, out_bytes, slow_consumers;
};

struct account {
    struct map_link link; /* in the table, by name */
    const char *name;     /* public key in operator mode, else the configured name */
    _Atomic uint32_t refs;
    _Atomic(struct account_terms *) terms;
    struct sublist *sublist;
    struct workers *workers;           /* NULL: none runs (tests, after the end) */
    struct account_counters *counters; /* [rows]: by worker index */
    unsigned rows;
    atomic_int_fast64_t connections; /* clients now */
    atomic_int_fast64_t leafs;
    _Atomic uint64_t connections_total;
    _Atomic uint64_t generation; /* raised when terms change: caches of verdicts look at it */
    bool system;                 /* the system account */
    bool global;                 /* $G */
    _Atomic bool removed;        /* deleted: nobody may come in */
    struct reclaim_node retire;
};

/* One reference; everything is unlimited until terms are set.  workers may be NULL: no worker
 * runs while the account lives, and there is one row of counters. */
struct account *account_new(struct workers *workers, const char *name);
struct account *account_ref(struct account *account);
void account_unref(struct account *account);

/* Name for people: in the claims, else the account's; valid as the terms. */
const char *account_label(const struct account *account);

/* The terms in force; valid until the end of the caller's turn. */
const struct account_terms *account_terms(const struct account *account);
/* Takes the terms over; the old ones are retired.  On a worker. */
void account_set_terms(struct account *account, struct account_terms *terms);
/* Deleted: nobody may come in; who is in goes with session_table_apply.  any thread */
void account_set_removed(struct account *account);
struct account_terms *account_terms_new(void); /* all unlimited */
void account_terms_free(struct account_terms *terms);

/* Takes a place if the limit allows; given back by account_leave. */
bool account_enter(struct account *account);
void account_leave(struct account *account);

/* Sums over the workers.  any thread */
void account_totals(const struct account *account, struct account_totals *out);
