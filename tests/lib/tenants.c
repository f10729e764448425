#include "tests/lib/tenants.h"

struct control_plane *control;
const char *admin;
struct control_team payments, games;
char account[40], other_account[40];

int tenants_start_empty(void **state)
{
    control = control_plane_start(NULL);
    admin = control_plane_admin(control);
    return 0;
}

int tenants_start_world(void **state)
{
    tenants_start_empty(state);
    control_world(control, "[]");
    return 0;
}

int tenants_start_team(void **state)
{
    tenants_start_world(state);
    control_team_make(control, "payments", &payments);
    return 0;
}

int tenants_start_teams(void **state)
{
    tenants_start_team(state);
    control_team_make(control, "games", &games);
    return 0;
}

int tenants_start_accounts(void **state)
{
    tenants_start_teams(state);
    control_account_make(control, &payments, "orders", account);
    control_account_make(control, &games, "scores", other_account);
    return 0;
}

int tenants_stop(void **state)
{
    control_plane_stop(control);
    return 0;
}
