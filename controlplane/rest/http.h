/*
 * http: libmicrohttpd: requests in, replies out.
 *
 * One thread moves bytes (epoll) and never blocks: a request whose body is complete is suspended
 * and queued to `http_threads` workers, each with a connection of the pool while it works.  The
 * queue is bounded; beyond it the answer is 503.  A call with Prefer: wait goes to a list after
 * its commit, holding neither thread nor connection; one more thread looks for those whose
 * account's revision is on every node (rest_sync_changed wakes it) or whose time is over.
 *
 * Connections are bounded (`connections_max`), and so are the bytes of all bodies.  At the bound
 * one more is let in and another goes: of the address with the most, the one that has kept us
 * waiting longest for its request or with its answer (see crowd.h).  A call that is worked on, or
 * that waits for nodes, is never let go.
 *
 * Ownership  the server owns its threads and calls; pool, tools and hooks are borrowed.
 * Thread     start, serve, stop: main.  rest_sync_changed: any.
 * Errors     ERR_IO: the address cannot be listened on; `message` names it.
 */
#pragma once

#include <stdint.h>

#include "controlplane/rest/server.h"

enum { REST_WAIT_MAX_S = 30, REST_MESSAGE_MAX = 256 };

struct rest;

/* Listens, so that the address is ours; who connects waits for rest_serve. */
enum result rest_start(const struct rest_options *options, struct pool *pool,
                       const struct tools *tools, const struct rest_hooks *hooks, struct rest **out,
                       char message[REST_MESSAGE_MAX]) MUST_CHECK;
/* Answers from now on; once. */
enum result rest_serve(struct rest *rest, char message[REST_MESSAGE_MAX]) MUST_CHECK;
/* Answers what is under way and takes nothing more; rest_sync_changed may still be called. */
void rest_end(struct rest *rest);
/* rest_end, if that was not done, and memory. */
void rest_stop(struct rest *rest);
uint16_t rest_port(const struct rest *rest);

/* A node's state of some account has been recorded: look at the waiting calls. */
void rest_sync_changed(struct rest *rest);
