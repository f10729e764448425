/*
 * world: the domain at work on a database of its own, for tests.
 *
 * The database holds an operator, a plan (the default one), a system with one node, the teams
 * tea_1 and tea_2, and the accounts acc_1 and acc_2 of the first, acc_3 of the second, each with
 * one revision and its JWT.  The time of the domain stands still until a test moves it; the
 * database's own (leases, due times) is moved by world_sql.  Keys and JWTs only look like some:
 * where they have to be real there is scene.h.
 *
 * Ownership  the world owns everything; texts live until world_end.
 * Thread     one at a time.
 * Errors     none; what goes wrong stops the test.
 */
#pragma once

#include "controlplane/domain/authz.h"
#include "controlplane/domain/work.h"

#define WORLD_OPERATOR_KEY "OBJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA"
#define WORLD_SERVER "NAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2"

/* A connection and the work on it. */
struct world_seat {
    struct work work;
    struct refusal refusal;
    struct principal who;
};

struct world {
    struct world_seat first;
    struct work *work;       /* of the first seat */
    struct refusal *refusal; /* of the first seat */
    struct clock clock;
    int64_t now; /* of the domain; moves when the test says */
    struct arena arena;
    struct tools tools;
    _Atomic uint64_t last_id;
    char *conninfo;
    void *owner; /* a connection of who made the tables */
};

/* For cmocka: *state is the world.  The work's principal is an operator's admin. */
int world_begin(void **state);
int world_end(void **state);

/* Another connection, as another replica has it; of the same world. */
struct world_seat *world_seat(struct world *world);
void world_seat_leave(struct world_seat *seat);

/* Who works from now on, seeing all accounts of the team (NULL: none); *who may be changed. */
struct principal *world_as(struct world *world, enum principal_role role, const char *team);

/* As the owner of the tables, outside of any transaction of the domain. */
void world_sql(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first column of the first row; "" without one. */
const char *world_text(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One call in a transaction of its own (a team's principal: behind the team's wall), after which
 * the refusal tells what was refused. */
#define world_do(seat_work, call) (world_open(seat_work), world_close((seat_work), (call)))
void world_open(struct work *work);
enum result world_close(struct work *work, enum result rc);

/* rc, and what the database said if it is not OK. */
#define world_ok(seat_work, call) world_is((seat_work), OK, world_do((seat_work), (call)))
void world_is(struct work *work, enum result wanted, enum result rc);
/* Refused, in that row of the table. */
#define world_refuses(seat_work, row, call) \
    world_refused((seat_work), (row), world_do((seat_work), (call)))
void world_refused(struct work *work, enum refusal_code code, enum result rc);
