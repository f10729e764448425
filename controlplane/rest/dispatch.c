/*
 * One request, in order: route, token, rate limit; then one transaction with scope, idempotency,
 * query, body, If-Match, handler, audit and the record of the answer; commit; wake.
 *
 * What can go wrong: a refusal rolls everything back and is written to the audit trail (and, if
 * it would be the same again, to the record of idempotency) in a transaction of its own.  A
 * transaction that lost against another (serialization, deadlock) is made again from its
 * beginning, a few times; nothing of it has been seen by anybody.  So is one whose handler must
 * know first what the nodes say.
 */
#include "controlplane/rest/dispatch.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/domain/idempotency.h"
#include "controlplane/domain/token.h"
#include "controlplane/rest/later.h"
#include "controlplane/rest/request.h"
#include "controlplane/rest/router_parts.h"
#include "controlplane/rest/server.h"

enum {
    ATTEMPTS = 4,
    DB_WAIT_MS = 5000,
    FAILURES_PER_MINUTE = 30, /* of logging in, for each address and each token id */
};

/* --- finding the route -------------------------------------------------------------------- */

/* One segment of a template against one of a path; a parameter is put down. */
static bool match_segment(struct rest_call *call, size_t *count, struct slice template,
                          struct slice segment)
{
    struct slice name, suffix;
    const char *close, *value;

    if (template.len == 0 || template.data[0] != '{')
        return slice_equal(template, segment);
    close = memchr(template.data, '}', template.len);
    CHECK(close != NULL);
    name = slice_make(template.data + 1, (size_t)(close - template.data) - 1);
    suffix = slice_from(template, (size_t)(close - template.data) + 1);
    if (!slice_ends(segment, suffix) || segment.len <= suffix.len)
        return false;
    segment.len -= suffix.len;
    if (memchr(segment.data, ':', segment.len) != NULL)
        return false;
    value = router_decode(call->arena, segment, false);
    if (value == NULL || *value == 0)
        return false;
    CHECK(*count < ROUTE_PARAMS_MAX);
    call->names[*count] = arena_copy(call->arena, name);
    call->params[(*count)++] = value;
    return true;
}

static bool match_path(struct rest_call *call, const char *template)
{
    struct slice left = slice_of(template), right = slice_of(call->path), a, b;
    size_t count = 0;

    memset(call->names, 0, sizeof(call->names));
    for (;;) {
        bool more_left = slice_cut(&left, '/', &a), more_right = slice_cut(&right, '/', &b);

        if (more_left != more_right)
            return false;
        if (!more_left)
            return true;
        if (!match_segment(call, &count, a, b))
            return false;
    }
}

static enum result find_route(struct rest_call *call)
{
    const char *allow = NULL;

    for (size_t i = 0; rest_tables[i] != NULL; i++) {
        for (const struct rest_route *route = rest_tables[i]; route->method != NULL; route++) {
            if (!match_path(call, route->path))
                continue;
            if (strcmp(route->method, call->method) == 0) {
                call->route = route;
                return OK;
            }
            allow = allow == NULL ? route->method
                                  : arena_printf(call->arena, "%s, %s", allow, route->method);
        }
    }
    if (allow == NULL)
        return refusal_set(call->work.refusal, REFUSAL_not_found, "there is no such path");
    router_header(call, "Allow", allow);
    return refusal_set(call->work.refusal, REFUSAL_method_not_allowed, "use one of: %s", allow);
}

static bool is_mutation(const struct rest_call *call)
{
    return strcmp(call->method, "GET") != 0;
}

static enum result check_accept(struct rest_call *call)
{
    const char *accept = call->request->accept;

    if (accept == NULL || *accept == 0 || strstr(accept, "*/*") != NULL ||
        strstr(accept, "application/") != NULL || strstr(accept, "text/") != NULL)
        return OK;
    return refusal_set(call->work.refusal, REFUSAL_not_acceptable,
                       "answers are JSON: accept application/json");
}

/* --- who asks ----------------------------------------------------------------------------- */

