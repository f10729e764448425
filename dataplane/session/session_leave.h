/*
 * session_leave: lame duck: the node goes, and its clients are to go elsewhere before.
 *
 * Ownership  the table's.
 * Thread     the main thread; done is called on worker 0.
 * Errors     none.
 */
#pragma once

#include "dataplane/session/session_table.h"

/*
 * Lame duck: INFO ldm:true to all now; after grace_ns the sessions are closed one by one,
 * spread over duration_ns - grace_ns; done on worker 0 when none is left: at once where there
 * was none.  Once; later calls do nothing.  Main thread.
 */
void session_table_lame_duck(struct session_table *table, int64_t grace_ns, int64_t duration_ns,
                             void (*done)(void *arg, struct worker *worker), void *arg);
