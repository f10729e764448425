/*
 * grave: allocations that a reader without a lock may still see, collected and retired together.
 *
 * What a change replaces is put aside while the lock is held and retired after it is given back;
 * so what is retired often (nodes, tables) needs no links of its own.
 *
 * Ownership  what is put aside belongs to the grave; grave_close hands it to reclaim.
 * Thread     one at a time; grave_close: a worker, or no worker runs (then it frees at once).
 * Errors     none.
 */
#pragma once

#include "dataplane/core/reclaim.h"

struct grave;

/* *grave is NULL to begin; ptr came from mem_alloc; NULL does nothing. */
void grave_add(struct grave **grave, void *ptr);
void grave_close(struct grave *grave);
