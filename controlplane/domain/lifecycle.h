/*
 * lifecycle: the states of a kind of resource, and which action leads from where to where.
 *
 * LIF-01: one table for each kind, beside its code; whoever moves a state asks it, and statements
 * that move many at once get the states from it.  What is not in the table does not happen.
 *
 * Ownership  tables are constants; lists in the work's arena.
 * Thread     any.
 * Errors     refusal illegal_state, which names the state and what it allows.
 */
#pragma once

#include "controlplane/domain/work.h"

struct life_move {
    const char *action;
    const char *from; /* "|active|suspended|" */
    const char *to;   /* NULL: it stays as it is */
    bool asked;       /* by callers: a refusal names it among what is allowed */
};

struct lifecycle {
    const char *kind;   /* "account" */
    const char *states; /* all of them: "|active|suspended|..." */
    const struct life_move *moves;
    size_t move_count;
};

/* An action that has no row fails a CHECK.  *to (may be NULL): where it leads. */
bool lifecycle_allows(const struct lifecycle *life, const char *action, const char *state,
                      const char **to);
enum result lifecycle_may(struct work *work, const struct lifecycle *life, const char *action,
                          const char *state) MUST_CHECK;
/* The states that allow it, for statements. */
const struct strings *lifecycle_from(const struct work *work, const struct lifecycle *life,
                                     const char *action);
