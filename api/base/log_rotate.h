/*
 * log_rotate: a log file that has grown is put aside, and of those put aside only the last stay.
 *
 * The file is renamed to FILE.YYYY.MM.DD.HH.MM.SS.NNNNNNNNN, by the local time of the moment, in
 * the form of the reference server; names of that form sort by age.
 *
 * Ownership  everything is the caller's.
 * Thread     one at a time for one file.
 * Errors     log_rotate: ERR_IO when the file cannot be renamed (errno says why).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/base/result.h"

enum { LOG_ROTATE_NAME_MAX = 4096 };

/* Renames the file; `backup` is what it is called now. */
enum result log_rotate(const char *file, int64_t now_ns,
                       char backup[LOG_ROTATE_NAME_MAX]) MUST_CHECK;
/* Removes the oldest of those put aside until `keep` are left. */
void log_rotate_purge(const char *file, size_t keep);
