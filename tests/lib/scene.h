/*
 * scene: a database with an operator, a system, a plan, a team and an account in it, and a unit
 * of work at hand: where those tests of the domain begin that look at keys and claims.
 *
 * All of it is made by the domain itself, so that keys, secrets and JWTs are real; the time is the
 * machine's.  Where fixed ids or a time that the test moves are wanted instead: world.h.
 *
 * Ownership  the caller's struct; scene_stop ends it.
 * Thread     one at a time; scene_second gives another thread its own connection.
 * Errors     none: what does not start is a failed test (CHECK).
 */
#pragma once

#include "controlplane/domain/account.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/team.h"

struct scene {
    char *conninfo; /* NULL: another scene's database */
    struct tools tools;
    _Atomic uint64_t last_id; /* of the first one */
    struct arena arena;
    struct refusal refusal;
    struct work work;
    struct principal admin;  /* an operator admin */
    struct principal tenant; /* an admin of the team */
    const char *operator_id, *system_id, *plan_id, *team_id, *account_id;
    char ids[5][48];
};

void scene_start(struct scene *scene);
void scene_stop(struct scene *scene);
/* On the same database, with a connection of its own. */
void scene_second(struct scene *scene, const struct scene *first);

/* A transaction as the operator admin, as the tenant, or as a job. */
void scene_as_admin(struct scene *scene);
void scene_as_tenant(struct scene *scene);
void scene_as_machine(struct scene *scene);
/* Its end; the result of db_end. */
enum result scene_end(struct scene *scene, enum result rc);
/* The code of the last refusal: "in_use", or "" when there was none. */
const char *scene_refused(const struct scene *scene);

/* The account as it is now, within a transaction of its own. */
struct account scene_account(struct scene *scene);
/* A node that has been seen: its id. */
const char *scene_node(struct scene *scene, const char *name, const char *server_id);
/* Runs SQL as the owner, outside of any transaction. */
void scene_sql(struct scene *scene, const char *sql);
