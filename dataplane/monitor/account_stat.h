/*
 * account_stat: an account's figures as its owner is billed for: a document of $SYS.
 *
 * `sent` is what its clients got, `received` what they published; cumulative since the process
 * began, also while nobody is connected.
 *
 * Ownership  texts are copied into the arena.
 * Thread     a worker, inside its turn (the label may change with the claims).
 * Errors     none.
 */
#pragma once

#include "api/base/arena.h"
#include "api/nats/sys_document.h"
#include "dataplane/account/account.h"

void account_stat_fill(const struct account *account, struct arena *arena,
                       struct sys_account_stat *out);
/* Has it ever been used, or is it now? */
bool account_stat_in_use(const struct account *account);
