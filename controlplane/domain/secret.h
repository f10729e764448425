/*
 * secret: sealed seeds in the database, each under its owner's data key.
 *
 * Ownership  an opened secret is the caller's until vault_secret_wipe.
 * Thread     the work's.
 * Errors     ERR_NOT_FOUND, ERR_CORRUPT (does not open), the database's.
 */
#pragma once

#include "api/nats/nkey.h"
#include "controlplane/domain/work.h"

/* owner_id: an account's or operator's id; its data key is made with its first secret. */
enum result secret_put(struct work *work, const char *team_id, const char *owner_id,
                       const char *purpose, const struct vault_secret *secret,
                       const char **secret_id) MUST_CHECK;
/* The same of the seed of a new account key, which nobody else sees. */
enum result secret_new_key(struct work *work, const char *team_id, const char *owner_id,
                           const char *purpose, char public_key[NKEY_PUBLIC_MAX],
                           const char **secret_id) MUST_CHECK;
enum result secret_get(struct work *work, const char *secret_id,
                       struct vault_secret *out) MUST_CHECK;
/* The owner's data key and with it all its secrets: crypto-shredding. */
enum result secret_destroy(struct work *work, const char *owner_id) MUST_CHECK;

/* The text of a secret for the answer that shows it once; wiped with the arena. */
const char *secret_show(struct work *work, const struct vault_secret *secret);

/* At start: registers the master key, or refuses another one (ERR_CORRUPT). */
enum result secret_check_master(struct work *work) MUST_CHECK;
