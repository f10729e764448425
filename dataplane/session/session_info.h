/*
 * session_info: the INFO lines a session sends.
 *
 * Ownership  nothing is kept.
 * Thread     the session's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session.h"

/* The first: who we are, and a nonce if it is wanted. */
void session_info_greet(struct session *session);
/* After the first PONG: also which account it is in. */
void session_info_connected(struct session *session);
/* Lame duck: go elsewhere.  False: the session does not know such INFOs, or not yet. */
bool session_info_leave(struct session *session);
