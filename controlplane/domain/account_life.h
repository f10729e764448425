/*
 * account_life: accounts created, changed, suspended, resumed.
 *
 * Who suspended an account decides who may resume it: a team's suspension may be undone by the team
 * and by the operator, the operator's by the operator only.  The operator may suspend what a team
 * has suspended; it is his from then on.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals name_taken, quota_exceeded, plan_forbids, illegal_state, validation_failed,
 *            suspended_by_operator.
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
