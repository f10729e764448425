/*
 * nats_context: contexts of the standard "nats" tool: one JSON file for each.
 *
 * They stand in $XDG_CONFIG_HOME/nats/context, else in ~/.config/nats/context; the selected one
 * is named in context.txt beside that folder.
 *
 * Ownership  borrowed for the call.
 * Thread     one.
 * Errors     ERR_INVALID: a name that is no file name.  ERR_IO.
 */
#pragma once

#include <stdbool.h>

#include "api/base/arena.h"
#include "api/base/result.h"

struct nats_context {
    const char *name, *description;
    const char *url;
    const char *creds; /* an absolute path */
};

/* *path: where it was written. */
enum result nats_context_write(struct arena *arena, const struct nats_context *context,
                               const char **path) MUST_CHECK;
/* Makes it the one that "nats" uses without --context. */
enum result nats_context_select(struct arena *arena, const char *name) MUST_CHECK;