static enum result limited(struct rest_call *call, const struct limit_state *state,
                           const char *what)
{
    call->work.refusal->retry_after_s = state->wait_s;
    return refusal_set(call->work.refusal, REFUSAL_rate_limited, "too many %s; wait %lld s", what,
                       (long long)state->wait_s);
}

static const char *token_of(struct rest_call *call)
{
    struct slice text = slice_of(call->request->authorization);

    if (text.len < 8 || !slice_equal_nocase(slice_make(text.data, 7), SLICE("Bearer ")))
        return NULL;
    text = slice_trim(slice_from(text, 7));
    return text.len > 0 && text.len < TOKEN_TEXT_MAX ? arena_copy(call->arena, text) : NULL;
}

/* The part of a token that names it: the buckets of failures are by address and by this. */
static struct slice token_id_of(struct rest_call *call, const char *token)
{
    struct slice rest = slice_of(token), prefix, id;

    if (!slice_cut(&rest, '_', &prefix) || !slice_cut(&rest, '_', &id))
        return SLICE("malformed");
    return slice_of(arena_printf(call->arena, "id:%.*s", (int)id.len, id.data));
}

static enum result unauthenticated(struct rest_call *call, const char *why)
{
    router_header(call, "WWW-Authenticate", "Bearer realm=\"berth\"");
    return refusal_set(call->work.refusal, REFUSAL_unauthenticated, "%s", why);
}

static enum result authenticate(struct rest_call *call)
{
    struct limit *limit = call->server->limit;
    struct slice address =
        slice_of(arena_printf(call->arena, "address:%s",
                              call->request->source_ip != NULL ? call->request->source_ip : ""));
    const char *token = token_of(call);
    struct principal known = call->who;
    struct limit_state state;
    struct slice id;
    enum result rc;

    if (token == NULL)
        return unauthenticated(call, "send Authorization: Bearer and a token");
    id = token_id_of(call, token);
    if (!limit_open(limit, address, FAILURES_PER_MINUTE, &state) ||
        !limit_open(limit, id, FAILURES_PER_MINUTE, &state))
        return limited(call, &state, "failed log-ins");
    rc = db_begin(call->work.db, NULL);
    if (rc == OK)
        rc = db_end(call->work.db,
                    token_authenticate(&call->work, token, call->request->source_ip, &call->who));
    sodium_memzero((char *)(uintptr_t)token, strlen(token));
    call->who.request_id = known.request_id;
    call->who.source_ip = known.source_ip;
    call->who.user_agent = known.user_agent;
    if (rc == ERR_UNAUTHENTICATED || rc == ERR_NOT_FOUND) {
        limit_take(limit, address, FAILURES_PER_MINUTE, &state);
        limit_take(limit, id, FAILURES_PER_MINUTE, &state);
        return unauthenticated(call, "the token is not valid");
    }
    return rc;
}

static enum result check_rate(struct rest_call *call)
{
    const struct rest_options *options = &call->server->options;
    bool expensive = call->route->flags & ROUTE_EXPENSIVE;
    const char *class = expensive ? "expensive" : is_mutation(call) ? "write" : "read";
    int64_t rate = expensive           ? options->expensive_per_minute
                   : is_mutation(call) ? options->write_per_minute
                                       : options->read_per_minute;
    struct limit_state token_state, team_state = {0};
    bool open;

    open = limit_take(call->server->limit,
                      slice_of(arena_printf(call->arena, "%s:%s", class, call->who.token_id)), rate,
                      &token_state);
    if (open && call->who.team_id != NULL) /* a team's tokens together: four times one's rate */
        open = limit_take(call->server->limit,
                          slice_of(arena_printf(call->arena, "%s:%s", class, call->who.team_id)),
                          rate * 4, &team_state);
    router_header(call, "RateLimit-Policy",
                  arena_printf(call->arena, "\"%s\";q=%lld;w=60", class, (long long)rate));
    router_header(call, "RateLimit",
                  arena_printf(call->arena, "\"%s\";r=%lld;t=%lld", class,
                               (long long)token_state.left, (long long)token_state.wait_s));
    if (open)
        return OK;
    return limited(call, token_state.wait_s > 0 ? &token_state : &team_state, "requests");
}

