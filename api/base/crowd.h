/*
 * crowd: who goes when a server has too many connections.
 *
 * Its members are connections, sorted by the source they come from.  A member waits for its peer,
 * or it is busy: the server works for it.
 * When one more comes than there may be, the source with the most members gives one up, of those
 * that wait: the one that has waited longest.  So whoever holds many connections without asking
 * anything keeps nobody out: not another, and not himself.
 *
 * Ownership  a member is embedded in its owner, who takes it out before he frees it.
 * Thread     one at a time.
 * Errors     none.
 */
#pragma once

#include <stddef.h>

#include "api/base/list.h"
#include "api/base/source.h"

struct crowd {
    struct list sources;
    size_t count, max;
};

struct crowd_source;

struct crowd_member {
    struct list link;            /* among those of its source that wait */
    struct crowd_source *source; /* NULL: not in the crowd */
};

void crowd_init(struct crowd *crowd, size_t max);
/* All members have left. */
void crowd_fini(struct crowd *crowd);
/* It waits.  Answers with who has to go, who has left already, or NULL; it may be `member`. */
struct crowd_member *crowd_enter(struct crowd *crowd, struct crowd_member *member,
                                 const struct sockaddr *address);
/* The same without a new one; NULL when all are busy. */
struct crowd_member *crowd_give_up(struct crowd *crowd);
/* These do nothing for one that has left. */
void crowd_busy(struct crowd_member *member);
void crowd_wait(struct crowd_member *member);
void crowd_leave(struct crowd *crowd, struct crowd_member *member);
