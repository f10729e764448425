#include "api/nats/claims.h"

#include <stdlib.h>
#include <string.h>

void claims_account_defaults(struct account_claims *claims)
{
    *claims = (struct account_claims){
        .limits = {.nats = {CLAIMS_UNLIMITED, CLAIMS_UNLIMITED, CLAIMS_UNLIMITED},
                   .imports = CLAIMS_UNLIMITED,
                   .exports = CLAIMS_UNLIMITED,
                   .wildcards = true,
                   .conn = CLAIMS_UNLIMITED,
                   .leaf = CLAIMS_UNLIMITED},
    };
}

void claims_user_defaults(struct claims_user_limits *limits)
{
    *limits = (struct claims_user_limits){
        .nats = {CLAIMS_UNLIMITED, CLAIMS_UNLIMITED, CLAIMS_UNLIMITED},
    };
}

static bool permissions_empty(const struct claims_permissions *permissions)
{
    return permissions->pub.allow.count == 0 && permissions->pub.deny.count == 0 &&
           permissions->sub.allow.count == 0 && permissions->sub.deny.count == 0 &&
           permissions->resp == NULL;
}

bool claims_user_limits_empty(const struct claims_user_limits *limits)
{
    return permissions_empty(&limits->permissions) && limits->src.count == 0 &&
           limits->times.count == 0 && !slice_given(limits->times_location) &&
           limits->nats.subs == 0 && limits->nats.data == 0 && limits->nats.payload == 0 &&
           !limits->bearer_token && !limits->proxy_required &&
           limits->allowed_connection_types.count == 0;
}

bool claims_js_enabled(const struct claims_account_limits *limits)
{
    if (limits->js.mem_storage != 0 || limits->js.disk_storage != 0)
        return true;
    for (size_t i = 0; i < limits->tiers.count; i++) {
        const struct claims_js_limits *js = &limits->tiers.items[i].limits;

        if (js->mem_storage != 0 || js->disk_storage != 0)
            return true;
    }
    return false;
}

const struct claims_signing_key *claims_find_signing_key(const struct account_claims *account,
                                                         const char *key)
{
    for (size_t i = account->signing_keys.count; i > 0; i--) {
        if (strcmp(account->signing_keys.items[i - 1].key, key) == 0)
            return &account->signing_keys.items[i - 1];
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct int_pair *)a)->key, ((const struct int_pair *)b)->key);
}

void claims_sort_revocations(struct int_map *revocations)
{
    if (revocations->count > 0)
        qsort(revocations->items, revocations->count, sizeof(revocations->items[0]), by_key);
}

static bool revoked(const struct int_map *revocations, const char *key, int64_t iat)
{
    const struct int_pair wanted = {.key = key};
    const struct int_pair *found = revocations->count > 0
                                       ? bsearch(&wanted, revocations->items, revocations->count,
                                                 sizeof(revocations->items[0]), by_key)
                                       : NULL;

    return found != NULL && found->value >= iat;
}

bool claims_revoked(const struct int_map *revocations, const char *key, int64_t iat)
{
    return revoked(revocations, key, iat) || revoked(revocations, "*", iat);
}
