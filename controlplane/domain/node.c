/*
 * The nodes of a system, and what each is known to hold of each account.
 */
#include "controlplane/domain/node.h"

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/operator.h"

/* clang-format off */
#define T struct node
static const struct field node_fields[] = {
    {NULL, FLATTEN_AT(T, resource), .type = &resource_shape},
    {"system_id", STRING_AT(T, system_id)},
    {"server_id", STRING_AT(T, server_id)},
    {"cluster", STRING_AT(T, cluster)},
    {"server_version", STRING_AT(T, server_version)},
    {"own", BOOL_AT(T, own)},
    {"started_at", TIME_AT(T, started_at), FIELD_NULL | FIELD_MS},
    {"resolver_kind", STRING_AT(T, resolver_kind)},
    {"jetstream", BOOL_AT(T, jetstream)},
    {"tags", STRINGS_AT(T, tags)},
    {"trusted_operator_keys", STRINGS_AT(T, trusted_keys)},
    {"operator_jti", STRING_AT(T, operator_jti)},
    {"trust_read_at", TIME_AT(T, trust_read_at), FIELD_NULL | FIELD_MS},
    {"accounts_stored", INT_AT(T, accounts_stored)},
    {"store_limit", INT_AT(T, store_limit)},
    {"max_payload", INT_AT(T, max_payload)},
    {"allow_delete", BOOL_AT(T, allow_delete)},
    {"clock_skew_ms", INT_AT(T, clock_skew_ms)},
    {"last_seen_at", TIME_AT(T, last_seen_at), FIELD_NULL | FIELD_MS},
    {"config_digest", STRING_AT(T, config_digest)},
};
#undef T
const struct shape node_shape = SHAPE(struct node, node_fields);

static const struct life_move node_moves[] = {
    {"hear", "|joining|ready|suspect|lost|retired|", "ready", false}, /* the same process */
    {"restart", "|joining|ready|suspect|lost|lame_duck|retired|", "ready", false},
    {"suspect", "|joining|ready|lame_duck|", "suspect", false},     /* 30 s without a heartbeat */
    {"lose", "|joining|ready|suspect|lame_duck|", "lost", false},   /* 5 min */
    {"lame_duck", "|joining|ready|suspect|lost|lame_duck|", "lame_duck", false},
    {"shut_down", "|joining|ready|suspect|lost|lame_duck|", "lost", false},
    {"retire", "|joining|ready|suspect|lost|lame_duck|", "retired", true},
};

#define T struct sync_node
#define SHOWN                                                                                      \
    {"node", STRING_AT(T, node)},                                                                  \
    {"node_id", STRING_AT(T, node_id)},                                                            \
    {"server_id", STRING_AT(T, server_id)},                                                        \
    {"node_state", STRING_AT(T, node_state)},                                                      \
    {"stored", STRING_AT(T, stored)},                                                              \
    {"applied", STRING_AT(T, applied)},                                                            \
    {"stored_revision", INT_AT(T, stored_revision)},                                               \
    {"applied_revision", INT_AT(T, applied_revision)},                                             \
    {"stored_at", TIME_AT(T, stored_at), FIELD_NULL | FIELD_MS},                                   \
    {"applied_at", TIME_AT(T, applied_at), FIELD_NULL | FIELD_MS},                                 \
    {"attempts", INT_AT(T, attempts)},                                                             \
    {"next_retry_at", TIME_AT(T, next_retry_at), FIELD_NULL | FIELD_MS}
static const struct field sync_node_fields[] = {
    SHOWN,
    {"error", JSON_AT(T, error), FIELD_NULL},
};
static const struct field sync_node_row_fields[] = {
    SHOWN,
    {"error_class", STRING_AT(T, error_class)},
    {"error_text", STRING_AT(T, error_text)},
};
#undef SHOWN
static const struct shape sync_node_shape = SHAPE(T, sync_node_fields);
static const struct shape sync_node_row_shape = SHAPE(T, sync_node_row_fields);
#undef T