/* --- inside the transaction --------------------------------------------------------------- */

static enum result hidden(struct rest_call *call)
{
    return refusal_set(call->work.refusal, REFUSAL_not_found, "there is no such resource");
}

static enum result load_team(struct rest_call *call, const char *ref)
{
    enum result rc = team_by_ref(&call->work, ref, &call->team);

    call->has_team = rc == OK;
    return rc == ERR_NOT_FOUND ? hidden(call) : rc;
}

static enum result load_account(struct rest_call *call, const char *ref)
{
    enum result rc = account_by_ref(&call->work, ref, &call->account);

    if (rc == OK && is_mutation(call) &&
        principal_sees_account(&call->who, call->account.team_id, call->account.resource.id))
        rc = account_lock(&call->work, call->account.resource.id, 0, &call->account);
    call->has_account = rc == OK;
    call->revision_found = rc == OK ? call->account.revision : 0;
    return rc == ERR_NOT_FOUND ? hidden(call) : rc;
}

/* {team} and {account} of the path, and whether the caller may. */
static enum result check_scope(struct rest_call *call)
{
    const char *team = router_param(call, "team"), *account = router_param(call, "account");
    struct authz_target target = {0};
    enum result rc = OK;

    if (team != NULL)
        rc = load_team(call, team);
    if (rc == OK && account != NULL)
        rc = load_account(call, account);
    if (rc != OK)
        return rc;
    if (call->has_team)
        target.team_id = call->team.resource.id;
    if (call->has_account) {
        target.team_id = call->account.team_id;
        target.account_id = call->account.resource.id;
    }
    switch (authz_check(&call->who, call->route->permission, &target)) {
    case VERDICT_ALLOW:
        return OK;
    case VERDICT_DENY:
        return refusal_set(call->work.refusal, REFUSAL_forbidden, "this needs %s",
                           call->route->permission);
    case VERDICT_HIDE:
        return hidden(call);
    }
    CHECK_UNREACHABLE("verdict");
}

static bool is_json(const char *content_type)
{
    struct slice type = slice_of(content_type), first;

    return content_type != NULL && slice_cut(&type, ';', &first) &&
           (slice_equal_nocase(slice_trim(first), SLICE("application/json")) ||
            slice_equal_nocase(slice_trim(first), SLICE("application/merge-patch+json")));
}

static enum result parse_body(struct rest_call *call)
{
    struct shape_error error;
    json_t *tree;

    if (call->request->too_large)
        return refusal_set(call->work.refusal, REFUSAL_body_too_large,
                           "the body is larger than %d bytes", REST_BODY_MAX);
    if (slice_empty(call->request->body)) {
        if (call->route->body == NULL && !(call->route->flags & ROUTE_MERGE))
            return OK;
        call->body_json = shape_own(call->arena, json_object()); /* nothing is an empty object */
        return OK;
    }
    if (!is_json(call->request->content_type))
        return refusal_set(call->work.refusal, REFUSAL_unsupported_media_type,
                           "send Content-Type: application/json");
    if (shape_parse(call->request->body, &tree, &error) != OK)
        return refusal_set(call->work.refusal, REFUSAL_malformed_json, "%s", error.message);
    call->body_json = shape_own(call->arena, tree);
    if (!json_is_object(tree))
        return refusal_set(call->work.refusal, REFUSAL_malformed_json,
                           "the body must be a JSON object");
    return OK;
}

static enum result decode_body(struct rest_call *call)
{
    const struct shape *shape = call->route->body;
    struct shape_error error;
    enum result rc;

    if (call->route->flags & ROUTE_MERGE)
        return OK; /* router_merge decodes it against what is there */
    if (shape == NULL) {
        const char *key = json_object_iter_key(json_object_iter(call->body_json));

        if (key == NULL)
            return OK;
        return refusal_set(call->work.refusal, REFUSAL_unknown_field,
                           "nothing is taken from a body here");
    }
    call->body = arena_alloc(call->arena, shape->size);
    rc = shape_decode(shape, call->body_json, SHAPE_STRICT, call->arena, call->body, &error);
    return rc == OK ? OK : refusal_shape(call->work.refusal, rc, &error);
}

