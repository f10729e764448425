#include "dataplane/monitor/accountz.h"

#include <string.h>

#include "api/base/mem.h"
#include "api/nats/claims_validate.h"
#include "api/nats/jwt.h"
#include "api/nats/sys_monitor.h"

struct state {
    struct sys_accountz document;
    struct sys_account_info info;
    struct sys_sublist_stats stats;
    const char *jwt; /* to be taken apart by the helper */
};

static const char *wanted(const struct report_call *call)
{
    const struct sys_accountz_options *options = call->options;

    return call->scope != NULL ? call->scope : options->account;
}

static bool begin(struct report_call *call)
{
    call->state = arena_alloc(&call->arena, sizeof(struct state));
    return true;
}

/* What can change under us is copied in a worker's turn. */
static void describe(struct report_call *call, const struct account *account)
{
    struct state *state = call->state;
    struct sys_account_info *info = &state->info;
    const struct account_terms *terms = account_terms(account);
    struct sublist_figures figures;

    sublist_figures(account->sublist, &figures);
    state->stats = (struct sys_sublist_stats){.num_subscriptions = (int64_t)figures.subs,
                                              .num_inserts = (int64_t)figures.inserts,
                                              .num_removes = (int64_t)figures.removes};
    *info = (struct sys_account_info){
        .account_name = arena_strdup(&call->arena, account->name),
        .update_time = call->monitor->facts.start_ns,
        .is_system = account->system,
        .complete = true,
        .leafnode_connections = atomic_load(&account->leafs),
        .client_connections = atomic_load(&account->connections),
        .subscriptions = (int64_t)figures.subs,
        .name_tag = arena_strdup(&call->arena, account_label(account)),
        .sublist_stats = &state->stats,
    };
    if (atomic_load(&account->removed))
        info->expired = true;
    if (terms == NULL || terms->jwt == NULL)
        return;
    state->jwt = arena_strdup(&call->arena, terms->jwt);
    if (terms->updated_ns > 0)
        info->update_time = terms->updated_ns;
    if (terms->expires_at_s > 0 &&
        clock_deadline_ns(terms->expires_at_s) <= monitor_now(call->monitor))
        info->expired = true;
}

static bool visit(struct report_call *call, struct worker *worker)
{
    const char *name = wanted(call);
    struct account *account;

    if (!slice_given(name))
        return false;
    account = account_table_find(call->monitor->parts.accounts, slice_of(name));
    if (account == NULL) {
        report_fail(call, 500, "Account %s does not exist", name);
        return false;
    }
    describe(call, account);
    account_unref(account);
    return false;
}

/* A part of the claims as it stands there; lives as long as `tree`. */
static json_t *part(const json_t *tree, const char *name)
{
    json_t *value = json_object_get(json_object_get(tree, "nats"), name);

    return json_array_size(value) > 0 || json_object_size(value) > 0 ? value : NULL;
}

static json_t *revoked_users(struct report_call *call, const struct account_claims *claims)
{
    json_t *out;

    if (claims->revocations.count == 0)
        return NULL;
    out = json_object();
    shape_own(&call->arena, out);
    for (size_t i = 0; i < claims->revocations.count; i++) {
        char text[CLOCK_TEXT_MAX];

        clock_format(claims->revocations.items[i].value * NS_PER_S, 0, text);
        json_object_set_new(out, claims->revocations.items[i].key, json_string(text));
    }
    return out;
}

static void validate(struct report_call *call, const struct claims *claims,
                     struct sys_account_info *info)
{
    struct claims_issues issues;

    claims_validate(claims, monitor_now(call->monitor) / NS_PER_S, &call->arena, &issues);
    if (issues.count == 0)
        return;
    info->validation_result_jwt.items =
        arena_alloc_array(&call->arena, issues.count, sizeof(struct sys_validation_issue));
    for (size_t i = 0; i < issues.count; i++)
        info->validation_result_jwt.items[info->validation_result_jwt.count++] =
            (struct sys_validation_issue){
                .description = issues.items[i].text,
                .blocking = issues.items[i].level == CLAIMS_ERROR,
                .time_check = issues.items[i].level == CLAIMS_TIME,
            };
}

static void take_apart(struct report_call *call, struct state *state)
{
    struct sys_account_info *info = &state->info;
    struct claims claims;
    struct shape_error error;

    if (jwt_decode(slice_of(state->jwt), &call->arena, &claims, &error) != OK ||
        claims.type != CLAIMS_ACCOUNT)
        return;
    info->jwt = state->jwt;
    info->issuer_key = claims.iss;
    info->tags = claims.tags;
    info->decoded_jwt = claims_encode(&claims);
    shape_own(&call->arena, info->decoded_jwt);
    info->imports = part(info->decoded_jwt, "imports");
    info->exports = part(info->decoded_jwt, "exports");
    info->mappings = part(info->decoded_jwt, "mappings");
    info->revoked_user = revoked_users(call, claims.account);
    validate(call, &claims, info);
}

static void list_names(struct report_call *call, struct strings *out)
{
    struct account **accounts;
    size_t count;

    accounts = account_table_all(call->monitor->parts.accounts, &count);
    out->items = arena_alloc_array(&call->arena, count + 1, sizeof(const char *));
    for (size_t i = 0; i < count; i++) {
        out->items[out->count++] = arena_strdup(&call->arena, accounts[i]->name);
        account_unref(accounts[i]);
    }
    mem_free(accounts);
}

static void finish_info(struct report_call *call)
{
    struct state *state = call->state;

    if (state->jwt != NULL)
        take_apart(call, state);
    call->document = &state->info;
}

static void finish(struct report_call *call)
{
    struct state *state = call->state;
    struct sys_accountz *out = &state->document;

    out->server_id = call->monitor->facts.server_id;
    out->now = monitor_now(call->monitor);
    out->system_account = call->monitor->facts.system_account;
    if (slice_given(wanted(call))) {
        finish_info(call);
        out->account_detail = &state->info;
    } else {
        list_names(call, &out->accounts);
    }
    call->document = out;
}

const struct report accountz_report = {
    .name = "ACCOUNTZ",
    .options = &sys_accountz_options_shape,
    .filter = offsetof(struct sys_accountz_options, filter),
    .document_shape = &sys_accountz_shape,
    .begin = begin,
    .visit = visit,
    .finish = finish,
};

const struct report account_info_report = {
    .name = "INFO",
    .options = &sys_accountz_options_shape,
    .filter = offsetof(struct sys_accountz_options, filter),
    .document_shape = &sys_account_info_shape,
    .begin = begin,
    .visit = visit,
    .finish = finish_info,
};
