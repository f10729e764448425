#include "controlplane/link/node_requests.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/clock.h"

enum { CONNECTIONS_PAGE = 256 }; /* each comes with its JWT, some hundred bytes to 4 KiB */

/* The answer of the node at the other end, which is not the only one to hear some questions. */
struct one {
    struct arena *arena;
    const struct shape *shape;
    void *document;
    const struct sys_server *server; /* in the document, as every kind of answer has them */
    struct sys_error *const *error;
    char server_id[NKEY_PUBLIC_MAX];
    enum result rc;
};
#define ONE(arena, shape, document)                                            \
    {                                                                          \
        (arena), &(shape), (document), &(document)->server, &(document)->error \
    }

static enum system_link_more on_one(struct slice body, void *arg)
{
    struct one *one = arg;
    struct shape_error error;

    if (shape_decode_text(one->shape, body, SHAPE_LENIENT, one->arena, one->document, &error) !=
        OK) {
        one->rc = ERR_CORRUPT;
        return LINK_ENOUGH;
    }
    if (one->server->id == NULL || strcmp(one->server->id, one->server_id) != 0)
        return LINK_MORE;
    one->rc = *one->error != NULL ? ERR_DENIED : OK;
    return LINK_ENOUGH;
}

static enum result ask_one(struct system_link *link, const char *subject, struct slice body,
                           int64_t timeout_ms, struct one *one)
{
    enum result rc;

    system_link_server_id(link, one->server_id);
    rc = system_link_gather(link, subject, body, timeout_ms, on_one, one);
    return rc != OK ? rc : one->rc;
}

static enum result decode_data(const struct sys_reply *reply, const struct shape *shape,
                               struct arena *arena, void *out)
{
    struct shape_error error;

    return reply->data != NULL &&
                   shape_decode(shape, reply->data, SHAPE_LENIENT, arena, out, &error) == OK
               ? OK
               : ERR_CORRUPT;
}

enum result node_request_varz(struct system_link *link, int64_t timeout_ms, struct arena *arena,
                              struct node_varz *out)
{
    struct sys_reply reply = {0};
    struct one one = ONE(arena, sys_reply_shape, &reply);
    char id[NKEY_PUBLIC_MAX];
    enum result rc;

    *out = (struct node_varz){0};
    system_link_server_id(link, id);
    if (id[0] == 0)
        return ERR_UNAVAILABLE;
    rc = ask_one(link, arena_printf(arena, "$SYS.REQ.SERVER.%s.VARZ", id), SLICE(""), timeout_ms,
                 &one);
    if (rc != OK)
        return rc;
    out->server = reply.server;
    return decode_data(&reply, &sys_varz_shape, arena, &out->varz);
}

enum result node_request_list(struct system_link *link, int64_t timeout_ms, struct arena *arena,
                              struct strings *out)
{
    struct sys_claims_list list = {0};
    struct one one = ONE(arena, sys_claims_list_shape, &list);
    enum result rc = ask_one(link, "$SYS.REQ.CLAIMS.LIST", SLICE(""), timeout_ms, &one);

    if (rc == OK)
        *out = list.data;
    return rc;
}

struct pack_call {
    struct arena *arena;
    struct packed_jwts *out;
};

static void pack_add(struct pack_call *call, struct slice line)
{
    struct packed_jwts *out = call->out;
    struct slice key;

    if (!slice_cut(&line, '|', &key) || slice_empty(line))
        return;
    if (out->count == out->cap) {
        size_t cap = out->cap > 0 ? out->cap * 2 : 64;
        struct packed_jwt *items = arena_alloc_array(call->arena, cap, sizeof(*items));

        for (size_t i = 0; i < out->count; i++)
            items[i] = out->items[i];
        out->items = items;
        out->cap = cap;
    }
    out->items[out->count].account_key = arena_copy(call->arena, key);
    out->items[out->count++].jwt = arena_copy(call->arena, line);
}

/* Lines of id|jwt, then an empty message. */
static enum system_link_more on_pack(struct slice body, void *arg)
{
    struct slice line;

    if (slice_empty(body))
        return LINK_ENOUGH;
    while (slice_cut(&body, '\n', &line))
        pack_add(arg, line);
    return LINK_MORE;
}

enum result node_request_pack(struct system_link *link, const uint8_t digest[32],
                              int64_t timeout_ms, struct arena *arena, bool *equal,
                              struct packed_jwts *out)
{
    struct pack_call call = {arena, out};
    enum result rc;

    *out = (struct packed_jwts){0};
    rc = system_link_gather(link, "$SYS.REQ.CLAIMS.PACK", slice_make((const char *)digest, 32),
                            timeout_ms, on_pack, &call);
    *equal = rc == OK && out->count == 0;
    return rc;
}

enum result node_request_delete(struct system_link *link, const char *request_jwt,
                                int64_t timeout_ms, struct arena *arena,
                                struct sys_claims_reply *out)
{
    struct one one = ONE(arena, sys_claims_reply_shape, out);

    return ask_one(link, "$SYS.REQ.CLAIMS.DELETE", slice_of(request_jwt), timeout_ms, &one);
}

static enum result ask_connz(struct system_link *link, const char *account_key, const char *body,
                             int64_t timeout_ms, struct arena *arena, struct sys_connz *out)
{
    struct sys_reply reply = {0};
    struct one one = ONE(arena, sys_reply_shape, &reply);
    enum result rc = ask_one(link, arena_printf(arena, "$SYS.REQ.ACCOUNT.%s.CONNZ", account_key),
                             slice_of(body), timeout_ms, &one);

    *out = (struct sys_connz){0};
    if (rc == ERR_DENIED)
        return OK; /* the account is not loaded: nobody is connected */
    return rc == OK ? decode_data(&reply, &sys_connz_shape, arena, out) : rc;
}