/* --- idempotency -------------------------------------------------------------------------- */

static bool visible_ascii(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e)
            return false;
    }
    return len >= 1 && len <= IDEMPOTENCY_KEY_MAX;
}

/* *used: the request has a key. */
static enum result make_key(struct rest_call *call, struct idempotency_key *key, bool *used)
{
    const char *text = call->request->idempotency_key;
    char *canonical = NULL;

    *used = false;
    if (text == NULL || strcmp(call->method, "POST") != 0)
        return OK;
    if (!visible_ascii(text))
        return refusal_set(call->work.refusal, REFUSAL_invalid_parameter,
                           "Idempotency-Key must be 1 to %d visible ASCII characters",
                           IDEMPOTENCY_KEY_MAX);
    if (call->body_json != NULL)
        canonical = json_dumps(call->body_json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    idempotency_key_make(call->who.token_id, call->method, call->path, text, slice_of(canonical),
                         key);
    if (canonical != NULL)
        sodium_memzero(canonical, strlen(canonical));
    free(canonical);
    *used = true;
    return OK;
}

static enum result replay(struct rest_call *call, const struct idempotency_answer *answer)
{
    if (answer->secret)
        return refusal_set(call->work.refusal, REFUSAL_secret_no_longer_available,
                           "the first answer held a secret, which is not kept; the resource is %s",
                           answer->resource_id != NULL ? answer->resource_id : "there");
    call->reply.status = (int)answer->status;
    call->reply.media_type = answer->media_type;
    call->reply.body = answer->body;
    call->reply.body_len = answer->body != NULL ? strlen(answer->body) : 0;
    call->reply.location = answer->location;
    call->reply.etag = answer->etag;
    router_header(call, "Idempotent-Replayed", "true");
    return OK;
}

static enum result store_answer(struct rest_call *call, const struct idempotency_key *key)
{
    struct idempotency_answer answer = {
        .status = call->reply.status,
        .body = call->reply.body,
        .media_type = call->reply.media_type,
        .location = call->reply.location,
        .etag = call->reply.etag,
        .resource_id = call->reply.resource_id,
    };

    if ((call->route->flags & ROUTE_SECRET) && call->reply.status < 300) {
        answer.secret = true;
        answer.body = NULL;
    }
    return idempotency_store(&call->work, key, &answer);
}

/* --- the whole ---------------------------------------------------------------------------- */

/* A mutation whose handler wrote no event of its own still leaves one. */
static enum result ensure_audit(struct rest_call *call)
{
    struct audit_note note = {
        .action = router_action(call->route, call->arena),
        .resource_id = call->reply.resource_id,
        .team_id = router_audit_team(call),
        .account_id = router_audit_account(call),
        .outcome = AUDIT_SUCCESS,
    };

    if (!is_mutation(call) || call->audited)
        return OK;
    return audit_add(&call->work, &note);
}

static enum result inside(struct rest_call *call, const struct idempotency_key *key, bool keyed)
{
    struct idempotency_answer answer = {0};
    bool found = false;
    enum result rc = check_scope(call);

