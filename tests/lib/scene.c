#include "tests/lib/scene.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/account_life.h"
#include "controlplane/domain/operator.h"
#include "controlplane/domain/plan.h"
#include "controlplane/domain/secret.h"
#include "tests/lib/pg.h"

static const unsigned char master_key[VAULT_KEY_LEN] = {7, 7, 7};

static void must(struct scene *scene, enum result rc)
{
    if (rc != OK)
        fprintf(stderr, "scene: %s %s %s\n", result_name(rc), scene_refused(scene),
                db_error(scene->work.db));
    CHECK(rc == OK);
}

static void open_work(struct scene *scene, const char *conninfo)
{
    char message[DB_MESSAGE_MAX];

    CHECK(db_open(conninfo, DB_PREPARED, &scene->work.db, message) == OK);
    scene->work.arena = &scene->arena;
    scene->work.tools = &scene->tools;
    scene->work.refusal = &scene->refusal;
    scene->refusal.arena = &scene->arena;
}

static const char *keep(struct scene *scene, size_t place, const char *id)
{
    snprintf(scene->ids[place], sizeof(scene->ids[place]), "%s", id);
    return scene->ids[place];
}

static void make_world(struct scene *scene)
{
    const struct operator_settings operator_settings = {.settings = {.name = "op"},
                                                        .strict_signing_keys = true};
    const struct nats_system_settings system_settings = {.settings = {.name = "main"}};
    const struct plan_settings plan_settings = {.settings = {.name = "standard"},
                                                .is_default = true};
    const struct team_settings team_settings = {.settings = {.name = "payments"}};
    struct account_settings account_settings = {.settings = {.name = "orders"}};
    struct operator operator;
    struct nats_system system;
    struct plan plan;
    struct team team;
    struct account account;

    scene_as_admin(scene);
    must(scene, secret_check_master(&scene->work));
    must(scene, operator_create(&scene->work, &operator_settings, &operator));
    must(scene, nats_system_create(&scene->work, &system_settings, &system));
    must(scene, plan_create(&scene->work, &plan_settings, &plan));
    must(scene, team_create(&scene->work, &team_settings, &team));
    account_settings.team_id = team.resource.id;
    must(scene, account_create(&scene->work, &account_settings, &account));
    scene->operator_id = keep(scene, 0, operator.resource.id);
    scene->system_id = keep(scene, 1, system.resource.id);
    scene->plan_id = keep(scene, 2, plan.resource.id);
    scene->team_id = keep(scene, 3, team.resource.id);
    scene->account_id = keep(scene, 4, account.resource.id);
    must(scene, scene_end(scene, OK));
    /* The principals' own tokens: what they make refers to them. */
    scene_sql(scene, "INSERT INTO api_token (token_id, name, team_id, role, secret_hash,"
                     "                       expires_at)"
                     " SELECT 'tok_tenant', 'ada', team_id, 'team_admin', '', now() FROM team");
    scene_sql(scene, "INSERT INTO api_token (token_id, name, role, secret_hash, expires_at)"
                     " VALUES ('tok_admin', 'root', 'operator_viewer', '', now())");
}

void scene_start(struct scene *scene)
{
    *scene = (struct scene){.conninfo = pg_database_migrated()};
    scene->tools = (struct tools){.vault = vault_from_key(master_key, random_system()),
                                  .clock = clock_system(),
                                  .random = random_system(),
                                  .last_id = &scene->last_id};
    scene->admin = (struct principal){
        .role = ROLE_OPERATOR_ADMIN, .token_id = "tok_admin", .name = "root", .all_accounts = true};
    open_work(scene, scene->conninfo);
    make_world(scene);
    scene->tenant = (struct principal){.role = ROLE_TEAM_ADMIN,
                                       .token_id = "tok_tenant",
                                       .name = "ada",
                                       .team_id = scene->team_id,
                                       .all_accounts = true};
}

void scene_second(struct scene *scene, const struct scene *first)
{
    *scene = *first;
    scene->conninfo = NULL;
    scene->arena = (struct arena){0};
    scene->tenant.team_id = first->team_id;
    open_work(scene, first->conninfo);
}

void scene_stop(struct scene *scene)
{
    db_close(scene->work.db);
    arena_fini(&scene->arena);
    if (scene->conninfo == NULL)
        return;
    vault_close(scene->tools.vault);
    pg_drop(scene->conninfo);
}

static void begin(struct scene *scene, const struct principal *who, const char *team)
{
    scene->refusal = (struct refusal){.arena = &scene->arena};
    scene->work.who = who;
    scene->work.wake = 0;
    CHECK(db_begin(scene->work.db, team) == OK);
}

void scene_as_admin(struct scene *scene)
{
    begin(scene, &scene->admin, NULL);
}

void scene_as_tenant(struct scene *scene)
{
    begin(scene, &scene->tenant, scene->tenant.team_id);
}

void scene_as_machine(struct scene *scene)
{
    begin(scene, principal_machine(), NULL);
}

enum result scene_end(struct scene *scene, enum result rc)
{
    return db_end(scene->work.db, rc);
}

const char *scene_refused(const struct scene *scene)
{
    return scene->refusal.code != REFUSAL_none ? refusal_kind(scene->refusal.code)->code : "";
}

struct account scene_account(struct scene *scene)
{
    struct account account;

    scene_as_machine(scene);
    must(scene, scene_end(scene, account_by_ref(&scene->work, scene->account_id, &account)));
    return account;
}

const char *scene_node(struct scene *scene, const char *name, const char *server_id)
{
    const struct node_report report = {.system_id = scene->system_id,
                                       .name = name,
                                       .server_id = server_id,
                                       .started_at = NS_PER_S,
                                       .own = true};
    struct node node;
    bool fresh;

    scene_as_machine(scene);
    must(scene, scene_end(scene, node_seen(&scene->work, &report, &node, &fresh)));
    return node.resource.id;
}

void scene_sql(struct scene *scene, const char *sql)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    CHECK(db_open(scene->conninfo, DB_PLAIN, &db, message) == OK);
    if (db_script(db, sql) != OK)
        fprintf(stderr, "%s: %s\n", sql, db_error(db));
    CHECK(db_usable(db) && db_error(db)[0] == '\0');
    db_close(db);
}
