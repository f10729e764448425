/*
 * service_manager: telling the service manager how we are (the protocol of systemd's
 * NOTIFY_SOCKET).
 *
 * Ownership  none.
 * Thread     the main thread.
 * Errors     none: without a manager nothing is told; a failure is logged.
 */
#pragma once

/* "READY=1", "STOPPING=1" */
void service_manager_tell(const char *state);
