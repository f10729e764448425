/*
 * operator: the root of trust and its signing keys.
 *
 * The identity seed is not stored: it is in the answer to the creation once, or never comes
 * here.  A change of the signing keys needs a new operator JWT, made outside and uploaded; a
 * signing key moves staged -> trusted as soon as every node has read such a JWT, and trusted ->
 * active when asked.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals signer_not_trusted_by_node, illegal_state, validation_failed, name_taken;
 *            signer_unavailable when no key can sign.
 */
#pragma once

#include "controlplane/domain/lifecycle.h"
#include "controlplane/domain/resource.h"
#include "controlplane/vault/issuer.h"

struct operator
{
    struct resource resource;
    const char *public_key;
    bool strict_signing_keys;
    const char *assert_server_version, *account_server_url;
    struct strings operator_service_urls, tags;
    const char *active_signing_key_id;
    const char *jwt, *jwt_id; /* jwt: not in the JSON; GET .../jwt has it */
    const char *seed;         /* in the answer to its creation only, for offline keeping */
};
extern const struct shape operator_shape;

struct operator_settings {
    struct resource_settings settings;
    const char *jwt; /* import or new upload: an operator JWT signed elsewhere */
    bool strict_signing_keys;
    const char *assert_server_version, *account_server_url;
    struct strings operator_service_urls, tags;
    const char *signing_seed; /* import: a signing key that jwt names (write only) */
};
extern const struct shape operator_settings_shape;

struct operator_settings operator_settings_of(const struct operator* operator);
/* ref: id or public key. */
enum result operator_by_ref(struct work *work, const char *ref, struct operator* out) MUST_CHECK;
enum result operator_list(struct work *work, const struct list_query *query,
                          struct db_rows *out) MUST_CHECK;
enum result operator_create(struct work *work, const struct operator_settings *settings,
                            struct operator* out) MUST_CHECK;
enum result operator_update(struct work *work, const struct operator* old,
                            const struct operator_settings *settings,
                            struct operator* out) MUST_CHECK;

struct operator_key {
    struct resource resource; /* state: staged, trusted, active, retiring, retired, compromised */
    const char *operator_id, *public_key;
};
extern const struct shape operator_key_shape;
extern const struct lifecycle operator_key_lifecycle;

enum result operator_key_list(struct work *work, const char *operator_id,
                              const struct list_query *query, struct db_rows *out) MUST_CHECK;
enum result operator_key_by_ref(struct work *work, const char *operator_id, const char *ref,
                                struct operator_key *out) MUST_CHECK;
enum result operator_key_create(struct work *work, const char *operator_id,
                                const struct resource_settings *settings,
                                struct operator_key *out) MUST_CHECK;
enum result operator_key_activate(struct work *work, const struct operator_key *key,
                                  struct operator_key *out) MUST_CHECK;
enum result operator_key_retire(struct work *work, const struct operator_key *key,
                                struct operator_key *out) MUST_CHECK;

/* After the nodes' trust was read: staged keys that all of them know become trusted. */
enum result operator_keys_promote(struct work *work, const char *operator_id) MUST_CHECK;

/* The seed that signs accounts of this operator now.  Lifts the tenant's wall for itself. */
enum result operator_signer(struct work *work, const char *operator_id,
                            char public_key[NKEY_PUBLIC_MAX], struct vault_secret *seed) MUST_CHECK;

/* Which nodes trust a key, as read from them. */
struct operator_trust {
    const char *node, *node_id, *system_id;
    const char *trusted; /* yes, no, unknown */
    const char *operator_jti;
    int64_t trust_read_at;
};
extern const struct shape operator_trust_shape;
enum result operator_trust(struct work *work, const struct operator_key *key,
                           struct db_rows *out) MUST_CHECK;
