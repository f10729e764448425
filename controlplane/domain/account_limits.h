/*
 * account_limits: what an account may use, why, and what it uses; overrides of its plan.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     refusals plan_forbids, over_quota, validation_failed.
 */
#pragma once

#include "controlplane/domain/account.h"

/* Each quota with its value (called so: "effective" in A/limits, "value" in an account), source,
 * enforced_by, scope, used, and reserved: held beside what is used, 0 where using is all there is;
 * null where nobody counts. */
enum result account_limits(struct work *work, const struct account *account, const char *called,
                           json_t **out) MUST_CHECK;
/* QUO-33: over_quota, with all that is over, if a limit becomes lower than what is in use. */
enum result account_limits_check_use(struct work *work, const struct account *before,
                                     const struct account *after) MUST_CHECK;
enum result account_set_limits(struct work *work, const struct account *old,
                               const struct limits *overrides, bool allow_over_quota,
                               struct account *out) MUST_CHECK;
