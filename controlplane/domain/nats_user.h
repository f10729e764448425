/*
 * nats_user: users of an account.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, validation_failed, quota_exceeded, version_conflict.
 */
#pragma once

#include "controlplane/domain/signing_key.h"

struct nats_user {
    struct resource resource; /* state: active, disabled, deleted */
    const char *account_id, *team_id, *public_key, *role_id, *role_name;
    struct user_rules rules;
    struct strings tags;
    struct optional_int default_ttl_s;
};
extern const struct shape nats_user_shape;

struct nats_user_settings {
    struct resource_settings settings;
    const char *public_key; /* NULL: each of its credentials brings or gets a key */
    const char *role_id;
    struct user_rules rules;
    struct strings tags;
    struct optional_int default_ttl_s; /* not set: 90 days; -1: for ever, if the plan allows */
    bool disabled;
};
extern const struct shape nats_user_settings_shape;

struct nats_user_settings nats_user_settings_of(const struct nats_user *user);
enum result nats_user_by_ref(struct work *work, const char *account_id, const char *ref,
                             struct nats_user *out) MUST_CHECK;
enum result nats_user_by_name(struct work *work, const char *account_id, const char *name,
                              struct nats_user *out) MUST_CHECK;
enum result nats_user_list(struct work *work, const char *account_id,
                           const struct list_query *query, const char *role_id,
                           struct db_rows *out) MUST_CHECK;
enum result nats_user_create(struct work *work, const struct account *account,
                             const struct nats_user_settings *settings,
                             struct nats_user *out) MUST_CHECK;
/* disabled: true revokes all its keys; false lets new credentials be issued again. */
enum result nats_user_update(struct work *work, const struct account *account,
                             const struct nats_user *old, const struct nats_user_settings *settings,
                             struct nats_user *out) MUST_CHECK;
/* Revokes all its keys in the same transaction. */
enum result nats_user_delete(struct work *work, const struct account *account,
                             const struct nats_user *user) MUST_CHECK;
