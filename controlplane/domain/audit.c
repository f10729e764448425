#include "controlplane/domain/audit.h"

#include "controlplane/domain/authz.h"

enum { AUDIT_STATE_EVENTS = 1000, AUDIT_USER_AGENT_MAX = 256 };

static const char *const outcome_words[] = {"success", "denied", "failed", "partial", NULL};

static const char *const actor_types[ROLE_COUNT] = {
    [ROLE_NOBODY] = "anonymous",        [ROLE_BOOTSTRAP] = "bootstrap",
    [ROLE_OPERATOR_ADMIN] = "operator", [ROLE_OPERATOR_VIEWER] = "operator",
    [ROLE_TEAM_ADMIN] = "member",       [ROLE_TEAM_VIEWER] = "member",
    [ROLE_SERVICE] = "service",         [ROLE_MACHINE] = "system",
};

/* Members of an object of their own lie in the event itself: the object begins where it does. */
#define T struct audit_event
static const struct field actor_fields[] = {
    {"type", STRING_AT(T, actor_type)},
    {"id", STRING_AT(T, actor_id)},
    {"name", STRING_AT(T, actor_name)},
    {"via_token", STRING_AT(T, via_token)},
};
static const struct field source_fields[] = {
    {"ip", STRING_AT(T, source_ip)},
    {"user_agent", STRING_AT(T, user_agent)},
};
static const struct field resource_fields[] = {
    {"kind", STRING_AT(T, resource_kind)},
    {"id", STRING_AT(T, resource_id)},
    {"name", STRING_AT(T, resource_name)},
    {"team", STRING_AT(T, team_id), FIELD_NULL},
    {"account", STRING_AT(T, account_id), FIELD_NULL},
};
static const struct shape actor_shape = SHAPE(T, actor_fields);
static const struct shape source_shape = SHAPE(T, source_fields);
static const struct shape audit_resource_shape = SHAPE(T, resource_fields);

/* clang-format off */
#define BEGINNING                                                                                  \
    {"id", STRING_AT(T, id)},                                                                      \
    {"kind", STRING_AT(T, kind)},                                                                  \
    {"time", TIME_AT(T, time), FIELD_MS}
#define END                                                                                        \
    {"on_behalf_of", STRING_AT(T, on_behalf_of), FIELD_NULL},                                      \
    {"request_id", STRING_AT(T, request_id)},                                                      \
    {"action", STRING_AT(T, action)},                                                              \
    {"outcome", STRING_AT(T, outcome)},                                                            \
    {"reason", STRING_AT(T, reason)},                                                              \
    {"before", JSON_AT(T, before), FIELD_NULL},                                                    \
    {"after", JSON_AT(T, after), FIELD_NULL},                                                      \
    {"revision", OPTIONAL_AT(T, revision), FIELD_NULL},                                            \
    {"operation_id", STRING_AT(T, operation_id), FIELD_OMIT_EMPTY}
static const struct field audit_event_fields[] = {
    BEGINNING,
    {"actor", KIND_STRUCT, 0, .type = &actor_shape},
    {"source", KIND_STRUCT, 0, .type = &source_shape},
    {"resource", KIND_STRUCT, 0, .type = &audit_resource_shape},
    END,
};
static const struct field audit_row_fields[] = {
    BEGINNING,
    {"actor_type", STRING_AT(T, actor_type)},
    {"actor_id", STRING_AT(T, actor_id)},
    {"actor_name", STRING_AT(T, actor_name)},
    {"via_token", STRING_AT(T, via_token)},
    {"source_ip", STRING_AT(T, source_ip)},
    {"user_agent", STRING_AT(T, user_agent)},
    {"resource_kind", STRING_AT(T, resource_kind)},
    {"resource_id", STRING_AT(T, resource_id)},
    {"resource_name", STRING_AT(T, resource_name)},
    {"team_id", STRING_AT(T, team_id)},
    {"account_id", STRING_AT(T, account_id)},
    END,
};
#undef BEGINNING
#undef END
#undef T
/* clang-format on */
const struct shape audit_event_shape = SHAPE(struct audit_event, audit_event_fields);
static const struct shape audit_row_shape = SHAPE(struct audit_event, audit_row_fields);

/* Whole characters of what the caller says he is, up to the bound. */
static const char *user_agent(struct work *work)
{
    struct slice text = slice_of(or_empty(work->who->user_agent));
    size_t len = 0, next;

    while ((next = slice_utf8(slice_from(text, len))) > 0 && len + next <= AUDIT_USER_AGENT_MAX)
        len += next;
    return arena_copy(work->arena, slice_make(text.data, len));
}

enum result audit_add(struct work *work, const struct audit_note *note)
{
    const struct principal *who = work->who;
    const char *actor = who->member_id != NULL ? who->member_id : who->token_id;

    return db_exec(
        work->db, SQL_audit_insert,
        DB_ARGS(db_text(resource_id_new(work, "evt")), db_time(work_now(work)),
                db_text(note->team_id), db_text(note->account_id), db_text(actor_types[who->role]),
                db_text(or_empty(actor)), db_text(or_empty(who->name)),
                db_text(or_empty(who->token_id)), db_text(or_empty(who->source_ip)),
                db_text(user_agent(work)), db_text(or_empty(who->request_id)),
                db_text(note->action), db_text(or_empty(note->resource_kind)),
                db_text(or_empty(note->resource_id)), db_text(or_empty(note->resource_name)),
                db_text(outcome_words[note->outcome]), db_text(or_empty(note->reason)),
                db_json(note->before), db_json(note->after),
                note->revision != 0 ? db_integer(note->revision) : db_text(NULL),
                db_text(or_empty(note->operation_id)), db_text(note->on_behalf_of)));
}

enum result audit_list(struct work *work, const struct audit_query *query, struct db_rows *out)
{
    const struct principal *who = work->who;
    const struct strings *only =
        principal_is_operator(who) || who->all_accounts ? NULL : &who->accounts;
    const char *team = principal_is_operator(who) ? query->team_id : who->team_id;

    return db_all(work->db, SQL_audit_list,
                  DB_ARGS(db_text(query->list.after), db_integer(query->list.limit),
                          db_time(query->list.created_after), db_time(query->list.created_before),
                          db_text(team), db_text(query->account_id), db_text(query->actor),
                          db_text(query->action), db_text(query->resource), db_text(query->outcome),
                          db_strings(only)),
                  &audit_row_shape, work->arena, out);
}

#define T struct audit_state
static const struct field audit_state_fields[] = {
    {"version", INT_AT(T, version)},
    {"state", JSON_AT(T, state)},
};
#undef T
static const struct shape audit_state_shape = SHAPE(struct audit_state, audit_state_fields);

enum result audit_state_near(struct work *work, struct audit_state *state)
{
    return db_one(work->db, SQL_audit_state_near,
                  DB_ARGS(db_text(state->resource_id), db_integer(state->version),
                          db_integer(AUDIT_STATE_EVENTS)),
                  &audit_state_shape, work->arena, state);
}
