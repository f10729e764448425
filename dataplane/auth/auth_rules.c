#include "dataplane/auth/auth_rules.h"

#include "api/base/clock.h"
#include "api/base/map.h"
#include "api/base/mem.h"
#include "api/base/shape.h"

#define RESPONSES_TTL_NS (120 * NS_PER_S)

bool auth_permissions_empty(const struct claims_permissions *permissions)
{
    return permissions->pub.allow.count == 0 && permissions->pub.deny.count == 0 &&
           permissions->sub.allow.count == 0 && permissions->sub.deny.count == 0 &&
           permissions->resp == NULL;
}

/* Publish entries have no queue: what stands behind a blank is not looked at. */
static struct strings subjects_only(const struct strings *from, struct arena *arena)
{
    struct strings out = {.count = from->count};

    out.items = arena_alloc_array(arena, from->count, sizeof(out.items[0]));
    for (size_t i = 0; i < from->count; i++) {
        struct slice rest = slice_of(from->items[i]), subject;

        if (!slice_cut(&rest, ' ', &subject))
            subject = rest;
        out.items[i] = arena_copy(arena, subject);
    }
    return out;
}

void auth_permission_rules(const struct claims_permissions *permissions, struct arena *arena,
                           struct permission_rules *out)
{
    const struct claims_response *resp = permissions->resp;

    *out = (struct permission_rules){
        .publish_allow_set = permissions->pub.allow.count > 0 || resp != NULL,
        .publish_allow = subjects_only(&permissions->pub.allow, arena),
        .publish_deny = subjects_only(&permissions->pub.deny, arena),
        .subscribe_allow = permissions->sub.allow,
        .subscribe_deny = permissions->sub.deny,
        .responses = resp != NULL,
    };
    if (resp != NULL) {
        out->responses_max = resp->max != 0 ? resp->max : 1;
        out->responses_ttl_ns = resp->ttl_ns != 0 ? resp->ttl_ns : RESPONSES_TTL_NS;
    }
}

uint64_t auth_scope_hash(const struct claims_user_limits *scope)
{
    uint64_t hash;
    char *text;

    if (scope == NULL)
        return 0;
    text = shape_encode_text(&claims_user_limits_shape, scope);
    hash = map_hash(slice_of(text));
    mem_free(text);
    return hash != 0 ? hash : 1;
}
