#include "dataplane/monitor/accstatz.h"

#include <string.h>

#include "api/base/mem.h"
#include "api/nats/sys_monitor.h"
#include "dataplane/monitor/account_stat.h"

enum { BATCH = 128 }; /* accounts looked at in one turn */

struct state {
    struct sys_account_statz document;
    struct account **accounts; /* references, given back as they are read */
    size_t count, next;
};

static void free_accounts(void *arg)
{
    struct state *state = arg;

    while (state->next < state->count)
        account_unref(state->accounts[state->next++]);
    mem_free(state->accounts);
}

static bool begin(struct report_call *call)
{
    struct account_table *table = call->monitor->parts.accounts;
    struct state *state = arena_alloc(&call->arena, sizeof(*state));

    call->state = state;
    if (call->scope != NULL) {
        struct account *account = account_table_find(table, slice_of(call->scope));

        state->accounts = mem_alloc(sizeof(struct account *));
        if (account != NULL)
            state->accounts[state->count++] = account;
    } else {
        state->accounts = account_table_all(table, &state->count);
    }
    arena_on_free(&call->arena, free_accounts, state);
    state->document.account_statz.items =
        arena_alloc_array(&call->arena, state->count + 1, sizeof(struct sys_account_stat));
    return true;
}

static bool named(const struct strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static bool wanted(const struct report_call *call, const struct account *account)
{
    const struct sys_account_statz_options *options = call->options;

    if (call->scope == NULL && options->accounts.count > 0 &&
        !named(&options->accounts, account->name))
        return false;
    return options->include_unused || account_stat_in_use(account);
}

static bool visit(struct report_call *call, struct worker *worker)
{
    struct state *state = call->state;

    for (int i = 0; i < BATCH && state->next < state->count; i++) {
        struct account *account = state->accounts[state->next++];

        if (wanted(call, account))
            account_stat_fill(
                account, &call->arena,
                &state->document.account_statz.items[state->document.account_statz.count++]);
        account_unref(account);
    }
    return state->next < state->count;
}

static void finish(struct report_call *call)
{
    struct state *state = call->state;

    state->document.server_id = call->monitor->facts.server_id;
    state->document.now = monitor_now(call->monitor);
    call->document = &state->document;
}

const struct report accstatz_report = {
    .name = "ACCSTATZ",
    .options = &sys_account_statz_options_shape,
    .filter = offsetof(struct sys_account_statz_options, filter),
    .document_shape = &sys_account_statz_shape,
    .begin = begin,
    .visit = visit,
    .finish = finish,
};
