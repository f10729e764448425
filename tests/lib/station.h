/*
 * station: a whole node in the process, and guests that come in over its port.
 *
 * Ownership  the station's folder and node are its own; guests are the test's.
 * Thread     the test's main thread.
 * Errors     none; what goes wrong fails the test.
 */
#pragma once

#include "dataplane/node/flags.h"
#include "dataplane/node/node.h"
#include "tests/lib/hall.h"
#include "tests/lib/nkey_pair.h"

struct station {
    char folder[64]; /* made by station_prepare, removed by station_stop */
    struct flags flags;
    struct node_options options;
    struct node *node;
};

/* The folder first, for configurations that name it. */
void station_prepare(struct station *station);
/* The configuration's text; the port is any free one. */
void station_start(struct station *station, const char *config);
void station_stop(struct station *station);

/* Comes in and reads INFO away. */
void station_dial(struct station *station, struct guest *guest);
/* Comes in, says CONNECT with that object, and has its PONG. */
void station_enter(struct station *station, struct guest *guest, const char *connect);
/* Comes in with a user's token, signing the nonce. */
void station_enter_jwt(struct station *station, struct guest *guest, const char *jwt,
                       const struct nkey_pair *user);

/* Sends a request and takes its answer; the text is the guest's until it asks again. */
const char *guest_asks(struct guest *guest, const char *subject, const char *body);
/* As the next that comes: the payload of a message on that subject (up to a blank). */
const char *guest_takes(struct guest *guest, const char *subject);
/* The answer has that part. */
void guest_is_told(struct guest *guest, const char *subject, const char *body, const char *part);

/* An operator with a system account and account A, for configurations and tokens. */
struct station_keys {
    struct nkey_pair operator, system, account;
    struct buf operator_id, system_id, account_id;
    struct buf config; /* operator, full resolver in FOLDER/jwt with allow_delete, preload */
};
void station_keys_init(struct station_keys *keys, const char *folder);
void station_keys_fini(struct station_keys *keys);
/* A token of account `id`, with these limits ("" for none), iat in seconds from now. */
void station_account_token(const struct nkey_pair *signer, const struct buf *id, const char *limits,
                           int64_t iat_after_s, struct buf *out);
/* A user's token signed by the account. */
void station_user_token(const struct nkey_pair *account, const struct nkey_pair *user,
                        struct buf *out);
