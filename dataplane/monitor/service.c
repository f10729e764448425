#include "dataplane/monitor/service.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { SUBJECT_MAX = 256, REQUEST_WORK = 2048 };

struct service_sub {
    struct sub sub;
    const struct service_row *row;
    struct service *service;
    char text[SUBJECT_MAX];
};

struct service {
    struct sub_owner owner;
    struct monitor *monitor;
    struct worker *worker;
    size_t count;
    struct service_sub *subs[];
};

static const char *copy(struct arena *arena, struct slice text)
{
    return text.len > 0 ? arena_copy(arena, text) : NULL;
}

struct service_request *service_request_new(struct monitor *monitor, struct account *from,
                                            const struct delivery *message)
{
    struct service_request *request = mem_alloc(sizeof(*request));
    struct slice body =
        slice_make(message->data + message->header_len, message->len - message->header_len);

    request->monitor = monitor;
    request->from = account_ref(from);
    request->subject = copy(&request->arena, message->subject);
    request->reply = copy(&request->arena, message->reply);
    request->body = slice_make(arena_copy(&request->arena, body), body.len);
    request->origin = message->origin;
    return request;
}

void service_request_free(struct service_request *request)
{
    if (request == NULL)
        return;
    account_unref(request->from);
    arena_fini(&request->arena);
    mem_free(request);
}

void service_reply(struct service_request *request, struct worker *worker, struct slice text)
{
    if (request->reply != NULL)
        deliver_send(worker, request->from, slice_of(request->reply), slice_make(NULL, 0),
                     slice_make(NULL, 0), text);
}

static bool on_message(struct sub *sub, const struct delivery *message)
{
    struct service_sub *mine = container_of(sub, struct service_sub, sub);
    struct service *service = mine->service;
    struct service_request *request;

    if (sub->gone)
        return false;
    worker_charge(service->worker, REQUEST_WORK);
    request = service_request_new(service->monitor, message->account, message);
    request->row = mine->row;
    mine->row->handle(request, service->worker);
    return true;
}

static const struct sub_kind service_kind = {.name = "System", .deliver = on_message};

static struct service_sub *subscribe(struct service *service, const struct service_row *row)
{
    struct service_sub *sub = mem_alloc(sizeof(*sub));
    const char *id = strstr(row->subject, "%s");

    if (id != NULL)
        snprintf(sub->text, sizeof(sub->text), "%.*s%s%s", (int)(id - row->subject), row->subject,
                 service->monitor->facts.server_id, id + 2);
    else
        snprintf(sub->text, sizeof(sub->text), "%s", row->subject);
    sub->row = row;
    sub->service = service;
    sub->sub.owner = &service->owner;
    sub->sub.text = sub->text;
    sub->sub.subject_len = (uint32_t)strlen(sub->text);
    sub->sub.flags = SUB_HIDDEN;
    CHECK(sublist_insert(service->monitor->system->sublist, &sub->sub) == OK);
    return sub;
}

struct service *service_open(struct monitor *monitor, struct worker *worker,
                             const struct service_row *rows, size_t count)
{
    struct service *service = mem_alloc(sizeof(*service) + count * sizeof(service->subs[0]));

    service->owner = (struct sub_owner){.kind = &service_kind, .worker = (uint16_t)worker->index};
    service->monitor = monitor;
    service->worker = worker;
    service->count = count;
    for (size_t i = 0; i < count; i++)
        service->subs[i] = subscribe(service, &rows[i]);
    return service;
}

static void free_sub(struct reclaim_node *node)
{
    mem_free(container_of(node, struct service_sub, sub.retire));
}

/* The owner outlives its subs: it is given back behind the last of them. */
struct last {
    struct reclaim_node retire;
    struct service *service;
};

static void free_service(struct reclaim_node *node)
{
    struct last *last = container_of(node, struct last, retire);

    mem_free(last->service);
    mem_free(last);
}

void service_close(struct service *service, struct worker *worker)
{
    struct last *last;

    if (service == NULL)
        return;
    for (size_t i = 0; i < service->count; i++) {
        struct sub *sub = &service->subs[i]->sub;

        sublist_remove(service->monitor->system->sublist, sub);
        sub->gone = true;
        reclaim_retire(worker->reader, &sub->retire, free_sub);
    }
    last = mem_alloc(sizeof(*last));
    last->service = service;
    reclaim_retire(worker->reader, &last->retire, free_service);
}
