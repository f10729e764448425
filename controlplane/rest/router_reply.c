/* What handlers answer with, and the audit event of what they changed. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/digest.h"
#include "controlplane/rest/router_parts.h"

#define FINGERPRINT "sha256:"

void router_header(struct rest_call *call, const char *name, const char *value)
{
    CHECK(call->reply.header_count < REPLY_HEADERS_MAX);
    call->reply.headers[call->reply.header_count].name = name;
    call->reply.headers[call->reply.header_count++].value = value;
}

static void set_body(struct rest_call *call, int status, const char *media_type, const char *text)
{
    call->reply.status = status;
    call->reply.media_type = media_type;
    call->reply.body = arena_strdup(call->arena, text);
    call->reply.body_len = strlen(text);
}

enum result router_reply_json(struct rest_call *call, int status, json_t *tree)
{
    char *text = shape_dump(tree);

    set_body(call, status, "application/json", text);
    mem_free(text);
    return OK;
}

enum result router_reply(struct rest_call *call, int status, const struct shape *shape,
                         const void *value, const struct resource *resource)
{
    char *text = shape_encode_text(shape, value);

    set_body(call, status, "application/json", text);
    mem_free(text);
    if (resource != NULL) {
        call->reply.etag = arena_printf(call->arena, "\"%lld\"", (long long)resource->version);
        call->reply.resource_id = resource->id;
    }
    return OK;
}

enum result router_reply_text(struct rest_call *call, int status, const char *media_type,
                              const char *text)
{
    set_body(call, status, media_type, text);
    return OK;
}

enum result router_reply_none(struct rest_call *call)
{
    call->reply.status = 204;
    call->reply.body = NULL;
    call->reply.etag = NULL;
    return OK;
}

/* The query without its cursor, with another one. */
static const char *next_link(struct rest_call *call, const char *cursor)
{
    struct slice rest = slice_of(call->query), part;
    const char *text = arena_printf(call->arena, "<%s?cursor=%s", call->path, cursor);

    while (!slice_empty(rest) && slice_cut(&rest, '&', &part)) {
        if (slice_starts(part, SLICE("cursor=")) || slice_empty(part))
            continue;
        text = arena_printf(call->arena, "%s&%.*s", text, (int)part.len, part.data);
    }
    return arena_printf(call->arena, "%s>; rel=\"next\"", text);
}

enum result router_reply_list(struct rest_call *call, const struct shape *shape,
                              const struct db_rows *rows, size_t id_offset)
{
    json_t *object = shape_own(call->arena, json_object()), *items = json_array();
    size_t wanted = (size_t)call->list.limit - 1;
    size_t count = rows->count < wanted ? rows->count : wanted;
    bool more = rows->count > wanted;
    json_t *next = json_null();

    for (size_t i = 0; i < count; i++)
        CHECK(json_array_append_new(
                  items, shape_encode(shape, (const char *)rows->items + i * shape->size)) == 0);
    if (more) {
        const char *last = (const char *)rows->items + (count - 1) * shape->size + id_offset;
        const char *id, *cursor;

        memcpy(&id, last, sizeof(id));
        cursor = router_cursor(call, id);
        next = json_string(cursor);
        call->reply.link = next_link(call, cursor);
    }
    call->reply.has_more = more;
    CHECK(json_object_set_new(object, "items", items) == 0);
    CHECK(json_object_set_new(object, "next_cursor", next) == 0);
    CHECK(json_object_set_new(object, "has_more", json_boolean(more)) == 0);
    return router_reply_json(call, 200, object);
}

enum result router_created(struct rest_call *call, const char *collection,
                           const struct shape *shape, const void *value,
                           const struct resource *resource)
{
    call->reply.location = arena_printf(call->arena, "%s/%s", collection, resource->id);
    return router_reply(call, 201, shape, value, resource);
}

void router_drop_secrets(json_t *tree, const struct shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (shape->fields[i].flags & FIELD_SECRET)
            json_object_del(tree, shape->fields[i].name);
    }
}

/* Every secret that is made here has far too many bits to be found by trying. */
static json_t *fingerprint(const char *secret)
{
    char text[sizeof(FINGERPRINT) + 2 * DIGEST_LEN] = FINGERPRINT;
    uint8_t digest[DIGEST_LEN];

    digest_sha256(secret, strlen(secret), digest);
    sodium_bin2hex(text + sizeof(FINGERPRINT) - 1, 2 * DIGEST_LEN + 1, digest, DIGEST_LEN);
    return json_string(text);
}

/* As an event keeps it. */
static json_t *audited(struct arena *arena, const struct shape *shape, const void *value)
{
    json_t *tree;

    if (value == NULL)
        return NULL;
    tree = shape_own(arena, shape_encode(shape, value));
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const json_t *secret = json_object_get(tree, field->name);

        if (!(field->flags & FIELD_SECRET) || secret == NULL)
            continue;
        CHECK(json_is_string(secret));
        CHECK(json_object_set_new(tree, field->name, fingerprint(json_string_value(secret))) == 0);
    }
    return tree;
}

/* From the operationId: "changeSigningKey" -> "signing_key.change", unless handlers say it shorter.
 */
const char *router_action(const struct rest_route *route, struct arena *arena)
{
    static const char *const shorter[][2] = {
        {"changeAccountLimits", "account.limits"},
        {"createTeamToken", "token.create"},
        {"testSystemConnection", "system.test"},
    };
    size_t verb = strcspn(route->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *noun = "";

    for (size_t i = 0; i < COUNT_OF(shorter); i++) {
        if (strcmp(shorter[i][0], route->id) == 0)
            return shorter[i][1];
    }
    for (const char *at = route->id + verb; *at != '\0'; at++)
        noun = arena_printf(arena, *at < 'a' && *noun != '\0' ? "%s_%c" : "%s%c", noun, *at | 0x20);
    return arena_printf(arena, "%s.%.*s", noun, (int)verb, route->id);
}

/* A tenant's own if the path names none: its wall lets no other row in. */
const char *router_audit_team(const struct rest_call *call)
{
    if (call->has_account)
        return call->account.team_id;
    return call->has_team ? call->team.resource.id : call->who.team_id;
}

const char *router_audit_account(const struct rest_call *call)
{
    return call->has_account ? call->account.resource.id : NULL;
}

enum result router_audit(struct rest_call *call, const char *action,
                         const struct resource *resource, const struct shape *shape,
                         const void *before, const void *after)
{
    struct audit_note note = {
        .action = action,
        .resource_kind = resource->kind,
        .resource_id = resource->id,
        .resource_name = resource->name,
        .team_id = router_audit_team(call),
        .account_id = router_audit_account(call),
        .outcome = AUDIT_SUCCESS,
        .before = audited(call->arena, shape, before),
        .after = audited(call->arena, shape, after),
        .revision = call->wait.revision != call->revision_found ? call->wait.revision : 0,
        .operation_id = call->operation_id,
    };

    call->audited = true;
    return audit_add(&call->work, &note);
}

enum result router_wait_account(struct rest_call *call)
{
    struct account account;
    enum result rc = account_by_ref(&call->work, call->account.resource.id, &account);

    if (rc == OK)
        call->wait = (struct rest_wait){account.resource.id, account.revision};
    return rc;
}
