#include "dataplane/monitor/user_info.h"

#include "api/base/mem.h"
#include "dataplane/auth/identity.h"

/* Of "subject queue" the subject. */
static struct strings subjects(const struct strings *entries, struct arena *arena)
{
    struct strings out = {.count = entries->count};

    out.items = arena_alloc_array(arena, entries->count, sizeof(out.items[0]));
    for (size_t i = 0; i < entries->count; i++) {
        struct slice rest = slice_of(entries->items[i]), subject = rest;

        (void)slice_cut(&rest, ' ', &subject);
        out.items[i] = arena_copy(arena, subject);
    }
    return out;
}

static void fill_permissions(const struct permission *permission, struct arena *arena,
                             struct sys_user_info *out)
{
    const struct permission_rules *rules;
    struct sys_permissions *permissions;

    if (permission == NULL)
        return;
    rules = permission_rules(permission);
    permissions = arena_alloc(arena, sizeof(*permissions));
    permissions->publish.allow = rules->publish_allow;
    permissions->publish.deny = rules->publish_deny;
    permissions->subscribe.allow = subjects(&rules->subscribe_allow, arena);
    permissions->subscribe.deny = subjects(&rules->subscribe_deny, arena);
    if (rules->responses) {
        permissions->responses = arena_alloc(arena, sizeof(*permissions->responses));
        permissions->responses->max = rules->responses_max;
        permissions->responses->ttl_ns = rules->responses_ttl_ns;
    }
    out->permissions = permissions;
}

void user_info_answer(struct monitor *monitor, struct worker *worker, struct account *account,
                      const struct delivery *message)
{
    const struct session *session = session_table_find(worker, message->origin);
    struct session_snapshot snapshot;
    struct sys_user_info info;
    struct sys_server server;
    struct arena arena = {0};
    char *text;

    if (session == NULL || message->reply.len == 0)
        return;
    session_snapshot(session, &snapshot);
    info = (struct sys_user_info){
        .user = snapshot.user != NULL ? snapshot.user : "",
        .account = snapshot.account,
        .account_name = snapshot.account_label,
        .user_name = snapshot.name_tag,
    };
    if (session->identity != NULL && session->identity->deadline_ns > 0)
        info.expires_ns = (session->identity->deadline_ns - worker->wall_ns) / NS_PER_S * NS_PER_S;
    fill_permissions(session->permission, &arena, &info);
    monitor_server(monitor, &server);
    text = sys_reply_text(&server, &sys_user_info_shape, &info);
    deliver_send(worker, account, message->reply, slice_make(NULL, 0), slice_make(NULL, 0),
                 slice_of(text));
    mem_free(text);
    arena_fini(&arena);
}