    if (rc == OK && keyed)
        rc = idempotency_take(&call->work, key, &found, &answer);
    if (rc == OK && found)
        return replay(call, &answer);
    if (rc == OK)
        rc = router_read_query(call);
    if (rc == OK)
        rc = router_read_if_match(call);
    if (rc == OK)
        rc = later_check(call);
    if (rc == OK)
        rc = decode_body(call);
    if (rc == OK)
        rc = call->route->handler(call);
    if (rc == OK)
        rc = ensure_audit(call);
    if (rc == OK && keyed && call->after == NULL)
        rc = store_answer(call, key);
    return rc;
}

/* As before the first attempt, when the reply had header_count headers. */
static void reset_attempt(struct rest_call *call, size_t header_count)
{
    struct rest_reply reply = call->reply;

    call->reply = (struct rest_reply){.header_count = header_count};
    memcpy(call->reply.headers, reply.headers, sizeof(reply.headers));
    *call->work.refusal = (struct refusal){.arena = call->arena};
    call->work.wake = 0;
    call->wait = (struct rest_wait){0};
    call->has_team = call->has_account = call->audited = false;
    call->revision_found = 0;
    call->body = NULL;
    call->action = call->operation_id = NULL;
    call->after = NULL;
    call->ask = NULL;
    call->list = (struct list_query){0};
}

/* Lost against another transaction: not a refusal of ours, or one that came between reading and
 * writing.  Made again, it reads what the other wrote, and router_match says what that is. */
static bool is_lost_race(const struct rest_call *call, enum result rc)
{
    const struct refusal *refusal = call->work.refusal;

    return rc == ERR_CONFLICT &&
           (refusal->code == REFUSAL_none ||
            (refusal->code == REFUSAL_version_conflict && refusal->conflict_changes == NULL));
}

static enum result take_db(struct rest_call *call)
{
    if (pool_take(call->server->pool, DB_WAIT_MS, &call->work.db) == OK)
        return OK;
    call->work.db = NULL;
    return refusal_set(call->work.refusal, REFUSAL_database_unavailable,
                       "the database cannot be reached; try again later");
}

static void give_db(struct rest_call *call)
{
    if (call->work.db != NULL)
        pool_give(call->server->pool, call->work.db);
    call->work.db = NULL;
}

static enum result ask(struct rest_call *call)
{
    give_db(call);
    call->ask(call);
    return take_db(call);
}

static enum result transact(struct rest_call *call, const struct idempotency_key *key, bool keyed)
{
    const char *team = (call->route->flags & ROUTE_SERVICE) || principal_is_operator(&call->who)
                           ? NULL
                           : call->who.team_id;
    size_t header_count = call->reply.header_count;
    int lost = 0;

    for (;;) {
        enum result rc;

        reset_attempt(call, header_count);
        rc = db_begin(call->work.db, team);
        if (rc != OK)
            return rc;
        rc = db_end(call->work.db, inside(call, key, keyed));
        if (rc == ERR_AGAIN && call->ask != NULL) {
            rc = ask(call);
            if (rc != OK)
                return rc;
        } else if (!is_lost_race(call, rc) || ++lost == ATTEMPTS) {
            return rc;
        }
    }
}

/* What the path names last, and its kind as events have it. */
static void note_resource(const struct rest_call *call, struct audit_note *note)
{
    static const char *const kinds[][2] = {
        {"key", "signing_key"}, {"user_key", "revocation"}, {"name", NULL}};
    size_t count = 0;
    const char *kind;

    while (count < ROUTE_PARAMS_MAX && call->names[count] != NULL)
        count++;
    if (count == 0)
        return;
    kind = call->names[count - 1];
    note->resource_id = call->params[count - 1];
    if (strcmp(kind, "account") == 0 && note->account_id != NULL)
        note->resource_id = note->account_id; /* not its key */
    note->resource_kind = kind;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i][0], kind) == 0)
            note->resource_kind = kinds[i][1];
    }
}

/* Whose trail it belongs to: of what the caller may see, the owner's; else the caller's own. */
static void note_owner(const struct rest_call *call, struct audit_note *note)
{
    const struct principal *who = &call->who;

    note->team_id = who->team_id;
    if (call->has_account &&
        principal_sees_account(who, call->account.team_id, call->account.resource.id)) {
        note->team_id = call->account.team_id;
        note->account_id = call->account.resource.id;
    } else if (call->has_team && principal_is_operator(who)) {
        note->team_id = call->team.resource.id;
    }
}

