/*
 * claims_validate: the rules of claims beyond their form, as a list of issues.
 *
 * Whether the issuer is trusted is not asked here.
 *
 * Ownership  issues live in the arena given.
 * Thread     any.
 * Errors     none: issues.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/nats/claims.h"

enum claims_issue_level {
    CLAIMS_WARNING, /* said, nothing more */
    CLAIMS_ERROR,   /* blocks */
    CLAIMS_TIME     /* blocks where time matters: expired, not yet valid */
};

struct claims_issue {
    enum claims_issue_level level;
    const char *text;
};

struct claims_issues {
    struct claims_issue *items;
    size_t count;
};

/* All rules of all types; issues live in the arena. */
void claims_validate(const struct claims *claims, int64_t now_s, struct arena *arena,
                     struct claims_issues *out);
/* The first issue that blocks, or NULL. */
const struct claims_issue *claims_blocking(const struct claims_issues *issues, bool with_time);

/* Single rules, for those who take such texts from somebody. */
bool claims_cidr_valid(const char *text);            /* "10.0.0.0/8" */
bool claims_time_valid(const char *text);            /* "HH:MM:SS" */
bool claims_zone_valid(const char *text);            /* an IANA zone that this machine knows */
bool claims_connection_type_valid(const char *text); /* "STANDARD", "WEBSOCKET", ... */
bool claims_subject_valid(const char *text);         /* may stand in claims */
bool claims_pub_entry_valid(const char *text);       /* of pub.allow, pub.deny */
bool claims_sub_entry_valid(const char *text);       /* of sub.allow, sub.deny: "subject queue" */
