#include "controlplane/rest/usage_reads.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "controlplane/domain/usage.h"
#include "controlplane/rest/request.h"

#define ACCOUNT "/v1/accounts/{account}"

enum { DAY_S = 86400, METERS_MAX = 32 };

static const int64_t step_s[] = {[USAGE_MINUTE] = 60, [USAGE_HOUR] = 3600, [USAGE_DAY] = DAY_S};

/* "minute, hour, day" */
static const char *listed(struct rest_call *call, const char *const *words)
{
    const char *text = words[0];

    for (size_t i = 1; words[i] != NULL; i++)
        text = arena_printf(call->arena, "%s, %s", text, words[i]);
    return text;
}

static enum result one_of(struct rest_call *call, const char *name, const char *list)
{
    return refusal_set(call->work.refusal, REFUSAL_invalid_parameter, "%s must be one of: %s", name,
                       list);
}

static enum result word_of(struct rest_call *call, const char *name, const char *const *words,
                           int fallback, int *out)
{
    const char *text = router_query(call, name);

    *out = fallback;
    if (text == NULL)
        return OK;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return OK;
        }
    }
    return one_of(call, name, listed(call, words));
}

/* from and to; the last day when they are left out. */
static enum result read_span(struct rest_call *call, int64_t *from, int64_t *to)
{
    int64_t now = work_now(&call->work);
    enum result rc = router_query_time(call, "to", now, to);

    if (rc == OK)
        rc = router_query_time(call, "from", *to - DAY_S * NS_PER_S, from);
    if (rc == OK && *from >= *to)
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter, "from must be before to");
    return rc;
}

/* Of each bucket only these figures, its time and its quality; NULL: all. */
static json_t *encode_bucket(const struct usage_bucket *bucket, const char *meter)
{
    json_t *all = shape_encode(&usage_bucket_shape, bucket), *one;

    if (meter == NULL)
        return all;
    one = json_object();
    json_object_set(one, "at", json_object_get(all, "at"));
    json_object_set(one, meter, json_object_get(all, meter));
    json_object_set(one, "quality", json_object_get(all, "quality"));
    json_decref(all);
    return one;
}

static enum result check_meter(struct rest_call *call, const char *meter)
{
    const char *meters[METERS_MAX] = {NULL};
    size_t count = 0;

    if (meter == NULL)
        return OK;
    for (size_t i = 0; i < usage_bucket_shape.field_count; i++) {
        const struct field *field = &usage_bucket_shape.fields[i];

        if (field->kind != KIND_INT)
            continue;
        if (strcmp(field->name, meter) == 0)
            return OK;
        CHECK(count + 1 < METERS_MAX);
        meters[count++] = field->name;
    }
    return one_of(call, "meter", listed(call, meters));
}

static json_t *encode_rows(const struct db_rows *rows, const struct shape *shape)
{
    json_t *list = json_array();

    for (size_t i = 0; i < rows->count; i++)
        json_array_append_new(list,
                              shape_encode(shape, (const char *)rows->items + i * shape->size));
    return list;
}

static enum result series(struct rest_call *call)
{
    const char *meter = router_query(call, "meter");
    struct db_rows rows, gaps;
    json_t *tree, *list;
    int64_t from, to;
    int step;
    enum result rc = read_span(call, &from, &to);

    if (rc == OK)
        rc = word_of(call, "step", usage_step_words, USAGE_HOUR, &step);
    if (rc == OK)
        rc = check_meter(call, meter);
    if (rc != OK)
        return rc;
    if ((to - from) / NS_PER_S / step_s[step] > USAGE_BUCKETS_MAX)
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter,
                           "the span has more than %d steps", USAGE_BUCKETS_MAX);
    rc = usage_series(&call->work, call->account.resource.id, from, to, (enum usage_step)step,
                      &rows);
    if (rc == OK)
        rc = usage_gaps(&call->work, call->account.resource.id, from, to, &gaps);
    if (rc != OK)
        return rc;
    list = json_array();
    for (size_t i = 0; i < rows.count; i++)
        json_array_append_new(list,
                              encode_bucket((const struct usage_bucket *)rows.items + i, meter));
    tree = shape_own(call->arena, json_object());
    json_object_set_new(tree, "account_id", json_string(call->account.resource.id));
    json_object_set_new(tree, "step", json_string(usage_step_words[step]));
    json_object_set_new(tree, "buckets", list);
    json_object_set_new(tree, "gaps", encode_rows(&gaps, &usage_gap_shape));
    return router_reply_json(call, 200, tree);
}

