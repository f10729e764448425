/*
 * signing_key: signing keys and scoped roles of an account.
 *
 * A managed key's seed is sealed here; of a customer's key only the public part is known.  A
 * scoped role is a permission template; making one makes its first managed key.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, in_use, illegal_state, validation_failed, version_conflict.
 */
#pragma once

#include "controlplane/domain/account.h"

struct signing_key {
    struct resource resource; /* state: active, retiring, retired, compromised */
    const char *account_id, *team_id, *public_key;
    int custody; /* managed, customer */
    const char *role_id, *role_name;
    int64_t live_credentials; /* issued by it here and not over */
    const char *secret_id;    /* not in the JSON */
};
extern const struct shape signing_key_shape;
extern const struct lifecycle signing_key_lifecycle;
extern const char *const custody_words[];

struct signing_key_settings {
    struct resource_settings settings;
    int custody;
    const char *public_key; /* customer's */
    const char *role_id;
};
extern const struct shape signing_key_settings_shape;

enum result signing_key_by_ref(struct work *work, const char *account_id, const char *ref,
                               struct signing_key *out) MUST_CHECK;
enum result signing_key_list(struct work *work, const char *account_id,
                             const struct list_query *query, struct db_rows *out) MUST_CHECK;
enum result signing_key_create(struct work *work, const struct account *account,
                               const struct signing_key_settings *settings,
                               struct signing_key *out) MUST_CHECK;

/* What nodes are to be asked before a key goes: who is connected with what it signed. */
struct signing_key_asked {
    const char *system_id, *account_key, *public_key;
    struct strings server_ids; /* of the nodes that should answer */
};
struct signing_key_clients {
    int64_t connected;
    int64_t silent; /* nodes that should have answered and did not */
};
enum result signing_key_ask(struct work *work, const struct account *account,
                            const struct signing_key *key,
                            struct signing_key_asked *out) MUST_CHECK;
/* confirm: how many the caller believes to be connected; -1: not said, so that nobody may be,
 * nor any of its credentials live, nor a node be silent. */
enum result signing_key_delete(struct work *work, const struct signing_key *key,
                               const struct signing_key_clients *clients,
                               int64_t confirm) MUST_CHECK;

struct scoped_role {
    struct resource resource;
    const char *account_id, *team_id;
    struct user_rules rules;
    int64_t user_count;
};
extern const struct shape scoped_role_shape;

struct scoped_role_settings {
    struct resource_settings settings;
    struct user_rules rules;
};
extern const struct shape scoped_role_settings_shape;

struct scoped_role_settings scoped_role_settings_of(const struct scoped_role *role);
enum result scoped_role_by_ref(struct work *work, const char *account_id, const char *ref,
                               struct scoped_role *out) MUST_CHECK;
enum result scoped_role_list(struct work *work, const char *account_id,
                             const struct list_query *query, struct db_rows *out) MUST_CHECK;
enum result scoped_role_create(struct work *work, const struct account *account,
                               const struct scoped_role_settings *settings,
                               struct scoped_role *out) MUST_CHECK;
enum result scoped_role_update(struct work *work, const struct scoped_role *old,
                               const struct scoped_role_settings *settings,
                               struct scoped_role *out) MUST_CHECK;
enum result scoped_role_delete(struct work *work, const struct scoped_role *role) MUST_CHECK;

/* Who signs a user: the newest managed key of the role; role_id NULL: the newest plain one. */
enum result signing_key_for(struct work *work, const struct account *account, const char *role_id,
                            struct signing_key *out, struct vault_secret *seed) MUST_CHECK;