/* What is desired is an object in the JSON only: it begins where the sync does. */
#define T struct sync
#define DESIRED                                                                                    \
    {"revision", INT_AT(T, revision)},                                                             \
    {"jti", STRING_AT(T, jti)},                                                                    \
    {"iat", INT_AT(T, iat)},                                                                       \
    {"claims_hash", STRING_AT(T, claims_hash)}
#define SHOWN                                                                                      \
    {"state", STRING_AT(T, state)},                                                                \
    {"blocked", STRING_AT(T, blocked), FIELD_OMIT_EMPTY},                                          \
    {"nodes_total", INT_AT(T, nodes_total)},                                                       \
    {"nodes_stored", INT_AT(T, nodes_stored)},                                                     \
    {"nodes_applied", INT_AT(T, nodes_applied)},                                                   \
    {"last_full_check_at", TIME_AT(T, last_full_check_at), FIELD_NULL | FIELD_MS}
static const struct field desired_fields[] = {DESIRED};
static const struct shape desired_shape = SHAPE(T, desired_fields);
static const struct field sync_fields[] = {
    SHOWN,
    {"desired", KIND_STRUCT, 0, .type = &desired_shape},
    {"nodes", OBJECTS_AT(T, nodes), .type = &sync_node_shape},
};
static const struct field sync_row_fields[] = {SHOWN, DESIRED};
#undef DESIRED
#undef SHOWN
static const struct shape sync_row_shape = SHAPE(T, sync_row_fields);
#undef T
/* clang-format on */
const struct shape sync_shape = SHAPE(struct sync, sync_fields);
const struct lifecycle node_lifecycle = {"node", "|joining|ready|suspect|lost|lame_duck|retired|",
                                         node_moves, COUNT_OF(node_moves)};

static struct db_value states_for(const struct work *work, const char *action)
{
    return db_strings(lifecycle_from(work, &node_lifecycle, action));
}

enum result node_by_ref(struct work *work, const char *system_id, const char *ref, struct node *out)
{
    return db_one(work->db, SQL_node_by_ref, DB_ARGS(db_text(system_id), db_text(ref)), &node_shape,
                  work->arena, out);
}

enum result node_list(struct work *work, const char *system_id, const struct list_query *query,
                      struct db_rows *out)
{
    return db_all(work->db, SQL_node_list, DB_ARGS(LIST_ARGS(query), db_text(system_id)),
                  &node_shape, work->arena, out);
}

enum result node_expected(struct work *work, const char *system_id, struct db_rows *out)
{
    return db_all(work->db, SQL_node_expected, DB_ARGS(db_text(system_id)), &node_shape,
                  work->arena, out);
}

enum result node_retire(struct work *work, const struct node *node, struct node *out)
{
    enum result rc = lifecycle_may(work, &node_lifecycle, "retire", node->resource.state);

    if (rc == OK)
        rc = db_change(work->db, SQL_node_retire,
                       DB_ARGS(db_text(node->resource.id), states_for(work, "retire")));
    if (rc == ERR_NOT_FOUND)
        return resource_conflict(work, &node->resource);
    if (rc == OK) /* what waited for it need not wait any longer */
        rc = db_exec(work->db, SQL_outbox_poke_system, DB_ARGS(db_text(node->system_id)));
    work->wake |= WAKE_OUTBOX | WAKE_OPERATION;
    return rc == OK ? node_by_ref(work, node->system_id, node->resource.id, out) : rc;
}

enum result node_seen(struct work *work, const struct node_report *report, struct node *out,
                      bool *fresh)
{
    struct db_args run = DB_ARGS(db_text(report->server_id), db_text(report->system_id),
                                 db_text(report->name), db_time(report->started_at));
    struct db_args known = {run.values, 3};
    enum result rc = db_exec(
        work->db, SQL_node_upsert,
        DB_ARGS(db_text(resource_id_new(work, "nod")), db_text(report->name),
                db_text(report->system_id), db_text(report->server_id),
                db_text(or_empty(report->cluster)), db_text(or_empty(report->server_version)),
                db_bool(report->own), db_time(report->started_at), db_bool(report->jetstream),
                db_strings(&report->tags), db_integer(report->max_payload),
                db_integer(report->clock_skew_ms), states_for(work, "hear"),
                states_for(work, "restart")));

    if (rc != OK)
        return rc;
    rc = db_change(work->db, SQL_node_incarnation_insert, run);
    *fresh = rc == OK;
    if (rc == OK)
        rc = db_exec(work->db, SQL_node_incarnation_supersede, known);
    else if (rc == ERR_NOT_FOUND)
        rc = db_exec(work->db, SQL_node_incarnation_seen, DB_ARGS(db_text(report->server_id)));
    return rc == OK ? node_by_ref(work, report->system_id, report->name, out) : rc;
}