static void set_share(json_t *shares, const char *name, int64_t used, struct optional_int limit)
{
    if (limit.value > 0)
        json_object_set_new(shares, name, json_integer(used * 100 / limit.value));
    else
        json_object_set_new(shares, name, json_null());
}

/* Of the figures; a node's clock may have been ahead when it was sampled. */
static json_t *age_s(struct work *work, int64_t sampled_at)
{
    int64_t age = (work_now(work) - sampled_at) / NS_PER_S;

    return sampled_at > 0 ? json_integer(age > 0 ? age : 0) : json_null();
}

static enum result current(struct rest_call *call)
{
    struct effective_limits effective = {0};
    struct usage_now now;
    json_t *tree, *shares;
    enum result rc = usage_now(&call->work, call->account.resource.id, &now);

    if (rc == OK && !call->account.is_system)
        rc = account_effective(&call->work, &call->account, &effective);
    if (rc != OK)
        return rc;
    tree = shape_own(call->arena, shape_encode(&usage_now_shape, &now));
    shares = json_object();
    set_share(shares, "connections", now.connections, effective.limits.connections);
    set_share(shares, "leaf_connections", now.leaf_connections, effective.limits.leaf_connections);
    set_share(shares, "subscriptions_total", now.subscriptions,
              effective.limits.subscriptions_total);
    set_share(shares, "monthly_bytes_soft", now.month_bytes_in + now.month_bytes_out,
              effective.limits.monthly_bytes_soft);
    set_share(shares, "monthly_bytes_hard", now.month_bytes_in + now.month_bytes_out,
              effective.limits.monthly_bytes_hard);
    json_object_set_new(tree, "quota_percent", shares);
    json_object_set_new(tree, "age_s", age_s(&call->work, now.sampled_at));
    return router_reply_json(call, 200, tree);
}

/* A field that begins like a formula is kept from being one. */
static void add_csv_text(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    if (text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL)
        buf_add_char(buf, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_add_char(buf, '"');
        buf_add_char(buf, *text);
    }
    buf_add_char(buf, '"');
}

static enum result reply_csv(struct rest_call *call, const struct db_rows *rows)
{
    struct buf buf = {0};
    enum result rc;

    buf_add_text(&buf, "group_id,group_name,msgs_in,bytes_in,msgs_out,bytes_out,"
                       "connection_seconds,connections_peak,quality\r\n");
    for (size_t i = 0; i < rows->count; i++) {
        const struct usage_total *total = (const struct usage_total *)rows->items + i;

        add_csv_text(&buf, or_empty(total->group_id));
        buf_add_char(&buf, ',');
        add_csv_text(&buf, or_empty(total->group_name));
        buf_printf(
            &buf, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\r\n",
            total->msgs_in, total->bytes_in, total->msgs_out, total->bytes_out,
            total->connection_seconds, total->connections_peak, or_empty(total->quality));
    }
    rc = router_reply_text(call, 200, "text/csv; charset=utf-8", buf_text(&buf));
    buf_fini(&buf);
    return rc;
}

/* Without a format: what Accept names first. */
static bool asks_for_csv(const struct rest_call *call)
{
    return slice_starts(slice_of(call->request->accept), SLICE("text/csv"));
}

static enum result totals(struct rest_call *call)
{
    static const char *const formats[] = {"json", "csv", NULL};
    struct db_rows rows;
    json_t *tree;
    int64_t from, to;
    int group, format;
    enum result rc = read_span(call, &from, &to);

    if (rc == OK)
        rc = word_of(call, "group_by", usage_group_words, USAGE_BY_ACCOUNT, &group);
    if (rc == OK)
        rc = word_of(call, "format", formats, asks_for_csv(call), &format);
    if (rc == OK)
        rc = usage_totals(&call->work, (enum usage_group)group, from, to, &rows);
    if (rc != OK)
        return rc;
    if (format == 1)
        return reply_csv(call, &rows);
    tree = shape_own(call->arena, json_object());
    json_object_set_new(tree, "group_by", json_string(usage_group_words[group]));
    json_object_set_new(tree, "items", encode_rows(&rows, &usage_total_shape));
    return router_reply_json(call, 200, tree);
}

const struct rest_route usage_reads_routes[] = {
    {"GET", ACCOUNT "/usage", "usage:read", NULL, series, "getAccountUsage", ROUTE_EXPENSIVE,
     "from to step meter"},
    {"GET", ACCOUNT "/usage:current", "usage:read", NULL, current, "getAccountUsageNow"},
    {"GET", "/v1/usage", "usage:all", NULL, totals, "getUsage", ROUTE_EXPENSIVE,
     "group_by from to format"},
    {0},
};
