/*
 * link_set: the links to all nodes of all systems, one for each URL.
 *
 * Ownership  the set owns its links; a taken one is kept alive until link_set_give.
 * Thread     any; callbacks run on threads of libnats.
 * Errors     none of its own; a URL that cannot be used is logged and tried again.
 */
#pragma once

#include <stddef.h>

#include "controlplane/link/system_link.h"

struct link_set;

struct link_set_options {
    /* A user of the system account of that system. */
    enum result (*credentials)(const char *system_id, struct system_link_user *out, void *arg);
    void (*on_state)(const char *system_id, struct system_link *link, enum system_link_state state,
                     void *arg);
    void (*on_message)(const char *system_id, const char *subject, struct slice body, void *arg);
    const char *const *subjects; /* to be subscribed on every link; NULL-terminated */
    void *arg;
    const char *name; /* of the connections */
};

struct link_set *link_set_new(const struct link_set_options *options);
void link_set_free(struct link_set *set);

struct link_target {
    const char *system_id, *url, *ca; /* ca: PEM or NULL */
};
/* Opens what is new or was closed by a refusal, closes what is no longer named. */
void link_set_update(struct link_set *set, const struct link_target *targets, size_t count);

/* Ends all connections, so that nobody waits for an answer any longer; before link_set_free. */
void link_set_interrupt(struct link_set *set);

struct link_taken {
    struct system_link *link;
    void *entry; /* link_set.c's */
};

enum { LINKS_MAX = 256 };

/* The links of a system (NULL: all) that are up, at most cap; each is to be given back. */
size_t link_set_take(struct link_set *set, const char *system_id, struct link_taken *out,
                     size_t cap);
/* The same, whatever their state. */
size_t link_set_take_all(struct link_set *set, const char *system_id, struct link_taken *out,
                         size_t cap);
void link_set_give(struct link_set *set, const struct link_taken *taken, size_t count);
