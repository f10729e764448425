/*
 * office: a hall in operator mode with one account, whose claims the test sets.
 *
 * Ownership  the test's struct.
 * Thread     the test's main thread.
 * Errors     none; what goes wrong stops the test.
 */
#pragma once

#include "api/base/buf.h"
#include "tests/lib/hall.h"
#include "tests/lib/nkey_pair.h"

struct office_key {
    struct nkey_pair pair;
    char name[64]; /* printed */
};

struct office {
    struct hall hall;
    struct office_key operator, account, other, signer, scope, user;
    const char *trusted[1];
    struct account_terms *terms; /* on the way to the worker */
    int64_t iat;
    void (*on_find)(struct office *office); /* on a worker, before an account is found; or NULL */
};

#define OFFICE_WORKERS 2
/* For cmocka: *state is the office. */
int office_setup(void **state);
int office_teardown(void **state);

/* Limits of an account; unlimited ones of a user. */
#define OFFICE_LIMITS(conn, subs)                                               \
    "\"limits\":{\"subs\":" #subs ",\"data\":-1,\"payload\":-1,\"imports\":-1," \
    "\"exports\":-1,\"wildcards\":true,\"conn\":" #conn ",\"leaf\":-1}"
#define OFFICE_UNLIMITED ",\"subs\":-1,\"data\":-1,\"payload\":-1"

/* nats: members of "nats" beside type and version; iat rises by itself; exp 0: never. */
enum result office_claims(struct office *office, const char *nats, int64_t exp);
/* Live connections follow the claims. */
void office_follow(struct office *office);
/* Both. */
void office_apply(struct office *office, const char *nats);
/* The user's token; top: members beside sub and iat; nats: beside type and version. */
void office_user(struct office *office, const struct office_key *by, const char *top,
                 const char *nats, struct buf *jwt);

enum office_signature { SIGNED, UNSIGNED, WRONGLY };
/* Comes in and says CONNECT, verbose. */
void office_log_in(struct office *office, struct guest *guest, const struct buf *jwt,
                   enum office_signature signature);

#define OFFICE_IN "+OK\r\n"
#define OFFICE_OUT "-ERR 'Authorization Violation'\r\n"
