/*
 * event: what the node tells the system account without being asked.
 *
 * $SYS.ACCOUNT.<account>.CONNECT and .DISCONNECT, $SYS.SERVER.<id>.CLIENT.AUTH.ERR,
 * $SYS.ACCOUNT.<account>.SERVER.CONNS (and its older subject), $SYS.SERVER.<id>.STATSZ,
 * .LAMEDUCK and .SHUTDOWN.  What nobody subscribes to is not put together.
 *
 * STATSZ goes out 250 ms after start, then at twice the distance each time up to 10 s; the
 * accounts' figures when their connections change and every 30 s while there are any.
 *
 * Ownership  borrows the monitor.
 * Thread     the hooks: the session's worker.  event_start and event_stop: every worker; the
 *            timers are worker 0's.
 * Errors     none.
 */
#pragma once

#include "dataplane/monitor/monitor.h"

void event_hooks(struct monitor *monitor, struct session_hooks *out);

struct event_timers;
/* On worker 0. */
struct event_timers *event_timers_start(struct monitor *monitor, struct worker *worker);
void event_timers_stop(struct event_timers *timers, struct worker *worker);

/* One STATSZ now; at most one a second. */
void event_statsz(struct monitor *monitor, struct worker *worker);
void event_statsz_fill(struct monitor *monitor, struct sys_server_stats *out);
/* The account's figures on `subject`; NULL: on both subjects of the event. */
void event_account_conns(struct monitor *monitor, struct worker *worker,
                         const struct account *account, const char *subject);

void event_lame_duck(struct monitor *monitor, struct worker *worker);
/*
 * The end, in this order: every worker closes its sessions outside the system account; then on
 * one worker the final figures of every account, and SHUTDOWN.
 */
void event_close_ordinary(struct monitor *monitor, struct worker *worker);
void event_shutdown(struct monitor *monitor, struct worker *worker);
