/*
 * claims: what JWTs of operators, accounts, users and activations say: structs.
 *
 * Numbers of limits: -1 is unlimited, 0 (and absent) is none.  Members of a token that are not
 * known here are kept in `rest` and written out again.
 *
 * Ownership  all of it lives in one arena.
 * Thread     any; claims are not changed once they are shared.
 * Errors     claims_decode: as shape_decode.  The rules are in claims_validate.h.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"

enum { CLAIMS_UNLIMITED = -1, CLAIMS_VERSION = 2 };

enum claims_type {
    CLAIMS_GENERIC, /* any other type: data holds it */
    CLAIMS_OPERATOR,
    CLAIMS_ACCOUNT,
    CLAIMS_USER,
    CLAIMS_ACTIVATION,
    CLAIMS_TYPES
};

struct claims_subjects {
    struct strings allow, deny;
};

struct claims_response {
    int64_t max;
    int64_t ttl_ns;
};

struct claims_permissions {
    struct claims_subjects pub, sub;
    struct claims_response *resp; /* NULL: no allow_responses */
};

struct claims_nats_limits {
    int64_t subs;    /* for each connection */
    int64_t data;    /* carried, never enforced */
    int64_t payload; /* for each message */
};

struct claims_js_limits {
    int64_t mem_storage, disk_storage;
    int64_t streams, consumer, max_ack_pending;
    int64_t mem_max_stream_bytes, disk_max_stream_bytes;
    bool max_bytes_required;
};

struct claims_js_tier {
    const char *name; /* "R1", "R3" */
    struct claims_js_limits limits;
};

struct claims_account_limits {
    struct claims_nats_limits nats;
    int64_t imports, exports;
    bool wildcards, disallow_bearer;
    int64_t conn, leaf;
    struct claims_js_limits js; /* all 0 when there are tiers */
    struct {
        struct claims_js_tier *items;
        size_t count;
    } tiers;
};

struct claims_time_range {
    const char *start, *end; /* "HH:MM:SS" */
};

/* What a user may: in its own claims, or in the template of a scoped signing key. */
struct claims_user_limits {
    struct claims_permissions permissions;
    struct strings src; /* CIDRs */
    struct {
        struct claims_time_range *items;
        size_t count;
    } times;
    const char *times_location; /* IANA zone; NULL: the server's */
    struct claims_nats_limits nats;
    bool bearer_token, proxy_required;
    struct strings allowed_connection_types;
};

struct claims_signing_key {
    const char *key;
    const char *role, *description;      /* scoped keys only */
    struct claims_user_limits *template; /* NULL: a plain key */
};

struct claims_mapping_destination {
    const char *subject;
    int64_t weight;      /* percent; 0 (absent) counts as 100 */
    const char *cluster; /* NULL: any */
};

struct claims_mapping {
    const char *subject;
    struct claims_mapping_destination *items;
    size_t count;
};

enum claims_export_type { CLAIMS_NEITHER, CLAIMS_STREAM, CLAIMS_SERVICE };
/* The words on the wire: "unknown", "stream", "service"; NULL-terminated. */
extern const char *const claims_export_types[];

struct claims_latency {
    int64_t sampling; /* percent; 0: by headers */
    const char *results;
};

struct claims_export {
    const char *name, *subject;
    int type; /* enum claims_export_type */
    bool token_req;
    struct int_map revocations;
    const char *response_type; /* "Singleton" (or absent), "Stream", "Chunked" */
    int64_t response_threshold_ns;
    struct claims_latency *service_latency;
    int64_t account_token_position; /* from 1; 0: none */
    bool advertise, allow_trace;
    const char *description, *info_url;
};

struct claims_import {
    const char *name, *subject, *account, *token;
    const char *to, *local_subject;
    int type; /* as of an export */
    bool share, allow_trace;
};

struct claims_authorization {
    struct strings auth_users, allowed_accounts;
    const char *xkey;
};

struct claims_trace {
    const char *dest;
    int64_t sampling;
};

struct account_claims {
    struct {
        struct claims_import *items;
        size_t count;
    } imports;
    struct {
        struct claims_export *items;
        size_t count;
    } exports;
    struct claims_account_limits limits;
    struct {
        struct claims_signing_key *items;
        size_t count;
    } signing_keys;
    struct int_map revocations; /* user key or "*" -> Unix seconds */
    struct claims_permissions default_permissions;
    struct {
        struct claims_mapping *items;
        size_t count;
    } mappings;
    struct claims_authorization authorization;
    struct claims_trace *trace;
    const char *cluster_traffic; /* NULL, "system", "owner" */
    const char *description, *info_url;
};

struct operator_claims {
    struct strings signing_keys;
    const char *account_server_url;
    struct strings operator_service_urls;
    const char *system_account;
    const char *assert_server_version;
    bool strict_signing_key_usage;
};

struct user_claims {
    struct claims_user_limits limits;
    const char *issuer_account; /* the account, when a signing key signed */
};

struct activation_claims {
    const char *subject;
    int kind; /* as the type of an export */
    const char *issuer_account;
};

struct claims {
    const char *aud;
    int64_t exp; /* Unix seconds; 0: never */
    const char *jti;
    int64_t iat; /* Unix seconds */
    const char *iss, *name;
    int64_t nbf; /* Unix seconds; 0: always */
    const char *sub;

    enum claims_type type;
    const char *type_name; /* CLAIMS_GENERIC: as written, may be NULL */
    int64_t version;
    struct strings tags; /* lower case */
    union {
        struct operator_claims *operator;
        struct account_claims *account;
        struct user_claims *user;
        struct activation_claims *activation;
    };
    json_t
        *rest; /* members of "nats" not known here; all of them for CLAIMS_GENERIC; may be NULL */
};

/* Everything unlimited, nothing allowed beyond: what issuing tools begin with. */
void claims_account_defaults(struct account_claims *claims);
/* Unlimited, no permissions of its own. */
void claims_user_defaults(struct claims_user_limits *limits);
/* All zero: what a user of a scoped key must be. */
bool claims_user_limits_empty(const struct claims_user_limits *limits);
bool claims_js_enabled(const struct claims_account_limits *limits);
/* The signing key of that public key, the last if it is there twice; or NULL. */
const struct claims_signing_key *claims_find_signing_key(const struct account_claims *account,
                                                         const char *key);
/* By key, as claims_revoked needs them; claims_decode does so. */
void claims_sort_revocations(struct int_map *revocations);
/* Revoked for a token issued then?  Looks for the key and for "*", in what is sorted. */
bool claims_revoked(const struct int_map *revocations, const char *key, int64_t iat);

/*
 * The payload of a token -> claims; older versions are migrated.  The tree is brought into the
 * present form in place.  Used by jwt.c.
 */
enum result claims_decode(json_t *payload, struct arena *arena, struct claims *out,
                          struct shape_error *error) MUST_CHECK;
/* Canonical; a new reference. */
json_t *claims_encode(const struct claims *claims);

/* "nats" alone, as it stands in the token. */
json_t *claims_encode_body(const struct claims *claims);

/* Of "template": for storing scopes elsewhere, in the same form as in a token. */
extern const struct shape claims_user_limits_shape;
extern const struct shape claims_permissions_shape;
extern const struct shape claims_js_limits_shape;
extern const struct shape claims_export_shape; /* sampling by number only */
extern const struct shape claims_import_shape;
