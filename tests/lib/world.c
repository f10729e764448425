#include "tests/lib/world.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/pg.h"

enum { SQL_MAX = 8192 };

/* Keys need only look like keys here: 'A', 54 times the same, and a number. */
static const char content[] =
    "INSERT INTO operator (operator_id, name, jwt, jwt_id, public_key) VALUES ('opr_1', 'o', 'j', "
    "'j', '" WORLD_OPERATOR_KEY "');"
    "INSERT INTO limit_set (limit_set_id, tokens) VALUES ('lim_1', NULL), ('lim_2', NULL);"
    "INSERT INTO plan (plan_id, name, is_default) VALUES ('pln_1', 'basic', true);"
    "INSERT INTO plan_version (plan_id, plan_version, limit_set_id, max_set_id)"
    " VALUES ('pln_1', 1, 'lim_1', 'lim_2');"
    "INSERT INTO team (team_id, name, plan_id) VALUES ('tea_1', 'one', 'pln_1'), "
    "('tea_2', 'two', 'pln_1');"
    "INSERT INTO system (system_id, name, operator_id, urls, state) VALUES ('sys_1', 's', 'opr_1', "
    "'{nats://127.0.0.1:4222}', 'ready');"
    "INSERT INTO node (node_id, name, system_id, server_id, state) VALUES ('nod_1', 'n', 'sys_1', "
    "'" WORLD_SERVER "', 'ready');"
    "INSERT INTO account (account_id, name, team_id, system_id, public_key, plan_id, plan_version,"
    " revision) SELECT 'acc_' || i, 'a' || i, CASE WHEN i < 3 THEN 'tea_1' ELSE 'tea_2' END,"
    " 'sys_1', 'A' || repeat('A', 54) || (i + 1), 'pln_1', 1, 1 FROM generate_series(1, 3) AS i;"
    "INSERT INTO account_revision (account_id, revision, team_id, jti, iat, claims_hash, claims,"
    " reason, created_by) SELECT account_id, 1, team_id, 'jti-1', 1, '', '{}', '', ''"
    " FROM account;"
    "INSERT INTO account_jwt (account_id, revision, team_id, jwt)"
    " SELECT account_id, 1, team_id, 'jwt-1' FROM account;";

static int64_t world_now(struct clock *clock)
{
    const struct world *world =
        (const struct world *)(void *)((char *)clock - offsetof(struct world, clock));

    return world->now;
}

static void take_seat(struct world *world, struct world_seat *seat)
{
    char message[DB_MESSAGE_MAX];

    seat->work = (struct work){.arena = &world->arena,
                               .tools = &world->tools,
                               .who = &seat->who,
                               .refusal = &seat->refusal};
    seat->refusal = (struct refusal){.arena = &world->arena};
    seat->who = (struct principal){.role = ROLE_OPERATOR_ADMIN,
                                   .token_id = "",
                                   .name = "tester",
                                   .all_accounts = true,
                                   .request_id = "req_1",
                                   .source_ip = "192.0.2.1",
                                   .user_agent = "test"};
    if (db_open(world->conninfo, DB_PREPARED, &seat->work.db, message) != OK)
        fail_msg("%s", message);
}

int world_begin(void **state)
{
    static const unsigned char key[VAULT_KEY_LEN] = {1, 2, 3};
    struct world *world = mem_alloc(sizeof(*world));

    *world = (struct world){.clock = {world_now, world_now},
                            .now = clock_wall_ns(clock_system()),
                            .conninfo = pg_database_migrated()};
    world->owner = PQconnectdb(world->conninfo);
    CHECK(PQstatus(world->owner) == CONNECTION_OK);
    arena_init(&world->arena);
    world->tools = (struct tools){.vault = vault_from_key(key, random_system()),
                                  .clock = &world->clock,
                                  .random = random_system(),
                                  .last_id = &world->last_id};
    take_seat(world, &world->first);
    world->work = &world->first.work;
    world->refusal = &world->first.refusal;
    world_sql(world, "%s", content);
    *state = world;
    return 0;
}

int world_end(void **state)
{
    struct world *world = *state;

    db_close(world->first.work.db);
    PQfinish(world->owner);
    pg_drop(world->conninfo);
    vault_close(world->tools.vault);
    arena_fini(&world->arena);
    mem_free(world);
    return 0;
}

struct world_seat *world_seat(struct world *world)
{
    struct world_seat *seat = mem_alloc(sizeof(*seat));

    take_seat(world, seat);
    return seat;
}

void world_seat_leave(struct world_seat *seat)
{
    db_close(seat->work.db);
    mem_free(seat);
}

struct principal *world_as(struct world *world, enum principal_role role, const char *team)
{
    struct principal *who = &world->first.who;

    who->role = role;
    who->team_id = team;
    who->member_id = NULL;
    who->all_accounts = true;
    who->accounts = who->scopes = (struct strings){0};
    return who;
}

static PGresult *run(struct world *world, const char *format, va_list args)
{
    char sql[SQL_MAX];
    PGresult *result;

    CHECK(vsnprintf(sql, sizeof(sql), format, args) < SQL_MAX);
    result = PQexec(world->owner, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQresultErrorMessage(result));
    return result;
}

void world_sql(struct world *world, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    PQclear(run(world, format, args));
    va_end(args);
}

const char *world_text(struct world *world, const char *format, ...)
{
    const char *text;
    PGresult *result;
    va_list args;

    va_start(args, format);
    result = run(world, format, args);
    va_end(args);
    text = PQntuples(result) > 0 ? arena_strdup(&world->arena, PQgetvalue(result, 0, 0)) : "";
    PQclear(result);
    return text;
}

void world_open(struct work *work)
{
    *work->refusal = (struct refusal){.arena = work->arena};
    work->wake = 0;
    assert_int_equal(db_begin(work->db, work->who->team_id), OK);
}

enum result world_close(struct work *work, enum result rc)
{
    return db_end(work->db, rc);
}

void world_is(struct work *work, enum result wanted, enum result rc)
{
    if (rc == wanted)
        return;
    fail_msg("%s, not %s: %s %s", result_name(rc), result_name(wanted),
             work->refusal->detail != NULL ? work->refusal->detail : "",
             rc != OK ? db_error(work->db) : "");
}

void world_refused(struct work *work, enum refusal_code code, enum result rc)
{
    world_is(work, refusal_kind(code)->result, rc);
    assert_int_not_equal(work->refusal->code, REFUSAL_none);
    assert_string_equal(refusal_kind(work->refusal->code)->code, refusal_kind(code)->code);
}
