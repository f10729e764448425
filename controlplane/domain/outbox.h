/*
 * outbox: changes the nodes have yet to hear of.
 *
 * At most one open row for each account: a newer revision replaces the older one in its row, so
 * only the newest is ever in flight (PSH-05).  A row is closed by outbox_done with the revision
 * that was delivered, and stays open if a newer one came meanwhile.
 *
 * The dispatcher (controlplane/job) works like this: outbox_claim in a short transaction; push
 * outside of any; record what each node said (nats_system.h: sync_...) and outbox_done or
 * outbox_retry in another.  A claim is a lease: whoever dies loses it, outbox_renew keeps it.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     ERR_CONFLICT: the lease was lost to another worker.
 */
#pragma once

#include "controlplane/domain/work.h"

/* Why claims were made anew, as their revision says it: these took somebody's access away. */
#define REASON_REVOKED "revocation"
#define REASON_CREDENTIAL_REVOKED "credential revoked"
#define REASON_USER_DISABLED "user disabled"
#define REASON_USER_DELETED "user deleted"

struct outbox_row {
    int64_t outbox_id;
    const char *account_id, *team_id, *system_id, *public_key;
    int64_t revision; /* that was newest when claimed */
    const char *jwt, *jti;
    int64_t iat;
    bool is_tombstone; /* the account is being deleted: see operation.h */
    int64_t attempts;
    int64_t created_at;
    int64_t lease_epoch; /* the fence: changes with each claim */
};
extern const struct shape outbox_row_shape;

/* Part of the transaction of the change.  Sets WAKE_OUTBOX. */
enum result outbox_add(struct work *work, const char *account_id, int64_t revision) MUST_CHECK;

/* Due rows of a system (NULL: any) whose lease is free, oldest first; leases them for lease_s. */
enum result outbox_claim(struct work *work, const char *system_id, int64_t limit, int64_t lease_s,
                         struct db_rows *out) MUST_CHECK;
enum result outbox_renew(struct work *work, const struct outbox_row *row,
                         int64_t lease_s) MUST_CHECK;
/* row->revision has reached every node that must have it. */
enum result outbox_done(struct work *work, const struct outbox_row *row) MUST_CHECK;
/* Before outbox_done: how long the nodes have waited for it. */
struct outbox_wait {
    bool revoked; /* false: the whole row; true: one revision in it that revoked something */
    int64_t us;
};
/* struct outbox_wait; the row's own first. */
enum result outbox_waits(struct work *work, const struct outbox_row *row,
                         struct db_rows *out) MUST_CHECK;
/* Not yet: again after delay_ms; a change of the account comes at once in any case. */
enum result outbox_retry(struct work *work, const struct outbox_row *row, int64_t delay_ms,
                         const char *error) MUST_CHECK;
/* A node came (back) or something was found amiss: this account is due now. */
enum result outbox_poke(struct work *work, const char *account_id) MUST_CHECK;
/* All open rows of a system are due now (a node came back). */
enum result outbox_poke_system(struct work *work, const char *system_id) MUST_CHECK;

/* Whatever a node is not known to hold, and has no open row, gets one. */
enum result outbox_poke_behind(struct work *work, const char *node_id) MUST_CHECK;

struct outbox_depth {
    int64_t depth, oldest_s;
};
enum result outbox_depth(struct work *work, struct outbox_depth *out) MUST_CHECK;

/* Milliseconds until the next row is due, -1 if there is none: how long a dispatcher may sleep. */
enum result outbox_next_ms(struct work *work, int64_t *out) MUST_CHECK;

/* LISTEN on this connection / tell the listeners of other replicas; once for a batch. */
enum result outbox_listen(struct db *db) MUST_CHECK;
enum result outbox_notify(struct db *db) MUST_CHECK;
