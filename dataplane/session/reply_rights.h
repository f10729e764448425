/*
 * reply_rights: what a responder may publish for now (allow_responses).
 *
 * A message with a reply that was delivered gives the right to publish to exactly that subject,
 * so many times, so long.  At most REPLY_RIGHTS_MAX, and subjects of REPLY_RIGHTS_BYTES; the oldest
 * give way.
 *
 * Ownership  the session's.
 * Thread     the session's worker.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/slice.h"

enum { REPLY_RIGHTS_MAX = 65536, REPLY_RIGHTS_BYTES = 8 << 20 };

struct reply_rights;

/* max, ttl_ns: negative: no limit. */
struct reply_rights *reply_rights_new(int64_t max, int64_t ttl_ns);
void reply_rights_free(struct reply_rights *rights);
void reply_rights_grant(struct reply_rights *rights, struct slice reply, int64_t now_ns);
/* May it be published, and if so that was one time. */
bool reply_rights_use(struct reply_rights *rights, struct slice subject, int64_t now_ns);