enum result node_request_connections(struct system_link *link, const char *account_key,
                                     int64_t timeout_ms, struct arena *arena, int64_t *out)
{
    struct sys_connz connz;
    enum result rc = ask_connz(link, account_key, "{\"limit\":1}", timeout_ms, arena, &connz);

    *out = connz.total;
    return rc;
}

/* A node cannot be asked for one issuer's: all are looked at, page by page. */
enum result node_request_signed_by(struct system_link *link, const char *account_key,
                                   const char *signing_key, int64_t timeout_ms, struct arena *arena,
                                   int64_t *out)
{
    int64_t until_ns = clock_mono_ns(clock_system()) + timeout_ms * NS_PER_MS, offset = 0;
    struct sys_connz connz;

    *out = 0;
    do {
        const char *body = arena_printf(arena, "{\"auth\":true,\"limit\":%d,\"offset\":%lld}",
                                        CONNECTIONS_PAGE, (long long)offset);
        int64_t left_ms = (until_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
        enum result rc =
            left_ms > 0 ? ask_connz(link, account_key, body, left_ms, arena, &connz) : ERR_TIMEOUT;

        if (rc != OK)
            return rc;
        for (size_t i = 0; i < connz.connections.count; i++) {
            const char *issuer = connz.connections.items[i].issuer_key;

            *out += issuer != NULL && strcmp(issuer, signing_key) == 0;
        }
        offset += (int64_t)connz.connections.count;
    } while (connz.connections.count > 0 && offset < connz.total);
    return OK;
}

/* Of JSZ, what is asked for here. */
struct jsz_stream {
    const char *name;
};
static const struct field jsz_stream_fields[] = {{"name", STRING_AT(struct jsz_stream, name)}};
static const struct shape jsz_stream_shape = SHAPE(struct jsz_stream, jsz_stream_fields);

struct jsz_account {
    const char *id;
    int64_t memory, storage;
    struct {
        struct jsz_stream *items;
        size_t count;
    } streams;
};
static const struct field jsz_account_fields[] = {
    {"id", STRING_AT(struct jsz_account, id)},
    {"memory", INT_AT(struct jsz_account, memory)},
    {"storage", INT_AT(struct jsz_account, storage)},
    {"stream_detail", OBJECTS_AT(struct jsz_account, streams), .type = &jsz_stream_shape},
};
static const struct shape jsz_account_shape = SHAPE(struct jsz_account, jsz_account_fields);

struct jsz {
    struct {
        struct jsz_account *items;
        size_t count;
    } accounts;
};
static const struct field jsz_fields[] = {
    {"account_details", OBJECTS_AT(struct jsz, accounts), .type = &jsz_account_shape},
};
static const struct shape jsz_shape = SHAPE(struct jsz, jsz_fields);

enum result node_request_assets(struct system_link *link, const char *account_key,
                                int64_t timeout_ms, struct arena *arena, struct node_assets *out)
{
    struct sys_reply reply = {0};
    struct one one = ONE(arena, sys_reply_shape, &reply);
    char id[NKEY_PUBLIC_MAX];
    struct jsz jsz = {0};
    const char *body =
        arena_printf(arena, "{\"account\":\"%s\",\"accounts\":true,\"streams\":true}", account_key);
    enum result rc;

    *out = (struct node_assets){0};
    system_link_server_id(link, id);
    rc = ask_one(link, arena_printf(arena, "$SYS.REQ.SERVER.%s.JSZ", id), slice_of(body),
                 timeout_ms, &one);
    if (rc != OK)
        return rc;
    rc = decode_data(&reply, &jsz_shape, arena, &jsz);
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < jsz.accounts.count; i++) {
        const struct jsz_account *account = &jsz.accounts.items[i];

        if (account->id == NULL || strcmp(account->id, account_key) != 0)
            continue;
        out->streams += (int64_t)account->streams.count;
        out->bytes += account->memory + account->storage;
    }
    return OK;
}

struct statz_call {
    struct arena *arena;
    enum system_link_more (*fn)(const struct node_statz *statz, void *arg);
    void *arg;
};

static enum system_link_more on_statz(struct slice body, void *arg)
{
    struct statz_call *call = arg;
    struct node_statz statz;
    struct shape_error error;
    struct sys_reply reply;

    if (shape_decode_text(&sys_reply_shape, body, SHAPE_LENIENT, call->arena, &reply, &error) !=
            OK ||
        reply.data == NULL ||
        shape_decode(&sys_account_statz_shape, reply.data, SHAPE_LENIENT, call->arena, &statz.statz,
                     &error) != OK)
        return LINK_MORE;
    statz.server = reply.server;
    return call->fn(&statz, call->arg);
}

enum result node_request_statz(struct system_link *link, int64_t timeout_ms, struct arena *arena,
                               enum system_link_more (*fn)(const struct node_statz *statz,
                                                           void *arg),
                               void *arg)
{
    struct statz_call call = {arena, fn, arg};

    return system_link_gather(link, "$SYS.REQ.ACCOUNT.PING.STATZ",
                              SLICE("{\"include_unused\":true}"), timeout_ms, on_statz, &call);
}
