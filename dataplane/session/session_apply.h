/*
 * session_apply: all live sessions of an account follow its terms.
 *
 * Ownership  the account is referenced until done.
 * Thread     any; done is called on worker `home`.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session_table.h"

/*
 * The account's terms have changed (account_set_terms, removed): every live connection follows:
 * expired, revoked, untrusted, bearer and beyond the connection limit are closed with their
 * -ERR, limits and default permissions re-applied.  done (may be NULL) is called on worker
 * `home` when all workers have done so.  any thread
 */
void session_table_apply(struct session_table *table, struct account *account, unsigned home,
                         void (*done)(void *arg, struct worker *worker), void *arg);
