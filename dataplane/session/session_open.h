/*
 * session_open: a connection becomes a session; its bytes become verbs.
 *
 * Ownership  takes the fd.
 * Thread     the worker's.
 * Errors     a conn that cannot be watched is logged and closed.
 */
#pragma once

#include "dataplane/session/session.h"

/* Sends INFO. */
void session_open(struct session_set *set, int fd, const struct sockaddr_storage *peer);
