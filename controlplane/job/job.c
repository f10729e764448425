#include "controlplane/job/job.h"

#include <string.h>

#include "api/base/check.h"

enum result job_open(const struct job_context *context, struct job_call *call)
{
    enum result rc;

    *call = (struct job_call){.context = context};
    rc = pool_take(context->pool, JOB_DB_WAIT_MS, &call->db);
    if (rc != OK)
        return rc;
    arena_init(&call->arena);
    call->work = (struct work){
        .db = call->db,
        .arena = &call->arena,
        .tools = context->tools,
        .refusal = &call->refusal,
    };
    return OK;
}

void job_close(struct job_call *call)
{
    if (call->db == NULL)
        return;
    CHECK(!db_in_transaction(call->db));
    pool_give(call->context->pool, call->db);
    arena_fini(&call->arena);
    call->db = NULL;
}

enum result job_begin(struct job_call *call)
{
    call->refusal = (struct refusal){.arena = &call->arena};
    call->work.wake = 0;
    return work_begin(&call->work);
}

enum result job_end(struct job_call *call, enum result rc)
{
    rc = work_end(&call->work, rc);
    if (rc == OK && call->work.wake != 0)
        call->context->wake(call->work.wake, call->context->arg);
    return rc;
}

enum result job_systems(struct job_call *call, struct db_rows *out)
{
    struct list_query query = {.limit = JOB_SYSTEMS_MAX};
    enum result rc = job_begin(call);

    return rc == OK ? job_end(call, nats_system_list(&call->work, &query, out)) : rc;
}

struct node *job_node(const struct db_rows *nodes, const char *server_id)
{
    struct node *items = nodes->items;

    for (size_t i = 0; i < nodes->count; i++) {
        if (items[i].server_id != NULL && strcmp(items[i].server_id, server_id) == 0)
            return &items[i];
    }
    return NULL;
}
