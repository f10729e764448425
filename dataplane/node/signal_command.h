/*
 * signal_command: --signal NAME[=PID|FILE]: speaking to a node that runs.
 *
 * Ownership  none.
 * Thread     the main thread, instead of a node.
 * Errors     a sentence in `error`; ERR_NOT_FOUND when no process runs.
 */
#pragma once

#include "api/base/result.h"

enum { SIGNAL_COMMAND_ERROR_MAX = 512 };

/* program: the name to look for among the running processes when no id is given. */
enum result signal_command_send(const char *argument, const char *program,
                                char error[SIGNAL_COMMAND_ERROR_MAX]) MUST_CHECK;
