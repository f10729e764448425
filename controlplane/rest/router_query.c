/*
 * The parts of a request that handlers ask for: parameters of the path and of the query, the
 * common filters of lists, cursors.
 *
 * A cursor is "<expiry>.<id of the last item>.<keyed hash over both, the path, the filters and the
 * principal>", in base64url; so it is bound to the query it was made for.
 */
#include "controlplane/rest/router.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/base/base64.h"
#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"
#include "controlplane/rest/request.h"
#include "controlplane/rest/router_parts.h"

enum {
    LIST_LIMIT_DEFAULT = 50,
    LIST_LIMIT_MAX = 500,
    CURSOR_LIFE_S = 24 * 3600,
    CURSOR_MAX = 512,
    FILTER_MAX = 200,
};

static const char list_parameters[] =
    "limit cursor state label q created_after created_before updated_after";

/* --- parameters --------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool well_formed(struct slice text)
{
    size_t len;

    for (; text.len > 0; text = slice_from(text, len)) {
        len = slice_utf8(text);
        if (len == 0)
            return false;
    }
    return true;
}

/* Percent-decoding; NULL for a broken escape, a 0 byte, or no UTF-8.  plus: '+' is a blank. */
const char *router_decode(struct arena *arena, struct slice text, bool plus)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '%') {
            int high = i + 1 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[len++] = c;
    }
    return well_formed(slice_make(out, len)) ? out : NULL;
}

const char *router_param(const struct rest_call *call, const char *name)
{
    for (size_t i = 0; i < ROUTE_PARAMS_MAX && call->names[i] != NULL; i++) {
        if (strcmp(call->names[i], name) == 0)
            return call->params[i];
    }
    return NULL;
}

/* The n-th value of that name, decoded; NULL beyond the last. */
static const char *query_value(const struct rest_call *call, const char *name, size_t index)
{
    struct slice rest = slice_of(call->query), part, key;

    if (slice_empty(rest))
        return NULL;
    while (slice_cut(&rest, '&', &part)) {
        struct slice value = part;

        if (!slice_cut(&value, '=', &key) || !slice_equal(key, slice_of(name)) || index-- > 0)
            continue;
        return router_decode(call->arena, value.data != NULL ? value : SLICE(""), true);
    }
    return NULL;
}

const char *router_query(const struct rest_call *call, const char *name)
{
    return query_value(call, name, 0);
}

static enum result bad_parameter(struct rest_call *call, const char *name, const char *wanted)
{
    return refusal_set(call->work.refusal, REFUSAL_invalid_parameter, "%s must be %s", name,
                       wanted);
}

enum result router_query_int(struct rest_call *call, const char *name, int64_t min, int64_t max,
                             int64_t fallback, int64_t *out)
{
    const char *text = router_query(call, name);
    uint64_t value;

    *out = fallback;
    if (text == NULL)
        return OK;
    if (!slice_uint(slice_of(text), (uint64_t)max, &value) || (int64_t)value < min)
        return bad_parameter(call, name,
                             arena_printf(call->arena, "a number from %lld to %lld", (long long)min,
                                          (long long)max));
    *out = (int64_t)value;
    return OK;
}

enum result router_query_time(struct rest_call *call, const char *name, int64_t fallback,
                              int64_t *out)
{
    const char *text = router_query(call, name);

    *out = fallback;
    if (text != NULL && clock_parse(text, out) != 0)
        return bad_parameter(call, name, "a time such as 2026-11-23T01:40:00Z");
    return OK;
}

enum result router_query_bool(struct rest_call *call, const char *name, bool *out)
{
    const char *text = router_query(call, name);

    *out = text != NULL && strcmp(text, "true") == 0;
    if (text != NULL && !*out && strcmp(text, "false") != 0)
        return bad_parameter(call, name, "true or false");
    return OK;
}

/* Is `name` one of the words of `list`? */
static bool listed(const char *list, struct slice name)
{
    struct slice rest = slice_of(list), word;

    while (list != NULL && slice_cut(&rest, ' ', &word)) {
        if (slice_equal(word, name))
            return true;
    }
    return false;
}

static enum result check_known(struct rest_call *call)
{
    struct slice rest = slice_of(call->query), part, key;

    if (slice_empty(rest))
        return OK;
    while (slice_cut(&rest, '&', &part)) {
        struct slice value = part;
        const char *name;

        if (slice_empty(part) || !slice_cut(&value, '=', &key))
            continue;
        if (((call->route->flags & ROUTE_LIST) && listed(list_parameters, key)) ||
            listed(call->route->query, key)) {
            if (router_decode(call->arena, value.data != NULL ? value : SLICE(""), true) == NULL)
                return bad_parameter(call, arena_copy(call->arena, key), "percent-encoded text");
            continue;
        }
        name = arena_copy(call->arena, key.len <= FILTER_MAX ? key : slice_make(key.data, 20));
        return refusal_set(call->work.refusal, REFUSAL_unknown_filter,
                           "the parameter %s is not known here", name);
    }
    return OK;
}

