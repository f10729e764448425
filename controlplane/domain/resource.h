/*
 * resource: what every resource has: id, kind, name, labels, version, state, conditions.
 *
 * Ids are typed and sortable: "acc_" and the 26 characters of a ULID.  Those that one process makes
 * rise strictly, also within a millisecond and when its clock is set back.
 *
 * Ownership  texts in the arena.
 * Thread     any.
 * Errors     the rules return false; the shapes name them in their messages.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/shape.h"
#include "controlplane/domain/rules.h"
#include "controlplane/domain/work.h"

enum { RESOURCE_ID_MAX = 40, RESOURCE_NAME_MAX = 63, RESOURCE_LABELS_MAX = 64 };

struct resource {
    const char *id, *kind, *name, *display_name, *description;
    struct string_map labels;
    int64_t created_at;
    const char *created_by;
    int64_t updated_at, version;
    const char *state;
    json_t *conditions; /* NULL: none */
};

/* For KIND_FLATTEN: all of the above, to JSON and from rows (columns id, kind, name, ...). */
extern const struct shape resource_shape;

/* What a caller may set of it; the common part of bodies, for KIND_FLATTEN. */
struct resource_settings {
    const char *name, *display_name, *description;
    struct string_map labels;
};
/* With VAL-01's rule for names of teams, accounts, plans, roles, ... */
extern const struct shape resource_settings_shape;
/* With NATS's rule, for users. */
extern const struct shape resource_user_settings_shape;
/* Without the name: for what is named after something else. */
extern const struct shape resource_nameless_settings_shape;

struct resource_settings resource_settings_of(const struct resource *resource);
/* The labels as JSON for a statement; in the arena. */
json_t *resource_labels(const struct resource_settings *settings, struct arena *arena);

/* NULL is "". */
const char *or_empty(const char *text);

/* The refusal version_conflict: it has changed since it was read. */
enum result resource_conflict(struct work *work, const struct resource *resource);

/* prefix without the underscore. */
const char *resource_id_new(const struct work *work, const char *prefix);
bool resource_id_valid(const char *prefix, const char *text);

/* How a list is asked for; the first eight parameters of every list statement. */
struct list_query {
    const char *after; /* id of the last one seen; NULL: from the beginning */
    int64_t limit;     /* rows wanted, plus one to know whether there are more */
    const char *state, *q;
    json_t *labels; /* an object that labels must contain; NULL: any */
    int64_t created_after, created_before, updated_after;
};
#define LIST_ARGS(query)                                                               \
    db_text((query)->after != NULL ? (query)->after : ""), db_integer((query)->limit), \
        db_text((query)->state), db_text((query)->q), db_json((query)->labels),        \
        db_time((query)->created_after), db_time((query)->created_before),             \
        db_time((query)->updated_after)
