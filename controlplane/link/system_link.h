/*
 * system_link: one connection to the system account of one node, over libnats.
 *
 * A link connects in the background and comes back by itself; what it connects with is asked for
 * at every attempt, so a renewed user JWT is used from the next attempt on.  Nodes found by
 * gossip are ignored: one link is one node.  A node that refuses the user twice closes the link
 * (LINK_CLOSED): whoever owns it opens another one.
 *
 * Messages of subscriptions are told in the order in which the node sent them, whichever
 * subscription they belong to.
 *
 * Requests to many: system_link_gather publishes with an inbox as reply and hands every answer
 * to a function until that says it has enough, or the time is over.
 *
 * Ownership  strings of the options are copied; `credentials` and its argument outlive the link.
 *            What callbacks get is valid during the call.
 * Thread     any; gather and publish may run at the same time.  Callbacks of subscriptions and
 *            on_state run on threads of libnats and must be short.
 * Errors     ERR_UNAVAILABLE: not connected.  ERR_TIMEOUT: gather's time was over before it had
 *            enough.  ERR_DENIED: the node refused our user.  ERR_LIMIT: the body is larger than
 *            the node takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/result.h"
#include "api/base/slice.h"
#include "api/nats/nkey.h"

struct system_link;

/* What to log in with: a user JWT of the system account and the key that it names. */
struct system_link_user {
    char *jwt; /* mem_free by the link */
    struct nkey key;
};

enum system_link_state { LINK_CONNECTING, LINK_UP, LINK_DOWN, LINK_CLOSED };

struct system_link_options {
    const char *url;  /* nats://host:port or tls://host:port */
    const char *name; /* of the connection, as the node shows it */
    const char *ca;   /* PEM, or NULL */
    /* Called for every attempt to connect. */
    enum result (*credentials)(void *arg, struct system_link_user *out);
    /* May be NULL. */
    void (*on_state)(struct system_link *link, enum system_link_state state, void *arg);
    void *arg;
    int64_t reconnect_wait_ms; /* 0: 1,000; with jitter */
};

/* The first attempt is made at once (2 s at most); when it fails, the next ones are made in the
 * background. */
enum result system_link_open(const struct system_link_options *options,
                             struct system_link **out) MUST_CHECK;
/* No callback runs after it returns; not to be called from one. */
void system_link_close(struct system_link *link);
/* Ends the connection for good, so that whoever waits for answers need not wait any longer. */
void system_link_interrupt(struct system_link *link);

enum system_link_state system_link_state(struct system_link *link);
const char *system_link_url(const struct system_link *link);
/* The node at the other end; empty when not connected. */
void system_link_server_id(struct system_link *link, char out[NKEY_PUBLIC_MAX]);
/* Why it is not up, in words; "" when it is up. */
void system_link_trouble(struct system_link *link, char *out, size_t cap);

enum system_link_more { LINK_ENOUGH, LINK_MORE };

typedef enum system_link_more (*system_link_reply_fn)(struct slice body, void *arg);

/* The time is in milliseconds from now.  ERR_NOT_FOUND: the node has nobody who answers. */
enum result system_link_gather(struct system_link *link, const char *subject, struct slice body,
                               int64_t timeout_ms, system_link_reply_fn fn, void *arg) MUST_CHECK;

/*
 * The same in two steps, so that one thread can ask many nodes at once: ask them all, then
 * collect from each until a common deadline (monotonic nanoseconds).
 */
struct system_link_call;
enum result system_link_ask(struct system_link *link, const char *subject, struct slice body,
                            struct system_link_call **out) MUST_CHECK;
enum result system_link_collect(struct system_link_call *call, int64_t until_ns,
                                system_link_reply_fn fn, void *arg) MUST_CHECK;
void system_link_call_end(struct system_link_call *call);

enum result system_link_publish(struct system_link *link, const char *subject,
                                struct slice body) MUST_CHECK;

typedef void (*system_link_message_fn)(struct system_link *link, const char *subject,
                                       struct slice body, void *arg);

/* Lasts until the link is closed, over reconnects. */
enum result system_link_subscribe(struct system_link *link, const char *subject,
                                  system_link_message_fn fn, void *arg) MUST_CHECK;
