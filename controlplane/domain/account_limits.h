/*
 * account_limits: what an account may use, why, and what it uses; overrides of its plan.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals plan_forbids, over_quota, validation_failed.
 */
#pragma once

#include "controlplane/domain/account.h"

/* A/limits: each quota with value, source, enforced_by, scope, used. */
enum result account_limits(struct work *work, const struct account *account,
                           json_t **out) MUST_CHECK;
enum result account_set_limits(struct work *work, const struct account *old,
                               const struct limits *overrides, bool allow_over_quota,
                               struct account *out) MUST_CHECK;
