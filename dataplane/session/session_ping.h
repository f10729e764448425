/*
 * session_ping: is the peer still there, and how far away?
 *
 * The first PING about 2 s after CONNECT, then one each ping_interval in which nothing came;
 * more than ping_max without an answer: stale.
 *
 * Ownership  the session's timer.
 * Thread     the session's worker.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session.h"

void session_ping_start(struct session *session);
/* PONG came. */
void session_ping_answered(struct session *session);
