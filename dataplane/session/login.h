/*
 * login: CONNECT: from credentials to identity, account, limits, and the right worker.
 *
 * Ownership  the session's.
 * Thread     the session's worker.
 * Errors     answered to the peer.
 */
#pragma once

#include "dataplane/session/session.h"

/* The verb. */
void login_connect(struct session *session, const struct parser_event *event);
/* It spoke without CONNECT where no_auth_user lets everybody in. */
void login_implicit(struct session *session);
/* 'Authorization Violation'.  account: if it was found out. */
void login_refused(struct session *session, struct account *account, const char *reason);
