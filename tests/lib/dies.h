/*
 * dies: whether a call stops the process, as a CHECK does.
 *
 * Ownership  none.
 * Thread     any; the call runs in a child process.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>

bool dies(void (*fn)(void *arg), void *arg);
