/*
 * session_info: the INFO lines a session sends, and how its log lines begin.
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
/* Lame duck: go elsewhere. */
void session_info_leave(struct session *session);

/* A protocol line in the trace log: "<<- [PUB foo 2]"; CONNECT without its secrets. */
void session_trace_in(const struct session *session, enum verb verb, struct slice text);
void session_trace_out(const struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
