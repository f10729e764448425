#include "controlplane/rest/teams.h"

#include <stddef.h>

#define BASE "/v1/teams"
#define ONE BASE "/{team}"
#define MEMBERS ONE "/members"

static enum result list(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = team_list(&call->work, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &team_shape, &rows, offsetof(struct team, resource.id));
}

static enum result create(struct rest_call *call)
{
    enum result rc = team_create(&call->work, call->body, &call->team);

    call->has_team = rc == OK;
    if (rc == OK)
        rc =
            router_audit(call, "team.create", &call->team.resource, &team_shape, NULL, &call->team);
    return rc == OK ? router_created(call, BASE, &team_shape, &call->team, &call->team.resource)
                    : rc;
}

static enum result get(struct rest_call *call)
{
    return router_reply(call, 200, &team_shape, &call->team, &call->team.resource);
}

static enum result update(struct rest_call *call)
{
    struct team_settings present = team_settings_of(&call->team), settings;
    struct team team;
    enum result rc = router_match(call, &call->team.resource, &team_shape, &call->team);

    if (rc == OK)
        rc = router_merge(call, &team_settings_shape, &present, &settings);
    if (rc == OK)
        rc = team_update(&call->work, &call->team, &settings, &team);
    if (rc == OK)
        rc = router_audit(call, "team.change", &team.resource, &team_shape, &call->team, &team);
    return rc == OK ? router_reply(call, 200, &team_shape, &team, &team.resource) : rc;
}

static enum result drop(struct rest_call *call)
{
    enum result rc = router_match(call, &call->team.resource, &team_shape, &call->team);

    if (rc == OK)
        rc = team_delete(&call->work, &call->team);
    if (rc == OK)
        rc =
            router_audit(call, "team.delete", &call->team.resource, &team_shape, &call->team, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

static enum result list_members(struct rest_call *call)
{
    struct db_rows rows;
    enum result rc = member_list(&call->work, call->team.resource.id, &call->list, &rows);

    if (rc != OK)
        return rc;
    return router_reply_list(call, &member_shape, &rows, offsetof(struct member, resource.id));
}

static enum result find_member(struct rest_call *call, struct member *out)
{
    return member_by_id(&call->work, call->team.resource.id, router_param(call, "member"), out);
}

static enum result get_member(struct rest_call *call)
{
    struct member member;
    enum result rc = find_member(call, &member);

    return rc == OK ? router_reply(call, 200, &member_shape, &member, &member.resource) : rc;
}

static enum result create_member(struct rest_call *call)
{
    struct member member;
    enum result rc = member_create(&call->work, call->team.resource.id, call->body, &member);

    if (rc == OK)
        rc = router_audit(call, "member.create", &member.resource, &member_shape, NULL, &member);
    return rc == OK ? router_created(call, call->path, &member_shape, &member, &member.resource)
                    : rc;
}

static enum result update_member(struct rest_call *call)
{
    struct member_settings present, settings;
    struct member old, member;
    enum result rc = find_member(call, &old);

    if (rc == OK)
        rc = router_match(call, &old.resource, &member_shape, &old);
    if (rc != OK)
        return rc;
    present = member_settings_of(&old);
    rc = router_merge(call, &member_settings_shape, &present, &settings);
    if (rc == OK)
        rc = member_update(&call->work, &old, &settings, &member);
    if (rc == OK)
        rc = router_audit(call, "member.change", &member.resource, &member_shape, &old, &member);
    return rc == OK ? router_reply(call, 200, &member_shape, &member, &member.resource) : rc;
}

static enum result delete_member(struct rest_call *call)
{
    struct member member;
    enum result rc = find_member(call, &member);

    if (rc == OK)
        rc = router_match(call, &member.resource, &member_shape, &member);
    if (rc == OK)
        rc = member_remove(&call->work, &member);
    if (rc == OK)
        rc = router_audit(call, "member.delete", &member.resource, &member_shape, &member, NULL);
    return rc == OK ? router_reply_none(call) : rc;
}

const struct rest_route teams_routes[] = {
    {"GET", BASE, "team:read", NULL, list, "listTeams", ROUTE_LIST},
    {"POST", BASE, "team:create", &team_settings_shape, create, "createTeam"},
    {"GET", ONE, "team:read", NULL, get, "getTeam"},
    {"PATCH", ONE, "team:change", &team_settings_shape, update, "changeTeam", ROUTE_MERGE},
    {"DELETE", ONE, "team:delete", NULL, drop, "deleteTeam"},
    {"GET", MEMBERS, "member:read", NULL, list_members, "listMembers", ROUTE_LIST},
    {"POST", MEMBERS, "member:change", &member_settings_shape, create_member, "createMember"},
    {"GET", MEMBERS "/{member}", "member:read", NULL, get_member, "getMember"},
    {"PATCH", MEMBERS "/{member}", "member:change", &member_settings_shape, update_member,
     "changeMember", ROUTE_MERGE},
    {"DELETE", MEMBERS "/{member}", "member:change", NULL, delete_member, "deleteMember"},
    {0},
};
