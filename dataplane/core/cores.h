/*
 * cores: how many processors this process may use.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     none; what cannot be read does not limit.
 */
#pragma once

/* Affinity, and the quota of the control group (v2 or v1), rounded up; at least 1. */
unsigned cores_usable(void);
