/*
 * How it flows: samples of one answer become one JSON value, and one statement does the
 * arithmetic for all of them under the locks of their epochs (sql/queries/usage.sql).
 */
#include "controlplane/domain/usage.h"

#include "api/base/check.h"

enum { INGEST_BATCH = 5000 };

const char *const usage_step_words[] = {"minute", "hour", "day", NULL};
const char *const usage_group_words[] = {"team", "account", "system", NULL};

/* What usage_ingest reads of a sample; times as text. */
#define T struct usage_sample
static const struct field sample_fields[] = {
    {"system_id", STRING_AT(T, system_id)},
    {"node_id", STRING_AT(T, node_id)},
    {"server_id", STRING_AT(T, server_id)},
    {"account_key", STRING_AT(T, account_key)},
    {"started_at", TIME_AT(T, started_at)},
    {"sampled_at", TIME_AT(T, sampled_at)},
    {"msgs_in", INT_AT(T, msgs_in)},
    {"bytes_in", INT_AT(T, bytes_in)},
    {"msgs_out", INT_AT(T, msgs_out)},
    {"bytes_out", INT_AT(T, bytes_out)},
    {"slow_consumers", INT_AT(T, slow_consumers)},
    {"connections", INT_AT(T, connections)},
    {"leaf_connections", INT_AT(T, leaf_connections)},
    {"subscriptions", INT_AT(T, subscriptions)},
};
#undef T
static const struct shape sample_shape = SHAPE(struct usage_sample, sample_fields);

#define T struct usage_bucket
static const struct field bucket_fields[] = {
    {"at", TIME_AT(T, at), FIELD_MS},
    {"msgs_in", INT_AT(T, msgs_in)},
    {"bytes_in", INT_AT(T, bytes_in)},
    {"msgs_out", INT_AT(T, msgs_out)},
    {"bytes_out", INT_AT(T, bytes_out)},
    {"slow_consumers", INT_AT(T, slow_consumers)},
    {"connections", INT_AT(T, connections)},
    {"leaf_connections", INT_AT(T, leaf_connections)},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"connection_seconds", INT_AT(T, connection_seconds)},
    {"leaf_seconds", INT_AT(T, leaf_seconds)},
    {"quality", STRING_AT(T, quality)},
};
#undef T
const struct shape usage_bucket_shape = SHAPE(struct usage_bucket, bucket_fields);

#define T struct usage_now
static const struct field now_fields[] = {
    {"connections", INT_AT(T, connections)},
    {"leaf_connections", INT_AT(T, leaf_connections)},
    {"subscriptions", INT_AT(T, subscriptions)},
    {"month_msgs_in", INT_AT(T, month_msgs_in)},
    {"month_bytes_in", INT_AT(T, month_bytes_in)},
    {"month_msgs_out", INT_AT(T, month_msgs_out)},
    {"month_bytes_out", INT_AT(T, month_bytes_out)},
    {"sampled_at", TIME_AT(T, sampled_at), FIELD_NULL | FIELD_MS},
};
#undef T
const struct shape usage_now_shape = SHAPE(struct usage_now, now_fields);

#define T struct usage_total
static const struct field total_fields[] = {
    {"group_id", STRING_AT(T, group_id)},
    {"group_name", STRING_AT(T, group_name)},
    {"msgs_in", INT_AT(T, msgs_in)},
    {"bytes_in", INT_AT(T, bytes_in)},
    {"msgs_out", INT_AT(T, msgs_out)},
    {"bytes_out", INT_AT(T, bytes_out)},
    {"connection_seconds", INT_AT(T, connection_seconds)},
    {"connections_peak", INT_AT(T, connections_peak)},
    {"quality", STRING_AT(T, quality)},
};
#undef T
const struct shape usage_total_shape = SHAPE(struct usage_total, total_fields);

#define T struct usage_gap
static const struct field gap_fields[] = {
    {"node_id", STRING_AT(T, node_id)},
    {"server_id", STRING_AT(T, server_id)},
    {"account_id", STRING_AT(T, account_id)},
    {"reason", STRING_AT(T, reason)},
    {"starts_at", TIME_AT(T, starts_at), FIELD_MS},
    {"ends_at", TIME_AT(T, ends_at), FIELD_MS},
    {"msgs_max", INT_AT(T, msgs_max)},
    {"bytes_max", INT_AT(T, bytes_max)},
};
#undef T
const struct shape usage_gap_shape = SHAPE(struct usage_gap, gap_fields);

