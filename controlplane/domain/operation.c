#include "controlplane/domain/operation.h"

#include "api/base/check.h"
#include "controlplane/domain/audit.h"
#include "controlplane/domain/authz.h"

#define T struct operation_step
static const struct field operation_step_fields[] = {
    {"ordinal", INT_AT(T, ordinal)},
    {"name", STRING_AT(T, name)},
    {"state", STRING_AT(T, state)},
    {"attempts", INT_AT(T, attempts)},
    {"detail", STRING_AT(T, detail), FIELD_OMIT_EMPTY},
    {"data", JSON_AT(T, data), FIELD_OMIT_EMPTY},
    {"started_at", TIME_AT(T, started_at), FIELD_NULL | FIELD_MS},
    {"finished_at", TIME_AT(T, finished_at), FIELD_NULL | FIELD_MS},
};
#undef T
const struct shape operation_step_shape = SHAPE(struct operation_step, operation_step_fields);

/* Members of an object of their own lie in the operation itself: the object begins where it does.
 */
#define T struct operation
static const struct field resource_ref_fields[] = {
    {"kind", STRING_AT(T, resource_kind)},
    {"id", STRING_AT(T, resource_id)},
};
static const struct shape resource_ref_shape = SHAPE(T, resource_ref_fields);
static const struct field progress_fields[] = {
    {"done", INT_AT(T, steps_done)},
    {"total", INT_AT(T, steps_total)},
};
static const struct shape progress_shape = SHAPE(T, progress_fields);

/* clang-format off */
#define SHOWN                                                                                      \
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},                                      \
    {"type", STRING_AT(T, type)},                                                                  \
    {"team_id", STRING_AT(T, team_id), FIELD_NULL},                                                \
    {"account_id", STRING_AT(T, account_id), FIELD_NULL},                                          \
    {"steps", OBJECTS_AT(T, steps), .type = &operation_step_shape},                                \
    {"result", JSON_AT(T, result), FIELD_NULL},                                                    \
    {"cancelable", BOOL_AT(T, cancelable)},                                                        \
    {"finished_at", TIME_AT(T, finished_at), FIELD_NULL | FIELD_MS}
static const struct field operation_fields[] = {
    SHOWN,
    {"resource", KIND_STRUCT, 0, .type = &resource_ref_shape},
    {"progress", KIND_STRUCT, 0, .type = &progress_shape},
    {"error", JSON_AT(T, error), FIELD_NULL},
};
static const struct field operation_row_fields[] = {
    SHOWN,
    {"resource_kind", STRING_AT(T, resource_kind)},
    {"resource_id", STRING_AT(T, resource_id)},
    {"error_code", STRING_AT(T, error_code)},
    {"error_detail", STRING_AT(T, error_detail)},
    {"input", JSON_AT(T, input)},
    {"lease_epoch", INT_AT(T, lease_epoch)},
};
#undef SHOWN
#undef T
/* clang-format on */
const struct shape operation_shape = SHAPE(struct operation, operation_fields);
const struct shape operation_row_shape = SHAPE(struct operation, operation_row_fields);

static const struct life_move operation_moves[] = {
    {"cancel", "|pending|", "canceled", true},
    {"claim", "|pending|running|", "running", false}, /* also from whom its lease has lost */
    {"work", "|running|", NULL, false},
    {"succeed", "|running|", "succeeded", false},
    {"fail", "|running|", "failed", false},
};
const struct lifecycle operation_lifecycle = {"operation",
                                              "|pending|running|succeeded|failed|canceled|",
                                              operation_moves, COUNT_OF(operation_moves)};

static struct db_value states_for(const struct work *work, const char *action)
{
    return db_strings(lifecycle_from(work, &operation_lifecycle, action));
}

/* Of those accounts only that the principal may see; NULL: all. */
static const struct strings *visible(const struct work *work)
{
    return principal_is_operator(work->who) || work->who->all_accounts ? NULL
                                                                       : &work->who->accounts;
}

static enum result lost_if_missing(enum result rc)
{
    return rc == ERR_NOT_FOUND ? ERR_CONFLICT : rc;
}

enum result operation_start(struct work *work, const struct operation_new *new,
                            struct operation *out)
{
    const char *id = resource_id_new(work, "ope");
    enum result rc;

    rc = db_exec(work->db, SQL_operation_insert,
                 DB_ARGS(db_text(id), db_text(new->resource_name), db_text(work->who->name),
                         db_text(new->team_id), db_text(new->account_id), db_text(new->type),
                         db_text(new->resource_kind), db_text(new->resource_id),
                         db_json(new->input)));
    for (int64_t i = 0; rc == OK && new->steps[i] != NULL; i++)
        rc = db_exec(
            work->db, SQL_operation_step_insert,
            DB_ARGS(db_text(id), db_integer(i + 1), db_text(new->team_id), db_text(new->steps[i])));
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_illegal_state,
                           "This operation is under way already.");
    if (rc != OK)
        return rc;
    work->wake |= WAKE_OPERATION;
    return operation_by_id(work, id, out);
}

