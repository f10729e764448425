/*
 * session_end: closing a session, once, with a reason.
 *
 * Out of all lists at once, told to the hooks, remembered among the closed; its subscriptions go
 * a few thousand a turn; it is freed when none is left and its conn is closed.
 *
 * Ownership  the session frees itself.
 * Thread     the session's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session.h"

/* What is queued is sent first where that makes sense.  The first reason counts. */
void session_close(struct session *session, enum session_reason reason);
/* -ERR '<text>' and close. */
void session_fail(struct session *session, enum session_reason reason, const char *text);
/* Gives its place in the account back and tells who listens; nothing if it has none. */
void session_leave_account(struct session *session);
/* From on_closed of its conn, or when there is no conn. */
void session_ended(struct session *session);
/* The worker stops: subscriptions of those that are closing go at once. */
void session_end_now(struct session_set *set);
