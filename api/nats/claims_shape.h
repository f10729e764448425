/*
 * claims_shape: the members of tokens, as tables; for claims_decode.c and claims_encode.c only.
 *
 * What a shape cannot say is held as a tree in the structs here, and turned into what it stands
 * for by those two: signing keys (a key or an object), mappings and tiers (an object whose members
 * are a list or a struct).
 *
 * Ownership  constants.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include "api/base/shape.h"
#include "api/nats/claims.h"

#define CLAIMS_SCOPE_KIND "user_scope"
#define CLAIMS_SAMPLING_HEADERS "headers" /* instead of a number */

struct claims_limits_wire {
    struct claims_account_limits limits;
    json_t *tiers;
};

struct claims_scoped_key_wire {
    const char *kind;
    struct claims_signing_key key;
};

struct claims_account_wire {
    struct account_claims claims;
    json_t *limits, *signing_keys, *mappings;
};

/* A token's payload; `type` and `tags` stand here in version 1. */
struct claims_payload_wire {
    struct claims claims;
    json_t *nats;
    const char *type;
    struct strings tags;
};

struct claims_type_spec {
    const char *name;
    const struct shape *shape; /* of what is in "nats" */
};
extern const struct claims_type_spec claims_types[CLAIMS_TYPES];

extern const struct shape claims_limits_shape;
extern const struct shape claims_tiered_limits_shape;
extern const struct shape claims_scoped_key_shape;
extern const struct shape claims_destination_shape;
extern const struct shape claims_account_shape;
extern const struct shape claims_payload_shape;
extern const struct shape claims_ending_shape;
