/*
 * demo_peer: one NATS client of the demonstration, by libnats.
 *
 * It connects once, never again, and remembers what the server refused.  Barriers are PING and
 * PONG: what was published before one has been routed when it returns.
 *
 * Ownership  demo_peer_close gives back all that demo_peer_open took; subscriptions end with it.
 * Thread     one, besides those of libnats.
 * Errors     false, and demo_peer_words says what the server or the library said.
 */
#pragma once

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/base/slice.h"
#include "api/nats/nkey.h"

enum { PEER_SUBS_MAX = 4, PEER_WORDS_MAX = 256 };

struct demo_peer {
    natsConnection *connection;
    natsSubscription *subs[PEER_SUBS_MAX];
    size_t sub_count;
    long published;
    struct nkey nkey;
    struct slice jwt; /* borrowed from the credentials */
    char words[PEER_WORDS_MAX];
};

/* creds: a credentials file's text; borrowed while the peer is open. */
bool demo_peer_open(struct demo_peer *peer, const char *url, const char *name, struct slice creds);
void demo_peer_close(struct demo_peer *peer);
/* The newest refusal, without the library's prefix; "" when there was none. */
const char *demo_peer_words(struct demo_peer *peer);

/* queue: NULL: none.  *sub is the peer's. */
bool demo_peer_subscribe(struct demo_peer *peer, const char *subject, const char *queue,
                         natsSubscription **sub);
/* Answers every request on the subject with the text; until the peer is closed. */
bool demo_peer_answer(struct demo_peer *peer, const char *subject, const char *text);
bool demo_peer_publish(struct demo_peer *peer, const char *subject, const char *text);
/* False when nobody answered; reply is cut to its size. */
bool demo_peer_request(struct demo_peer *peer, const char *subject, const char *text, char *reply,
                       size_t reply_size);
/* PING and PONG: everything before it was done by the server. */
bool demo_peer_barrier(struct demo_peer *peer);

/* What is waiting now, by how the payload begins. */
struct demo_count {
    long own, foreign;
};
/* Takes all that has arrived; the barrier was before. */
void demo_peer_count(natsSubscription *sub, const char *own, struct demo_count *count);
