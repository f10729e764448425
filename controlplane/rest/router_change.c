/*
 * What a request that changes something says of what it found: If-Match, and merge patches
 * (RFC 9110 section 13, RFC 7396).
 */
#include "controlplane/rest/router.h"

#include "api/base/check.h"
#include "controlplane/rest/conflict.h"
#include "controlplane/rest/request.h"
#include "controlplane/rest/router_parts.h"

enum { MEMBERS_NAMED_MAX = 8 };

enum result router_read_if_match(struct rest_call *call)
{
    struct slice text = slice_of(call->request->if_match);
    uint64_t version;

    if (text.data == NULL) {
        if (!(call->route->flags & ROUTE_IF_MATCH))
            return OK;
        return refusal_set(call->work.refusal, REFUSAL_precondition_required,
                           "If-Match is missing: send the ETag that was read, or *");
    }
    text = slice_trim(text);
    call->if_match = true;
    if (slice_equal(text, SLICE("*"))) {
        call->if_match_any = true;
        return OK;
    }
    if (text.len < 3 || text.data[0] != '"' || text.data[text.len - 1] != '"' ||
        !slice_uint(slice_make(text.data + 1, text.len - 2), INT64_MAX, &version))
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter,
                           "If-Match must be one ETag such as \"3\", or *");
    call->if_match_version = (int64_t)version;
    return OK;
}

/* "; changed since: /name, /labels/a", or nothing. */
static const char *changed_members(struct rest_call *call)
{
    const json_t *changes = call->work.refusal->conflict_changes;
    size_t count = json_array_size(changes);
    const char *text = "";

    for (size_t i = 0; i < count && i < MEMBERS_NAMED_MAX; i++)
        text =
            arena_printf(call->arena, "%s%s%s", text, i == 0 ? "; changed since: " : ", ",
                         json_string_value(json_object_get(json_array_get(changes, i), "field")));
    return count > MEMBERS_NAMED_MAX ? arena_printf(call->arena, "%s and more", text) : text;
}

enum result router_match(struct rest_call *call, const struct resource *resource,
                         const struct shape *shape, const void *value)
{
    enum result rc;

    call->reply.etag = arena_printf(call->arena, "\"%lld\"", (long long)resource->version);
    if (!call->if_match || call->if_match_any || call->if_match_version == resource->version)
        return OK;
    rc = conflict_describe(call, resource, shape, value);
    if (rc != OK)
        return rc;
    return refusal_set(call->work.refusal, REFUSAL_version_conflict,
                       "the resource is at version %lld, not %lld%s", (long long)resource->version,
                       (long long)call->if_match_version, changed_members(call));
}

/* RFC 7396; no deeper than the parser allows. */
static void merge(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        json_t *present = json_object_get(target, key);

        if (json_is_null(value)) {
            json_object_del(target, key);
            continue;
        }
        if (!json_is_object(value)) {
            CHECK(json_object_set(target, key, value) == 0);
            continue;
        }
        if (!json_is_object(present)) {
            present = json_object();
            CHECK(json_object_set_new(target, key, present) == 0);
        }
        merge(present, value);
    }
}

enum result router_merge(struct rest_call *call, const struct shape *shape, const void *present,
                         void *out)
{
    json_t *tree = shape_own(call->arena, shape_encode(shape, present));
    struct shape_error error;
    enum result rc;

    if (!json_is_object(call->body_json))
        return refusal_set(call->work.refusal, REFUSAL_malformed_json,
                           "a merge patch is a JSON object");
    merge(tree, call->body_json);
    rc = shape_decode(shape, tree, SHAPE_STRICT, call->arena, out, &error);
    return rc == OK ? OK : refusal_shape(call->work.refusal, rc, &error);
}