/* A refused mutation leaves an event, and its answer if it would be the same again. */
static void record_refusal(struct rest_call *call, const struct idempotency_key *key, bool keyed,
                           enum result refused)
{
    int status = call->reply.status;
    bool denied = status == 401 || status == 403 || status == 404;
    struct refusal none = {.arena = call->arena}, *said = call->work.refusal;
    struct audit_note note = {
        .action = call->action != NULL ? call->action : router_action(call->route, call->arena),
        .outcome = denied ? AUDIT_DENIED : AUDIT_FAILED,
        .reason = refusal_kind(said->code != REFUSAL_none ? said->code : refusal_of(refused))->code,
    };
    enum result rc;

    if (!is_mutation(call) || call->work.db == NULL || status >= 500)
        return;
    note_owner(call, &note);
    note_resource(call, &note);
    call->work.refusal = &none;
    rc = db_begin(call->work.db, NULL);
    if (rc == OK) {
        rc = audit_add(&call->work, &note);
        if (rc == OK && keyed && status != 401 && status != 403 && status != 408 && status != 429 &&
            said->code != REFUSAL_secret_no_longer_available &&
            said->code != REFUSAL_idempotency_key_reused &&
            said->code != REFUSAL_idempotency_in_progress)
            rc = store_answer(call, key);
        rc = db_end(call->work.db, rc);
    }
    if (rc != OK && rc != ERR_EXISTS)
        log_error(LOG_REST, "a refusal could not be recorded error=%s", result_name(rc));
    call->work.refusal = said;
}

static void reply_problem(struct rest_call *call, enum result rc)
{
    struct problem problem =
        problem_of(rc, call->work.refusal, call->who.request_id, call->path, call->arena);

    if (call->work.refusal->code == REFUSAL_none && problem.status >= 500)
        log_error(LOG_REST, "a request failed route=%s error=%s database=\"%s\"",
                  call->route != NULL ? call->route->id : "-", result_name(rc),
                  call->work.db != NULL ? db_error(call->work.db) : "");
    call->reply.status = problem.status;
    call->reply.media_type = "application/problem+json";
    call->reply.body = problem.body;
    call->reply.body_len = strlen(problem.body);
    call->reply.location = call->reply.link = NULL;
    if (problem.retry_after_s > 0)
        router_header(call, "Retry-After",
                      arena_printf(call->arena, "%lld", (long long)problem.retry_after_s));
}

static enum result run_with_db(struct rest_call *call)
{
    struct idempotency_key key;
    bool keyed = false;
    enum result rc = take_db(call);

    if (rc != OK)
        return rc;
    if (strcmp(call->route->permission, "public") != 0)
        rc = authenticate(call);
    if (rc == OK && call->who.token_id != NULL) {
        log_context("principal", call->who.token_id);
        rc = check_rate(call);
    }
    if (rc == OK)
        rc = parse_body(call);
    if (rc == OK)
        rc = make_key(call, &key, &keyed);
    if (rc == OK)
        rc = transact(call, &key, keyed);
    if (rc != OK) {
        reply_problem(call, rc);
        if (call->who.token_id != NULL)
            record_refusal(call, &key, keyed, rc);
    }
    give_db(call);
    if (rc == OK && call->after != NULL)
        call->after(call);
    return OK;
}

void dispatch_run(struct rest_call *call)
{
    enum result rc;

    call->work.arena = call->arena;
    call->work.who = &call->who;
    call->work.tools = call->server->tools;
    call->work.refusal = arena_alloc(call->arena, sizeof(*call->work.refusal));
    call->work.refusal->arena = call->arena;
    call->who.source_ip = call->request->source_ip;
    call->who.user_agent = call->request->user_agent;
    log_context("request_id", call->who.request_id);
    log_context("trace_id", call->request->trace_id);

    rc = find_route(call);
    if (rc == OK)
        rc = check_accept(call);
    if (rc == OK && (call->route->flags & ROUTE_NO_TX))
        rc = call->route->handler(call);
    else if (rc == OK)
        rc = run_with_db(call);
    if (rc != OK)
        reply_problem(call, rc);
    if (rc == OK && call->reply.status < 400 && call->work.wake != 0)
        call->server->hooks.committed(call->server->hooks.arg, call->work.wake);
    log_context_clear();
}
