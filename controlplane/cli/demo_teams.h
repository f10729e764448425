/*
 * demo_teams: what the demonstration makes through the REST API, and unmakes.
 *
 * As operator admin: a plan, two teams and a token for each; with the teams' tokens an account,
 * users and credentials each.  Everything has a name of its own that begins with "demo-", so any
 * number of demonstrations may run at once.
 *
 * Ownership  texts in the command's arena; demo_teams_close gives back the rest.
 * Thread     one.
 * Errors     exit codes; what went wrong was said.
 */
#pragma once

#include "controlplane/cli/cli.h"

enum { DEMO_TEAMS = 2, DEMO_CONNECTIONS = 6 };

struct demo_team {
    const char *label; /* "A" */
    const char *name;
    struct rest_client *client; /* with the team's own token */
    const char *id, *account_id, *account_key;
    struct buf creds;        /* of the user "service" */
    struct buf scoped_creds; /* of "sensor-7" with the role "device"; A only */
};

struct demo_teams {
    struct cli *cli;
    struct rest_client *admin; /* the command's */
    const char *suffix;
    const char *system_id, *system_name, *url;
    const char *plan_id;
    struct demo_team teams[DEMO_TEAMS];
};

/* Which system, and where its clients connect. */
int demo_teams_find_system(struct demo_teams *demo);
int demo_teams_make(struct demo_teams *demo);
/* Deletes all that was made, and waits until the accounts are gone from the nodes. */
int demo_teams_remove(struct demo_teams *demo);
void demo_teams_close(struct demo_teams *demo);

/* Counters of this month of a team's account. */
struct demo_usage {
    json_int_t msgs_in, bytes_in, msgs_out, bytes_out, connections;
};
int demo_teams_usage(struct demo_teams *demo, const struct demo_team *team,
                     struct demo_usage *usage);
