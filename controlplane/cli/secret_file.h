/*
 * secret_file: secrets in files that only their owner reads.
 *
 * What is shown once must not get lost: the file is made ready before the secret is asked for,
 * beside its place and with room for it; then it is written, synced, and renamed to its place.
 *
 * Ownership  a secret_file is the caller's memory; every one that was opened is kept or dropped.
 * Thread     one.
 * Errors     ERR_IO, with the system's error in file->error; ERR_NOT_FOUND, ERR_LIMIT when reading.
 */
#pragma once

#include "api/base/buf.h"
#include "api/base/result.h"
#include "api/base/slice.h"

struct secret_file {
    struct buf path, beside; /* `beside` is empty when nothing is open */
    int fd, error;
};

/* Mode 0600.  A file that is there is replaced at the end; what is there and no file, is refused.
 */
enum result secret_file_open(struct secret_file *file, const char *path) MUST_CHECK;
/* At its place, as durable as the disk is; else it is not there, and what was, still is. */
enum result secret_file_keep(struct secret_file *file, struct slice text) MUST_CHECK;
/* Forgets it; nothing is done to one that was kept, or never opened. */
void secret_file_drop(struct secret_file *file);

/* All at once. */
enum result secret_file_write(const char *path, struct slice text) MUST_CHECK;
/* Appends a file, or stdin for "-". */
enum result secret_file_read(const char *path, struct buf *out) MUST_CHECK;
/* Overwrites and frees. */
void secret_buf_wipe(struct buf *buf);
