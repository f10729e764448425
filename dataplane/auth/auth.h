/*
 * auth: is this peer who it says, and which account is it in?
 *
 * The methods stand in one table, in order; the first that the configuration has and the peer's
 * words fit decides: user JWT (operator mode: the only one) - nkey user - user with password
 * (also no_auth_user) - token - the single user.  Without any, everybody is in $G.
 *
 * Signatures and bcrypt run on the blocking pool; an account that is not loaded is asked of
 * `accounts`, which may read a file.  So an answer may come later; the session pauses meanwhile.
 *
 * Ownership  auth copies its options; an attempt is auth's until done or auth_cancel.
 * Thread     auth_new, auth_free: the main thread.  An attempt: its worker.
 * Errors     auth_new: ERR_INVALID with a sentence.  Attempts: see auth_done_fn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/result.h"
#include "dataplane/auth/auth_options.h"

struct auth;

enum { AUTH_MESSAGE_MAX = 256 };
enum result auth_new(const struct auth_options *options, const struct auth_parts *parts,
                     struct auth **out, char message[AUTH_MESSAGE_MAX]) MUST_CHECK;
void auth_free(struct auth *auth);

bool auth_operator_mode(const struct auth *auth);
/* Must a peer log in? */
bool auth_required(const struct auth *auth);
/* What the first INFO says: as required, but false where no_auth_user lets everybody in. */
bool auth_announced(const struct auth *auth);
/* May a peer act without CONNECT?  Not where no_auth_user is a user with an nkey. */
bool auth_has_no_auth_user(const struct auth *auth);
bool auth_needs_nonce(const struct auth *auth);
/* Is it one of the keys that may sign accounts? */
bool auth_trusts(const struct auth *auth, const char *operator_key);
/* A plain password is configured: worth a warning at start. */
bool auth_has_plain_password(const struct auth *auth);

struct auth_attempt;

/* Copies the input.  NULL when done has been called already. */
struct auth_attempt *auth_begin(struct auth *auth, struct worker *worker,
                                const struct auth_input *input, auth_done_fn done, void *owner);
/* done will not be called. */
void auth_cancel(struct auth_attempt *attempt);

/*
 * Is a peer with that identity still welcome under the account's terms in force?
 * OK; ERR_EXPIRED: the account is; ERR_REVOKED: the user is; ERR_DENIED: bearer tokens are no
 * longer allowed; ERR_UNTRUSTED: its signing key is gone or its scope has changed.
 */
enum result auth_recheck(const struct auth *auth, const struct identity *identity, int64_t now_s);
