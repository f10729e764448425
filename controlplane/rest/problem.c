#include "controlplane/rest/problem.h"

#include "api/base/check.h"
#include "api/base/mem.h"

#define TYPE_BASE "/v1/problems/"

static void put(json_t *object, const char *name, const char *text)
{
    json_t *value;

    if (text == NULL)
        return;
    value = json_string(text); /* NULL: it is not UTF-8 */
    CHECK(json_object_set_new(object, name, value != NULL ? value : json_string("?")) == 0);
}

static void put_errors(json_t *object, const struct refusal *refusal)
{
    json_t *errors = json_array();

    for (size_t i = 0; i < refusal->error_count; i++) {
        const struct refusal_error *error = &refusal->errors[i];
        json_t *item = json_object();

        put(item, "pointer", error->pointer);
        put(item, "code", error->code);
        put(item, "message", error->message);
        if (error->has_limit) {
            CHECK(json_object_set_new(item, "limit", json_integer(error->limit)) == 0);
            CHECK(json_object_set_new(item, "actual", json_integer(error->actual)) == 0);
        }
        CHECK(json_array_append_new(errors, item) == 0);
    }
    CHECK(json_object_set_new(object, "errors", errors) == 0);
}

static void put_conflict(json_t *object, const struct refusal *refusal)
{
    json_t *conflict = json_object();

    put(conflict, "resource", refusal->conflict_resource);
    CHECK(json_object_set_new(conflict, "version", json_integer(refusal->conflict_version)) == 0);
    if (refusal->conflict_changes != NULL) {
        CHECK(json_object_set_new(conflict, "since",
                                  refusal->conflict_since != 0
                                      ? json_integer(refusal->conflict_since)
                                      : json_null()) == 0);
        CHECK(json_object_set_new(conflict, "complete", json_boolean(refusal->conflict_complete)) ==
              0);
        CHECK(json_object_set(conflict, "changes", refusal->conflict_changes) == 0);
    }
    CHECK(json_object_set_new(object, "conflict", conflict) == 0);
}

struct problem problem_of(enum result rc, const struct refusal *refusal, const char *request_id,
                          const char *instance, struct arena *arena)
{
    enum refusal_code code = refusal->code != REFUSAL_none ? refusal->code : refusal_of(rc);
    const struct refusal_kind *kind = refusal_kind(code);
    json_t *object = json_object();
    struct problem problem = {.status = kind->status, .code = kind->code};
    char *text;

    put(object, "type", arena_printf(arena, TYPE_BASE "%s", kind->code));
    put(object, "title", kind->title);
    CHECK(json_object_set_new(object, "status", json_integer(kind->status)) == 0);
    put(object, "detail",
        refusal->code != REFUSAL_none && refusal->detail != NULL ? refusal->detail : kind->cause);
    put(object, "instance", instance);
    put(object, "code", kind->code);
    put(object, "request_id", request_id);
    CHECK(json_object_set_new(object, "retryable", json_boolean(kind->retryable)) == 0);
    if (refusal->error_count > 0)
        put_errors(object, refusal);
    if (refusal->conflict_resource != NULL)
        put_conflict(object, refusal);
    if (refusal->retry_after_s > 0)
        CHECK(json_object_set_new(object, "retry_after_s", json_integer(refusal->retry_after_s)) ==
              0);
    text = shape_dump(object);
    problem.body = arena_strdup(arena, text);
    problem.retry_after_s = refusal->retry_after_s;
    mem_free(text);
    json_decref(object);
    return problem;
}

static json_t *entry_of(const struct refusal_kind *kind)
{
    json_t *object = json_object();

    put(object, "code", kind->code);
    CHECK(json_object_set_new(object, "status", json_integer(kind->status)) == 0);
    put(object, "title", kind->title);
    put(object, "cause", kind->cause);
    put(object, "remedy", kind->remedy);
    CHECK(json_object_set_new(object, "retryable", json_boolean(kind->retryable)) == 0);
    return object;
}

json_t *problem_catalogue(void)
{
    json_t *object = json_object(), *items = json_array();

    for (enum refusal_code code = REFUSAL_none + 1; code < REFUSAL_COUNT; code++)
        CHECK(json_array_append_new(items, entry_of(refusal_kind(code))) == 0);
    CHECK(json_object_set_new(object, "items", items) == 0);
    return object;
}

json_t *problem_entry(const char *code)
{
    for (enum refusal_code at = REFUSAL_none + 1; at < REFUSAL_COUNT; at++) {
        if (strcmp(refusal_kind(at)->code, code) == 0)
            return entry_of(refusal_kind(at));
    }
    return NULL;
}
