/*
 * workshop: the surroundings of the jobs: a world (world.h), a node whose answers are the test's
 * (fake_node.h), and links to it.
 *
 * The world's node nod_1 is the fake one: its URL and server id stand in the database, and the
 * three accounts have tokens that it trusts.
 *
 * Ownership  the workshop owns everything in it.
 * Thread     one at a time.
 * Errors     none: what does not start is a failed test.
 */
#pragma once

#include "api/nats/nkey.h"
#include "controlplane/job/job.h"
#include "tests/lib/fake_node.h"
#include "tests/lib/world.h"

struct workshop {
    struct world *world;
    struct fake_node *node;
    struct job_context context;
    unsigned woken;      /* WAKE_... that jobs asked for */
    unsigned told;       /* calls of sync_changed */
    struct nkey signer;  /* an operator's key that the node trusts */
    const char *jwts[3]; /* of acc_1 to acc_3 */
    const char *keys[3];
};

/* answers NULL: a node that answers nothing. */
struct workshop *workshop_open(const struct fake_answer *answers);
void workshop_close(struct workshop *workshop);
/* Another token of acc_1 to acc_3 (account 0 to 2). */
const char *workshop_token(struct workshop *workshop, int account, int64_t iat);
/* Gives the operator a signing key that can be used. */
void workshop_signer(struct workshop *workshop);
/* Opens the links to what the database names. */
void workshop_connect(struct workshop *workshop);

#define WORKSHOP_SERVER "\"server\":{\"name\":\"n\",\"id\":\"@ID@\",\"ver\":\"2.14.3\"}"
