#include "controlplane/rest/conflict.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "controlplane/rest/router_parts.h"

/* Nobody sets these: they change with every other change, or are counted and observed. */
static const char *const own_members[] = {
    "version",         "updated_at",        "sync",         "revision",       "jwt_size",
    "account_count",   "user_count",        "last_used_at", "last_used_from", "live_credentials",
    "nodes_total",     "nodes_ready",       "allow_delete", "conditions",     "effective_limits",
    "last_compare_at", "last_reconcile_at", "role_name",
};

struct comparison {
    json_t *changes;
    bool complete;
};

static bool is_own(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(own_members); i++) {
        if (strcmp(own_members[i], name) == 0)
            return true;
    }
    return false;
}

/* "/labels" and "a/b" -> "/labels/a~1b"; false if it does not fit. */
static bool join(char out[SHAPE_PATH_MAX], const char *path, const char *name)
{
    int used = snprintf(out, SHAPE_PATH_MAX, "%s/", path);

    if (used < 0 || used >= SHAPE_PATH_MAX)
        return false;
    for (size_t at = (size_t)used; at + 3 < SHAPE_PATH_MAX; name++) {
        if (*name == '~' || *name == '/') {
            out[at++] = '~';
            out[at++] = *name == '~' ? '0' : '1';
        } else {
            out[at++] = *name;
        }
        if (*name == '\0')
            return true;
    }
    return false;
}

static void put_value(struct comparison *all, json_t *change, const char *name, json_t *value)
{
    char *text;

    if (value == NULL)
        value = json_null();
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL && strlen(text) <= CONFLICT_VALUE_MAX)
        CHECK(json_object_set(change, name, value) == 0);
    else
        all->complete = false;
    free(text);
}

static void add_change(struct comparison *all, const char *field, json_t *then, json_t *now)
{
    json_t *change;

    if (json_array_size(all->changes) == CONFLICT_CHANGES_MAX) {
        all->complete = false;
        return;
    }
    change = json_pack("{s:s}", "field", field);
    CHECK(change != NULL && json_array_append_new(all->changes, change) == 0);
    put_value(all, change, "then", then);
    put_value(all, change, "now", now);
}

static void compare(struct comparison *all, const char *path, json_t *then, json_t *now);

static void compare_member(struct comparison *all, const char *path, const char *name, json_t *then,
                           json_t *now)
{
    char field[SHAPE_PATH_MAX];

    if (*path == '\0' && is_own(name))
        return;
    if (!join(field, path, name))
        all->complete = false;
    else
        compare(all, field, then, now);
}

/* In the order of now.  A member that is not there and one that is null are the same. */
static void compare(struct comparison *all, const char *path, json_t *then, json_t *now)
{
    const char *name;
    json_t *value;

    if (json_is_null(then))
        then = NULL;
    if (json_is_null(now))
        now = NULL;
    if (then == now || (then != NULL && now != NULL && json_equal(then, now)))
        return;
    if (!json_is_object(then) || !json_is_object(now)) {
        add_change(all, path, then, now);
        return;
    }
    json_object_foreach(now, name, value)
    {
        compare_member(all, path, name, json_object_get(then, name), value);
    }
    json_object_foreach(then, name, value)
    {
        if (json_object_get(now, name) == NULL)
            compare_member(all, path, name, value, NULL);
    }
}

json_t *conflict_changes(const json_t *then, const json_t *now, bool *complete)
{
    struct comparison all = {json_array(), true};

    compare(&all, "", (json_t *)(uintptr_t)then, (json_t *)(uintptr_t)now);
    *complete = all.complete;
    return all.changes;
}

enum result conflict_describe(struct rest_call *call, const struct resource *resource,
                              const struct shape *shape, const void *value)
{
    struct refusal *refusal = call->work.refusal;
    struct audit_state then = {.resource_id = resource->id, .version = call->if_match_version};
    json_t *now = shape_own(call->arena, shape_encode(shape, value));
    bool complete;
    enum result rc = audit_state_near(&call->work, &then);

    refusal->conflict_resource = resource->id;
    refusal->conflict_version = resource->version;
    if (rc == ERR_NOT_FOUND) {
        refusal->conflict_changes = shape_own(call->arena, json_array());
        return OK;
    }
    if (rc != OK)
        return rc;
    router_drop_secrets(then.state, shape);
    router_drop_secrets(now, shape);
    refusal->conflict_changes =
        shape_own(call->arena, conflict_changes(then.state, now, &complete));
    refusal->conflict_since = then.version;
    refusal->conflict_complete = complete && then.version == call->if_match_version;
    return OK;
}
