#include "controlplane/cli/demo_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/nats/creds.h"

enum { TIMEOUT_MS = 30000 }; /* a machine may be busy */

/* Without the place in the library's source, "(conn.c:1905): ", that it begins with. */
static void keep_words(struct demo_peer *peer, const char *text)
{
    const char *behind = text != NULL && *text == '(' ? strstr(text, "): ") : NULL;

    if (behind != NULL)
        text = behind + 3;
    snprintf(peer->words, sizeof(peer->words), "%s", text != NULL ? text : "");
}

static natsStatus give_jwt(char **jwt, char **error, void *arg)
{
    struct demo_peer *peer = arg;

    (void)error;
    *jwt = strndup(peer->jwt.data, peer->jwt.len); /* libnats frees it */
    return *jwt != NULL ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus give_signature(char **error, unsigned char **signature, int *len,
                                 const char *nonce, void *arg)
{
    struct demo_peer *peer = arg;
    unsigned char *bytes = malloc(NKEY_SIGNATURE_LEN); /* libnats frees it */

    (void)error;
    if (bytes == NULL)
        return NATS_NO_MEMORY;
    if (nonce == NULL) /* a server that asks nobody who he is */
        nonce = "";
    nkey_sign_not_zero(&peer->nkey, nonce, strlen(nonce), bytes);
    *signature = bytes;
    *len = NKEY_SIGNATURE_LEN;
    return NATS_OK;
}

/* What the server refuses is read from the connection (demo_peer_words), not from the screen. */
static void on_error(natsConnection *connection, natsSubscription *sub, natsStatus status,
                     void *arg)
{
    (void)connection, (void)sub, (void)status, (void)arg;
}

static natsStatus set_options(struct demo_peer *peer, natsOptions *options, const char *url,
                              const char *name)
{
    natsStatus s = natsOptions_SetURL(options, url);

    if (s == NATS_OK)
        s = natsOptions_SetName(options, name);
    if (s == NATS_OK)
        s = natsOptions_SetAllowReconnect(options, false);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(options, TIMEOUT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(options, on_error, NULL);
    if (s == NATS_OK)
        s = natsOptions_SetUserCredentialsCallbacks(options, give_jwt, peer, give_signature, peer);
    return s;
}

bool demo_peer_open(struct demo_peer *peer, const char *url, const char *name, struct slice creds)
{
    natsOptions *options = NULL;
    struct slice seed;
    natsStatus s;

    *peer = (struct demo_peer){0};
    if (creds_jwt(creds, &peer->jwt) != OK || creds_seed(creds, &seed) != OK ||
        nkey_from_seed(&peer->nkey, seed) != OK) {
        keep_words(peer, "the credentials are malformed");
        return false;
    }
    s = natsOptions_Create(&options);
    if (s == NATS_OK)
        s = set_options(peer, options, url, name);
    if (s == NATS_OK)
        s = natsConnection_Connect(&peer->connection, options);
    if (s != NATS_OK) {
        const char *text = nats_GetLastError(NULL);

        keep_words(peer, text != NULL && *text != 0 ? text : natsStatus_GetText(s));
    }
    natsOptions_Destroy(options);
    return s == NATS_OK;
}

void demo_peer_close(struct demo_peer *peer)
{
    for (size_t i = 0; i < peer->sub_count; i++)
        natsSubscription_Destroy(peer->subs[i]);
    natsConnection_Destroy(peer->connection);
    nkey_wipe(&peer->nkey);
    peer->connection = NULL;
    peer->sub_count = 0;
}

const char *demo_peer_words(struct demo_peer *peer)
{
    const char *text = NULL;

    if (peer->connection != NULL)
        (void)natsConnection_GetLastError(peer->connection, &text);
    if (text != NULL && *text != 0)
        keep_words(peer, text);
    return peer->words;
}

static bool keep_sub(struct demo_peer *peer, natsStatus s, natsSubscription *sub)
{
    if (s != NATS_OK) {
        keep_words(peer, natsStatus_GetText(s));
        return false;
    }
    peer->subs[peer->sub_count++] = sub;
    return true;
}

bool demo_peer_subscribe(struct demo_peer *peer, const char *subject, const char *queue,
                         natsSubscription **sub)
{
    natsStatus s = NATS_ERR;

    if (peer->sub_count < PEER_SUBS_MAX)
        s = queue != NULL ? natsConnection_QueueSubscribeSync(sub, peer->connection, subject, queue)
                          : natsConnection_SubscribeSync(sub, peer->connection, subject);
    return keep_sub(peer, s, *sub);
}

static void on_request(natsConnection *connection, natsSubscription *sub, natsMsg *msg, void *text)
{
    (void)sub;
    (void)natsConnection_PublishString(connection, natsMsg_GetReply(msg), text);
    natsMsg_Destroy(msg);
}

bool demo_peer_answer(struct demo_peer *peer, const char *subject, const char *text)
{
    natsSubscription *sub = NULL;
    natsStatus s = NATS_ERR;

    if (peer->sub_count < PEER_SUBS_MAX)
        s = natsConnection_Subscribe(&sub, peer->connection, subject, on_request,
                                     (void *)(uintptr_t)text);
    return keep_sub(peer, s, sub);
}

bool demo_peer_publish(struct demo_peer *peer, const char *subject, const char *text)
{
    natsStatus s = natsConnection_PublishString(peer->connection, subject, text);

    peer->published += s == NATS_OK;
    if (s != NATS_OK)
        keep_words(peer, natsStatus_GetText(s));
    return s == NATS_OK;
}

bool demo_peer_request(struct demo_peer *peer, const char *subject, const char *text, char *reply,
                       size_t reply_size)
{
    natsMsg *msg = NULL;
    natsStatus s = natsConnection_RequestString(&msg, peer->connection, subject, text, TIMEOUT_MS);

    peer->published++;
    if (s != NATS_OK) {
        keep_words(peer, natsStatus_GetText(s));
        return false;
    }
    snprintf(reply, reply_size, "%.*s", natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
    natsMsg_Destroy(msg);
    return true;
}

bool demo_peer_barrier(struct demo_peer *peer)
{
    natsStatus s = natsConnection_FlushTimeout(peer->connection, TIMEOUT_MS);

    if (s != NATS_OK)
        keep_words(peer, natsStatus_GetText(s));
    return s == NATS_OK;
}

void demo_peer_count(natsSubscription *sub, const char *own, struct demo_count *count)
{
    natsMsg *msg;
    int waiting = 0, bytes;

    while (natsSubscription_GetPending(sub, &waiting, &bytes) == NATS_OK && waiting > 0) {
        if (natsSubscription_NextMsg(&msg, sub, TIMEOUT_MS) != NATS_OK)
            return;
        if (strncmp(natsMsg_GetData(msg), own, strlen(own)) == 0)
            count->own++;
        else
            count->foreign++;
        natsMsg_Destroy(msg);
    }
}