enum result node_facts_set(struct work *work, const char *node_id, const struct node_facts *facts)
{
    const char *operator_id;
    enum result rc = db_exec(work->db, SQL_node_facts_set,
                             DB_ARGS(db_text(node_id), db_strings(&facts->trusted_keys),
                                     db_text(or_empty(facts->operator_jti)),
                                     db_text(or_empty(facts->resolver_kind)),
                                     db_text(or_empty(facts->config_digest)),
                                     db_bool(facts->allow_delete), db_integer(facts->store_limit)));

    if (rc == OK)
        rc = db_get_text(work->db, SQL_node_operator, DB_ARGS(db_text(node_id)), work->arena,
                         &operator_id);
    return rc == OK ? operator_keys_promote(work, operator_id) : rc;
}

enum result node_stored_count(struct work *work, const char *node_id, int64_t accounts_stored)
{
    return db_exec(work->db, SQL_node_stored_count,
                   DB_ARGS(db_text(node_id), db_integer(accounts_stored)));
}

enum result node_leaving(struct work *work, const char *server_id, bool shutdown)
{
    const char *action = shutdown ? "shut_down" : "lame_duck", *to;
    enum result rc;

    (void)lifecycle_allows(&node_lifecycle, action, "", &to);
    rc = db_exec(work->db, SQL_node_leaving,
                 DB_ARGS(db_text(server_id), db_text(to), states_for(work, action)));

    if (rc == OK && shutdown)
        rc = db_exec(work->db, SQL_node_incarnation_end, DB_ARGS(db_text(server_id)));
    return rc;
}

enum result node_age(struct work *work, const char *system_id, int64_t *moved)
{
    return db_get_int(
        work->db, SQL_node_age,
        DB_ARGS(db_text(system_id), states_for(work, "suspect"), states_for(work, "lose")), moved);
}

enum result sync_record(struct work *work, const struct sync_record *record)
{
    struct db_value stored = db_text(NULL), applied = db_text(NULL);
    bool failed = record->outcome == SYNC_FAILED || record->outcome == SYNC_MISSING;
    bool incomplete = record->outcome == SYNC_INCOMPLETE;

    if (record->outcome == SYNC_MISSING && strcmp(or_empty(record->error_class), "no_answer") != 0)
        stored = db_integer(0); /* it said so itself; silence says nothing of what it holds */
    else if (!failed && record->revision > 0)
        stored = db_integer(record->revision);
    if (record->outcome == SYNC_APPLIED && record->revision > 0)
        applied = db_integer(record->revision);
    return db_exec(work->db, SQL_sync_record,
                   DB_ARGS(db_text(record->node_id), db_text(record->account_id),
                           db_text(or_empty(record->server_id)), db_text(or_empty(record->jti)),
                           stored, applied,
                           db_bool(incomplete || record->outcome == SYNC_APPLIED ||
                                   record->outcome == SYNC_STORED),
                           db_text(incomplete ? "incomplete"
                                   : failed   ? or_empty(record->error_class)
                                              : ""),
                           db_text(failed || incomplete ? or_empty(record->error_text) : ""),
                           db_time(record->retry_at)));
}

