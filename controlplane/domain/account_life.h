/*
 * account_life: accounts created, changed, suspended, resumed.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, quota_exceeded, plan_forbids, illegal_state, validation_failed.
 */
#pragma once

#include "controlplane/domain/account.h"

enum result account_create(struct work *work, const struct account_settings *settings,
                           struct account *out) MUST_CHECK;
enum result account_update(struct work *work, const struct account *old,
                           const struct account_settings *settings, struct account *out) MUST_CHECK;
enum result account_suspend(struct work *work, const struct account *old, const char *reason,
                            bool revoke_users, struct account *out) MUST_CHECK;
enum result account_resume(struct work *work, const struct account *old,
                           struct account *out) MUST_CHECK;
