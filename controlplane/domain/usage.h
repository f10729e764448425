/*
 * usage: from counters to a ledger.
 *
 * A sample is what one node said about one account at one time: counters since the node's start
 * and gauges.  usage_ingest finds the open epoch of (server id, account), opens a new one when a
 * counter went back, and writes the difference into the ledger: once for each sample, whatever
 * is repeated, late or told by two collectors.  What the ledger cannot know is a gap with its
 * bound.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     ERR_INVALID: a sample that cannot be (negative, unknown node).
 */
#pragma once

#include "controlplane/domain/resource.h"

struct usage_sample {
    const char *system_id, *node_id, *server_id;
    const char *account_key; /* an account that is not ours is left out */
    int64_t started_at;      /* of the node's process */
    int64_t sampled_at;      /* the node's clock, corrected by its skew */
    /* Client side only: totals without routes, gateways and leaf nodes (MTR-01). */
    int64_t msgs_in, bytes_in, msgs_out, bytes_out, slow_consumers;
    int64_t connections, leaf_connections, subscriptions; /* gauges */
    bool exact; /* false: the node could not tell client traffic apart */
};

/* Samples of one answer, each once.  *written: ledger rows made. */
enum result usage_ingest(struct work *work, const struct usage_sample *samples, size_t count,
                         int64_t *written) MUST_CHECK;

/* A node has told all of its accounts at this time: whom it did not name, it did not have. */
enum result usage_sampled(struct work *work, const char *node_id, int64_t sampled_at) MUST_CHECK;

/*
 * A node's process is gone: closes its epochs.  clean: it said goodbye after its last sample, or
 * its successor carried its counters on; else each epoch leaves a gap from its last sample to
 * ends_at, bounded by the highest rate seen on the node, bursts included (MTR-05).
 */
enum result usage_close_server(struct work *work, const char *server_id, int64_t ends_at,
                               bool clean, const char *reason) MUST_CHECK;

/* Rebuilds usage_hour for the hours touched since the last call. */
enum result usage_roll_up(struct work *work) MUST_CHECK;

enum usage_step { USAGE_MINUTE, USAGE_HOUR, USAGE_DAY };
extern const char *const usage_step_words[];

struct usage_bucket {
    int64_t at;
    int64_t msgs_in, bytes_in, msgs_out, bytes_out, slow_consumers;
    int64_t connections, leaf_connections, subscriptions; /* peaks of the bucket */
    int64_t connection_seconds, leaf_seconds;
    const char *quality; /* exact, bounded, gap */
};
extern const struct shape usage_bucket_shape;
/* [from, to); at most USAGE_BUCKETS_MAX buckets. */
enum { USAGE_BUCKETS_MAX = 10080 };
enum result usage_series(struct work *work, const char *account_id, int64_t from, int64_t to,
                         enum usage_step step, struct db_rows *out) MUST_CHECK;

struct usage_now {
    int64_t connections, leaf_connections, subscriptions;
    int64_t month_msgs_in, month_bytes_in, month_msgs_out, month_bytes_out;
    int64_t sampled_at; /* the oldest of the newest: how old this is; 0: no node was asked yet */
};
extern const struct shape usage_now_shape;
enum result usage_now(struct work *work, const char *account_id, struct usage_now *out) MUST_CHECK;

enum usage_group { USAGE_BY_TEAM, USAGE_BY_ACCOUNT, USAGE_BY_SYSTEM };
extern const char *const usage_group_words[];
struct usage_total {
    const char *group_id, *group_name;
    int64_t msgs_in, bytes_in, msgs_out, bytes_out, connection_seconds, connections_peak;
    const char *quality;
};
extern const struct shape usage_total_shape;
enum result usage_totals(struct work *work, enum usage_group group, int64_t from, int64_t to,
                         struct db_rows *out) MUST_CHECK;

struct usage_gap {
    const char *node_id, *server_id, *account_id, *reason;
    int64_t starts_at, ends_at, msgs_max, bytes_max;
};
extern const struct shape usage_gap_shape;
enum result usage_gaps(struct work *work, const char *account_id, int64_t from, int64_t to,
                       struct db_rows *out) MUST_CHECK;