enum result sync_held(struct work *work, const char *node_id, const char *server_id,
                      const struct sync_held *held, size_t count)
{
    struct strings ids = {arena_alloc_array(work->arena, count + 1, sizeof(char *)), count};
    struct strings revisions = {arena_alloc_array(work->arena, count + 1, sizeof(char *)), count};
    struct strings jtis = {arena_alloc_array(work->arena, count + 1, sizeof(char *)), count};

    for (size_t i = 0; i < count; i++) {
        ids.items[i] = held[i].account_id;
        revisions.items[i] = arena_printf(work->arena, "%lld", (long long)held[i].revision);
        jtis.items[i] = held[i].jti;
    }
    return db_exec(work->db, SQL_sync_held,
                   DB_ARGS(db_text(node_id), db_text(server_id), db_strings(&ids),
                           db_strings(&revisions), db_strings(&jtis)));
}

enum result sync_forget_node(struct work *work, const char *node_id)
{
    return db_exec(work->db, SQL_sync_forget_node, DB_ARGS(db_text(node_id)));
}

enum result sync_block(struct work *work, const char *account_id, const char *reason)
{
    return db_exec(work->db, SQL_sync_block, DB_ARGS(db_text(account_id), db_text(reason)));
}

static enum result changed_if_found(enum result rc, bool *changed)
{
    *changed = rc == OK;
    return rc == ERR_NOT_FOUND ? OK : rc;
}

enum result sync_foreign(struct work *work, const char *account_id, const char *jti, bool *changed)
{
    return changed_if_found(
        db_change(work->db, SQL_sync_foreign, DB_ARGS(db_text(account_id), db_text(jti))), changed);
}

enum result sync_foreign_over(struct work *work, const char *system_id, const struct strings *still,
                              bool *changed)
{
    return changed_if_found(
        db_change(work->db, SQL_sync_foreign_over, DB_ARGS(db_text(system_id), db_strings(still))),
        changed);
}

enum result sync_of_account(struct work *work, const char *account_id, struct sync *out)
{
    struct db_args args = DB_ARGS(db_text(account_id));
    struct db_rows nodes;
    enum result rc = db_one(work->db, SQL_sync_of_account, args, &sync_row_shape, work->arena, out);

    if (rc == OK)
        rc = db_all(work->db, SQL_sync_nodes, args, &sync_node_row_shape, work->arena, &nodes);
    if (rc != OK)
        return rc;
    out->nodes.items = nodes.items;
    out->nodes.count = nodes.count;
    out->nodes_applied = 0;
    for (size_t i = 0; i < nodes.count; i++) {
        struct sync_node *node = &out->nodes.items[i];

        out->nodes_applied += strcmp(node->applied, "current") == 0;
        node->error = NULL;
        if (or_empty(node->error_class)[0] != '\0')
            node->error = shape_own(work->arena, json_pack("{s:s,s:s}", "class", node->error_class,
                                                           "text", or_empty(node->error_text)));
    }
    return OK;
}

static const struct field reached_fields[] = {
    {"text", STRING_AT(struct sync_wanted, account_id)},
};
static const struct shape reached_shape = SHAPE(struct sync_wanted, reached_fields);

enum result sync_reached_all(struct work *work, const struct sync_wanted *wanted, size_t count,
                             struct strings *out)
{
    struct strings ids = {arena_alloc_array(work->arena, count + 1, sizeof(char *)), count};
    struct strings revisions = {arena_alloc_array(work->arena, count + 1, sizeof(char *)), count};
    struct db_rows rows;
    enum result rc;

    for (size_t i = 0; i < count; i++) {
        ids.items[i] = wanted[i].account_id;
        revisions.items[i] = arena_printf(work->arena, "%lld", (long long)wanted[i].revision);
    }
    rc = db_all(work->db, SQL_sync_reached, DB_ARGS(db_strings(&ids), db_strings(&revisions)),
                &reached_shape, work->arena, &rows);
    if (rc != OK)
        return rc;
    out->items = arena_alloc_array(work->arena, rows.count + 1, sizeof(char *));
    out->count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        out->items[i] = ((const struct sync_wanted *)rows.items)[i].account_id;
    return OK;
}

enum result sync_reached(struct work *work, const char *account_id, int64_t revision, bool *out)
{
    struct sync_wanted wanted = {account_id, revision};
    struct strings ids;
    enum result rc = sync_reached_all(work, &wanted, 1, &ids);

    if (rc == OK)
        *out = ids.count > 0;
    return rc;
}
