/*
 * listener: accepting connections.
 *
 * Ownership  the listener owns its socket; an accepted fd is the callback's.
 * Thread     listener_open: any.  It accepts on the worker it was started on.
 * Errors     ERR_SYNTAX for an address, ERR_EXISTS when the port is in use, ERR_IO else; errno
 *            is left as the system set it.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "api/base/result.h"
#include "dataplane/core/worker.h"

struct listener;

typedef void (*accept_fn)(struct worker *worker, int fd, const struct sockaddr_storage *peer,
                          void *arg);

/* host: name, address, "" or "0.0.0.0" or "::"; port 0: any free one. */
enum result listener_open(const char *host, int port, struct listener **out) MUST_CHECK;
/* The address as it is: the real port. */
void listener_address(const struct listener *listener, struct sockaddr_storage *out);
int listener_port(const struct listener *listener);
/* Accepts from now on; running out of descriptors pauses for a while and is logged. */
enum result listener_start(struct listener *listener, struct worker *worker, accept_fn fn,
                           void *arg) MUST_CHECK;
/* On the worker it runs on, or when it was never started. */
void listener_close(struct listener *listener);

enum { ADDRESS_TEXT_MAX = 64 };
/* "127.0.0.1:4222", "[::1]:4222" */
void address_format(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX]);
/* Without the port; *port gets it. */
void address_host(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX], int *port);
