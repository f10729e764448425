/*
 * permission: allow and deny lists of a user, compiled at log-in.
 *
 * Rules as the reference server's (broker-inventory 3.5): no allow list allows all, an empty
 * publish allow list allows nothing; deny wins; queue rules; a subscription wider than a deny
 * entry is accepted and messages are filtered at delivery.  permission.c says where we are
 * stricter.  Immutable once made; shared by every subscription of the connection.
 *
 * Ownership  permission_retire when its connection goes: deliveries may still read it.
 * Thread     made and retired on a worker; read by any.
 * Errors     ERR_SYNTAX for an invalid subject or queue.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/result.h"
#include "api/base/shape.h"
#include "api/base/slice.h"
#include "dataplane/core/reclaim.h"

struct permission_rules {
    bool publish_allow_set; /* the allow list counts even when it is empty; also by responses */
    struct strings publish_allow, publish_deny;
    struct strings subscribe_allow, subscribe_deny; /* "subject" or "subject queue" */
    bool responses;                                 /* allow_responses */
    int64_t responses_max, responses_ttl_ns;        /* already defaulted; negative: no limit */
};

struct permission;

/* Copies.  *out is NULL when the rules restrict nothing. */
enum result permission_new(const struct permission_rules *rules,
                           struct permission **out) MUST_CHECK;
void permission_free(struct permission *permission);
void permission_retire(struct permission *permission, struct reclaim_reader *reader);

/* NULL permits all, in all three. */
bool permission_publish(const struct permission *permission, struct slice subject);
bool permission_subscribe(const struct permission *permission, struct slice subject,
                          struct slice queue);
/* May a message on this subject reach a subscription (deny at delivery)? */
bool permission_deliver(const struct permission *permission, struct slice subject,
                        struct slice queue);
/* Does any deny entry overlap that subscription, so that it must be filtered? */
bool permission_filters(const struct permission *permission, struct slice subject);

const struct permission_rules *permission_rules(const struct permission *permission);
