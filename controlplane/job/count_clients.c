#include "controlplane/job/count_clients.h"

#include <string.h>

#include "api/base/clock.h"
#include "controlplane/link/node_requests.h"

enum { NODE_MS = 1000 };

static bool is_expected(const struct signing_key_asked *asked, const char *server_id)
{
    for (size_t i = 0; i < asked->server_ids.count; i++) {
        if (strcmp(asked->server_ids.items[i], server_id) == 0)
            return true;
    }
    return false;
}

/* Two URLs may lead to one node. */
static bool is_asked_already(const struct link_taken *taken, size_t at, const char *server_id)
{
    char other[NKEY_PUBLIC_MAX];

    for (size_t i = 0; i < at; i++) {
        system_link_server_id(taken[i].link, other);
        if (strcmp(other, server_id) == 0)
            return true;
    }
    return false;
}

static void count_on(struct system_link *link, const char *server_id,
                     const struct signing_key_asked *asked, int64_t timeout_ms, struct arena *arena,
                     struct signing_key_clients *out)
{
    int64_t count;

    if (node_request_signed_by(link, asked->account_key, asked->public_key, timeout_ms, arena,
                               &count) != OK)
        return;
    out->connected += count;
    if (out->silent > 0 && is_expected(asked, server_id))
        out->silent--;
}

void count_clients(const struct job_context *context, const struct signing_key_asked *asked,
                   struct arena *arena, struct signing_key_clients *out)
{
    int64_t until_ns = clock_mono_ns(clock_system()) + COUNT_CLIENTS_MS * NS_PER_MS;
    struct link_taken taken[LINKS_MAX];
    size_t count = link_set_take(context->links, asked->system_id, taken, LINKS_MAX);

    *out = (struct signing_key_clients){.silent = (int64_t)asked->server_ids.count};
    for (size_t i = 0; i < count; i++) {
        int64_t left_ms = (until_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
        char server_id[NKEY_PUBLIC_MAX];

        system_link_server_id(taken[i].link, server_id);
        if (!is_asked_already(taken, i, server_id))
            count_on(taken[i].link, server_id, asked, left_ms < NODE_MS ? left_ms : NODE_MS, arena,
                     out);
    }
    link_set_give(context->links, taken, count);
}