static bool plausible(const struct usage_sample *sample)
{
    return sample->server_id != NULL && sample->node_id != NULL && sample->account_key != NULL &&
           sample->sampled_at > 0 && sample->msgs_in >= 0 && sample->bytes_in >= 0 &&
           sample->msgs_out >= 0 && sample->bytes_out >= 0 && sample->slow_consumers >= 0 &&
           sample->connections >= 0 && sample->leaf_connections >= 0 && sample->subscriptions >= 0;
}

static json_t *encode_sample(const struct usage_sample *sample)
{
    json_t *json = shape_encode(&sample_shape, sample);

    json_object_set_new(json, "quality", json_string(sample->exact ? "exact" : "bounded"));
    return json;
}

static enum result ingest(struct work *work, const struct usage_sample *samples, size_t count,
                          int64_t *written)
{
    json_t *all = json_array();
    enum result rc = OK;

    for (size_t i = 0; i < count && rc == OK; i++) {
        if (plausible(&samples[i]))
            json_array_append_new(all, encode_sample(&samples[i]));
        else
            rc = ERR_INVALID;
    }
    if (rc == OK)
        rc = db_get_int(work->db, SQL_usage_ingest, DB_ARGS(db_json(all)), written);
    json_decref(all);
    return rc;
}

enum result usage_ingest(struct work *work, const struct usage_sample *samples, size_t count,
                         int64_t *written)
{
    *written = 0;
    for (size_t at = 0; at < count; at += INGEST_BATCH) {
        size_t part = count - at < INGEST_BATCH ? count - at : INGEST_BATCH;
        int64_t rows = 0;
        enum result rc = ingest(work, samples + at, part, &rows);

        if (rc != OK)
            return rc;
        *written += rows;
    }
    return OK;
}

enum result usage_sampled(struct work *work, const char *node_id, int64_t sampled_at)
{
    return db_exec(work->db, SQL_usage_sampled, DB_ARGS(db_text(node_id), db_time(sampled_at)));
}

enum result usage_close_server(struct work *work, const char *server_id, int64_t ends_at,
                               bool clean, const char *reason)
{
    if (clean)
        return db_exec(work->db, SQL_usage_close_clean,
                       DB_ARGS(db_text(server_id), db_time(ends_at)));
    return db_exec(work->db, SQL_usage_close_with_gap,
                   DB_ARGS(db_text(server_id), db_time(ends_at), db_text(reason)));
}

enum result usage_roll_up(struct work *work)
{
    return db_exec(work->db, SQL_usage_roll_up, DB_NO_ARGS);
}

enum result usage_series(struct work *work, const char *account_id, int64_t from, int64_t to,
                         enum usage_step step, struct db_rows *out)
{
    return db_all(work->db, SQL_usage_series,
                  DB_ARGS(db_text(account_id), db_time(from), db_time(to),
                          db_text(usage_step_words[step]), db_integer(USAGE_BUCKETS_MAX)),
                  &usage_bucket_shape, work->arena, out);
}

enum result usage_now(struct work *work, const char *account_id, struct usage_now *out)
{
    return db_one(work->db, SQL_usage_now, DB_ARGS(db_text(account_id)), &usage_now_shape,
                  work->arena, out);
}

enum result usage_totals(struct work *work, enum usage_group group, int64_t from, int64_t to,
                         struct db_rows *out)
{
    static const enum statement statements[] = {
        [USAGE_BY_TEAM] = SQL_usage_totals_by_team,
        [USAGE_BY_ACCOUNT] = SQL_usage_totals_by_account,
        [USAGE_BY_SYSTEM] = SQL_usage_totals_by_system,
    };

    return db_all(work->db, statements[group], DB_ARGS(db_time(from), db_time(to)),
                  &usage_total_shape, work->arena, out);
}

enum result usage_gaps(struct work *work, const char *account_id, int64_t from, int64_t to,
                       struct db_rows *out)
{
    return db_all(work->db, SQL_usage_gaps,
                  DB_ARGS(db_text(account_id), db_time(from), db_time(to)), &usage_gap_shape,
                  work->arena, out);
}