/* label=k:v, repeatable. */
static enum result read_labels(struct rest_call *call)
{
    json_t *labels = NULL;
    const char *text;

    for (size_t i = 0; (text = query_value(call, "label", i)) != NULL; i++) {
        struct slice value = slice_of(text), key;

        if (i == RESOURCE_LABELS_MAX)
            return bad_parameter(call, "label", "sent at most 64 times");
        if (!slice_cut(&value, ':', &key) || slice_empty(key) || value.data == NULL)
            return bad_parameter(call, "label", "key:value");
        if (labels == NULL)
            labels = shape_own(call->arena, json_object());
        if (json_object_setn_new(labels, key.data, key.len, json_stringn(value.data, value.len)) !=
            0)
            return bad_parameter(call, "label", "UTF-8 text");
    }
    call->list.labels = labels;
    return OK;
}

/* --- cursors ------------------------------------------------------------------------------ */

/* What a cursor is bound to: everything of the query but limit and cursor. */
static void cursor_hash(const struct rest_call *call, int64_t expiry, const char *id,
                        char out[VAULT_HASH_LEN + 1])
{
    struct slice rest = slice_of(call->query), part;
    struct buf text;

    buf_init(&text, 64 << 10);
    buf_printf(&text, "%lld\n%s\n%s\n%s\n", (long long)expiry, id, call->path,
               call->who.token_id != NULL ? call->who.token_id : "");
    while (!slice_empty(rest) && slice_cut(&rest, '&', &part)) {
        if (slice_starts(part, SLICE("limit=")) || slice_starts(part, SLICE("cursor=")))
            continue;
        buf_add_slice(&text, part);
        buf_add_char(&text, '\n');
    }
    vault_hash(call->work.tools->vault, "cursor", buf_slice(&text), out);
    buf_fini(&text);
}

const char *router_cursor(const struct rest_call *call, const char *id)
{
    int64_t expiry = clock_wall_ns(call->work.tools->clock) / NS_PER_S + CURSOR_LIFE_S;
    char hash[VAULT_HASH_LEN + 1];
    const char *plain;
    char *out;

    cursor_hash(call, expiry, id, hash);
    plain = arena_printf(call->arena, "%lld.%s.%s", (long long)expiry, id, hash);
    out = arena_alloc(call->arena, BASE64URL_LEN(strlen(plain)) + 1);
    base64url_encode(plain, strlen(plain), out);
    return out;
}

static enum result read_cursor(struct rest_call *call, const char *cursor)
{
    char plain[CURSOR_MAX], hash[VAULT_HASH_LEN + 1];
    struct slice rest, expiry_text, id;
    uint64_t expiry;
    size_t len;

    if (base64url_decode(slice_of(cursor), plain, sizeof(plain), &len) != OK)
        goto invalid;
    rest = slice_make(plain, len);
    if (!slice_cut(&rest, '.', &expiry_text) || !slice_uint(expiry_text, INT64_MAX, &expiry) ||
        !slice_cut(&rest, '.', &id) || rest.len != VAULT_HASH_LEN)
        goto invalid;
    call->list.after = arena_copy(call->arena, id);
    cursor_hash(call, (int64_t)expiry, call->list.after, hash);
    if (sodium_memcmp(hash, rest.data, VAULT_HASH_LEN) != 0 ||
        (int64_t)expiry < clock_wall_ns(call->work.tools->clock) / NS_PER_S)
        goto invalid;
    return OK;

invalid:
    return refusal_set(call->work.refusal, REFUSAL_cursor_invalid,
                       "the cursor is not one of this list, or is older than 24 hours");
}

static enum result read_list(struct rest_call *call)
{
    const char *cursor = router_query(call, "cursor");
    struct list_query *list = &call->list;
    enum result rc;

    rc = router_query_int(call, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT_DEFAULT, &list->limit);
    if (rc == OK)
        rc = router_query_time(call, "created_after", 0, &list->created_after);
    if (rc == OK)
        rc = router_query_time(call, "created_before", 0, &list->created_before);
    if (rc == OK)
        rc = router_query_time(call, "updated_after", 0, &list->updated_after);
    if (rc == OK)
        rc = read_labels(call);
    list->limit++; /* one more, to know whether there are more */
    list->state = router_query(call, "state");
    list->q = router_query(call, "q");
    if (rc == OK && ((list->state != NULL && strlen(list->state) > FILTER_MAX) ||
                     (list->q != NULL && strlen(list->q) > FILTER_MAX)))
        rc = bad_parameter(call, "state and q", "at most 200 characters");
    if (rc == OK && cursor != NULL)
        rc = read_cursor(call, cursor);
    return rc;
}

enum result router_read_query(struct rest_call *call)
{
    enum result rc = check_known(call);

    if (rc == OK && (call->route->flags & ROUTE_LIST))
        rc = read_list(call);
    return rc;
}