/* What is not in a column of its own. */
static void complete(struct work *work, struct operation *operation)
{
    operation->steps_total = (int64_t)operation->steps.count;
    operation->steps_done = 0;
    for (size_t i = 0; i < operation->steps.count; i++)
        operation->steps_done += operation->steps.items[i].finished_at != 0;
    operation->error = NULL;
    if (or_empty(operation->error_code)[0] != '\0')
        operation->error =
            shape_own(work->arena, json_pack("{s:s,s:s}", "code", operation->error_code, "detail",
                                             or_empty(operation->error_detail)));
}

enum result operation_by_id(struct work *work, const char *id, struct operation *out)
{
    enum result rc =
        db_one(work->db, SQL_operation_by_id, DB_ARGS(db_text(id), db_strings(visible(work))),
               &operation_row_shape, work->arena, out);

    if (rc == OK)
        complete(work, out);
    return rc;
}

enum result operation_list(struct work *work, const struct operation_query *query,
                           struct db_rows *out)
{
    enum result rc = db_all(
        work->db, SQL_operation_list,
        DB_ARGS(LIST_ARGS(&query->list), db_text(query->resource), db_strings(visible(work))),
        &operation_row_shape, work->arena, out);

    for (size_t i = 0; rc == OK && i < out->count; i++)
        complete(work, (struct operation *)out->items + i);
    return rc;
}

enum result operation_cancel(struct work *work, const char *id, struct operation *out)
{
    enum result rc = operation_by_id(work, id, out);

    if (rc == OK)
        rc = lifecycle_may(work, &operation_lifecycle, "cancel", out->resource.state);
    if (rc != OK)
        return rc;
    rc =
        db_change(work->db, SQL_operation_cancel, DB_ARGS(db_text(id), states_for(work, "cancel")));
    if (rc == ERR_NOT_FOUND)
        return refusal_set(work->refusal, REFUSAL_illegal_state,
                           "An operation such as %s cannot be canceled once it has begun.",
                           out->type);
    return rc == OK ? operation_by_id(work, id, out) : rc;
}

enum result operation_claim(struct work *work, int64_t lease_s, struct operation *out)
{
    const char *id;
    enum result rc =
        db_get_text(work->db, SQL_operation_claim,
                    DB_ARGS(db_integer(lease_s), states_for(work, "claim")), work->arena, &id);

    return rc == OK ? operation_by_id(work, id, out) : rc;
}

enum result operation_renew(struct work *work, const struct operation *operation, int64_t lease_s)
{
    return lost_if_missing(
        db_change(work->db, SQL_operation_renew,
                  DB_ARGS(db_text(operation->resource.id), db_integer(operation->lease_epoch),
                          db_integer(lease_s), states_for(work, "work"))));
}

enum result operation_pause(struct work *work, const struct operation *operation, int64_t ordinal,
                            const char *detail, int64_t delay_ms)
{
    return lost_if_missing(
        db_change(work->db, SQL_operation_pause,
                  DB_ARGS(db_text(operation->resource.id), db_integer(operation->lease_epoch),
                          db_integer(delay_ms), db_integer(ordinal), db_text(detail),
                          states_for(work, "work"))));
}

enum result operation_step_set(struct work *work, const struct operation *operation,
                               int64_t ordinal, const char *state, const char *detail, json_t *data)
{
    const char *id;
    enum result rc =
        db_get_text(work->db, SQL_operation_hold,
                    DB_ARGS(db_text(operation->resource.id), db_integer(operation->lease_epoch),
                            states_for(work, "work")),
                    work->arena, &id);

    if (rc != OK)
        return lost_if_missing(rc);
    return db_change(
        work->db, SQL_operation_step_set,
        DB_ARGS(db_text(id), db_integer(ordinal), db_text(state), db_text(detail), db_json(data)));
}

enum result operation_finish(struct work *work, const struct operation *operation, json_t *result,
                             const char *error_code, const char *error_detail)
{
    struct audit_note note = {
        .action = operation->type,
        .resource_kind = operation->resource_kind,
        .resource_id = operation->resource_id,
        .resource_name = operation->resource.name,
        .team_id = operation->team_id,
        .account_id = operation->account_id,
        .outcome = error_code == NULL ? AUDIT_SUCCESS : AUDIT_FAILED,
        .reason = error_detail,
        .after = result,
        .operation_id = operation->resource.id,
        .on_behalf_of = operation->resource.created_by,
    };
    const char *action = error_code == NULL ? "succeed" : "fail", *to;
    enum result rc;

    (void)lifecycle_allows(&operation_lifecycle, action, operation->resource.state, &to);
    rc = lost_if_missing(db_change(
        work->db, SQL_operation_finish,
        DB_ARGS(db_text(operation->resource.id), db_integer(operation->lease_epoch), db_text(to),
                db_text(or_empty(error_code)), db_text(or_empty(error_detail)), db_json(result),
                states_for(work, action))));
    return rc == OK ? audit_add(work, &note) : rc;
}

enum result operation_next_ms(struct work *work, int64_t *out)
{
    enum result rc = db_get_int(work->db, SQL_operation_next_ms, DB_NO_ARGS, out);

    if (rc == ERR_NOT_FOUND) {
        *out = -1;
        return OK;
    }
    return rc;
}
