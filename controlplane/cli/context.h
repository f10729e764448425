/*
 * context: which control plane, and as whom.
 *
 * Contexts stand in one file, contexts.json (0600), in BERTH_CONTEXT_DIR, else in
 * $XDG_CONFIG_HOME/berth, else in ~/.config/berth.  BERTH_CONTEXT names one; where none is named,
 * BERTH_API and BERTH_TOKEN stand for one, or for their part of the current one.
 *
 * Ownership  texts live in the arena.
 * Thread     one.
 * Errors     ERR_NOT_FOUND: no context is set up, or none of that name.  ERR_IO, ERR_CORRUPT.
 */
#pragma once

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"

struct context {
    const char *name;
    const char *url;   /* http://127.0.0.1:8080 */
    const char *token; /* a secret */
};

struct context_file {
    const char *current; /* name; NULL when there is none */
    struct {
        struct context *items;
        size_t count;
    } contexts;
};

/* A variable of the environment; NULL when it is not set, or empty. */
const char *context_environment(const char *name);
/* mkdir -p, 0700; the text is changed on the way and whole again at the end. */
enum result folder_make(char *path) MUST_CHECK;
/* The folder, made 0700 if it is not there. */
enum result context_folder(struct arena *arena, const char **folder) MUST_CHECK;
/* An absent file is an empty one. */
enum result context_read(struct arena *arena, struct context_file *file) MUST_CHECK;
/* By rename, 0600. */
enum result context_write(struct arena *arena, const struct context_file *file) MUST_CHECK;

/* The one to use; `name` (NULL: BERTH_CONTEXT, else the current one). */
enum result context_choose(struct arena *arena, const char *name, struct context *out) MUST_CHECK;
/* Adds or replaces, and makes it the current one. */
enum result context_save(struct arena *arena, const struct context *context) MUST_CHECK;
