/*
 * files: how many descriptors this process may have open.
 *
 * Ownership  nothing.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stdint.h>

/* Raises the limit as far as the process may; the one in force from then on. */
int64_t files_raise_limit(void);
