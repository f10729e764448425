/*
 * machine: what this process may use of the machine.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     none; what cannot be read does not limit.
 */
#pragma once

#include <stddef.h>

/* Processors: affinity, and the quota of the control group (v2 or v1), rounded up; at least 1. */
unsigned machine_cores(void);
/* Bytes of memory: what is there, or what the control group allows. */
size_t machine_memory(void);
