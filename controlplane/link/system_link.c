/*
 * How it flows: libnats owns the socket and its threads.  A link is connected from the start
 * with "retry on failed connect", so that there is one path for the first connection and for
 * every later one.  State is told by libnats' callbacks and kept under a mutex; nothing of ours
 * is called while it is held.
 *
 * All subscriptions of all links are delivered by one thread of libnats: a node's last counters
 * and its SHUTDOWN, which arrive in this order on two subjects, are told in this order.
 *
 * libnats calls back after natsConnection_Close has returned.  The last call for a connection is
 * "closed", for a subscription "complete": a link is freed when all of these have come.
 */
#include "controlplane/link/system_link.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdlib.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/list.h"
#include "api/base/log.h"
#include "api/base/mem.h"

enum {
    PENDING_MESSAGES_MAX = 1 << 20,
    PENDING_BYTES_MAX = 64 << 20,
    TROUBLE_MAX = 200,
    CONNECT_TIMEOUT_MS = 2000,
};

struct system_link {
    struct system_link_options options;
    natsConnection *connection;
    pthread_mutex_t mutex;
    enum system_link_state state;
    char trouble[TROUBLE_MAX];
    struct nkey key; /* of the attempt under way */
    struct list subscriptions;
    size_t open_subscriptions; /* that libnats may still call */
    pthread_cond_t ended;
    bool closing; /* no callback of ours is called any more */
    bool closed;  /* libnats has made its last call for the connection */
};

struct link_subscription {
    struct list item; /* in link->subscriptions */
    struct system_link *link;
    natsSubscription *subscription;
    system_link_message_fn fn;
    void *arg;
};

static enum result result_of(natsStatus status)
{
    switch (status) {
    case NATS_OK:
        return OK;
    case NATS_TIMEOUT:
        return ERR_TIMEOUT;
    case NATS_NO_RESPONDERS:
        return ERR_NOT_FOUND;
    case NATS_MAX_PAYLOAD:
        return ERR_LIMIT;
    case NATS_NOT_PERMITTED:
    case NATS_CONNECTION_AUTH_FAILED:
        return ERR_DENIED;
    default:
        return ERR_UNAVAILABLE;
    }
}

/* LINK_CLOSED is final.  first: only if nothing has been said yet. */
static void change_state(struct system_link *link, enum system_link_state state,
                         const char *trouble, bool first)
{
    bool changed;

    pthread_mutex_lock(&link->mutex);
    changed = link->state != state && link->state != LINK_CLOSED && !link->closing &&
              (!first || link->state == LINK_CONNECTING);
    if (changed) {
        link->state = state;
        snprintf(link->trouble, sizeof(link->trouble), "%s", trouble);
    }
    pthread_mutex_unlock(&link->mutex);
    if (changed && link->options.on_state != NULL)
        link->options.on_state(link, state, link->options.arg);
}

static void set_state(struct system_link *link, enum system_link_state state, const char *trouble)
{
    change_state(link, state, trouble, false);
}

static const char *last_error(natsConnection *connection)
{
    const char *text = NULL;

    if (natsConnection_GetLastError(connection, &text) == NATS_OK || text == NULL || *text == 0)
        return "the connection was lost";
    return text;
}

static void on_connected(natsConnection *connection, void *arg)
{
    set_state(arg, LINK_UP, "");
}

static void on_disconnected(natsConnection *connection, void *arg)
{
    set_state(arg, LINK_DOWN, last_error(connection));
}

/* We closed it, or libnats gave up: it does when a node refuses a user twice. */
static void on_closed(natsConnection *connection, void *arg)
{
    struct system_link *link = arg;

    set_state(link, LINK_CLOSED, last_error(connection));
    pthread_mutex_lock(&link->mutex);
    link->closed = true;
    pthread_cond_broadcast(&link->ended);
    pthread_mutex_unlock(&link->mutex);
}

static void on_complete(void *arg)
{
    struct system_link *link = arg;

    pthread_mutex_lock(&link->mutex);
    link->open_subscriptions--;
    pthread_cond_broadcast(&link->ended);
    pthread_mutex_unlock(&link->mutex);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *arg)
{
    struct system_link *link = arg;

    log_every(10000, LOG_WARN, LOG_LINK, "link error url=%s error=\"%s\"", link->options.url,
              natsStatus_GetText(status));
}

/* libnats frees the text. */
static natsStatus give_jwt(char **jwt, char **why, void *arg)
{
    struct system_link *link = arg;
    struct system_link_user user = {0};
    enum result rc = link->options.credentials(link->options.arg, &user);

    if (rc != OK) {
        *why = strdup("no credentials for the system account");
        return NATS_ERR;
    }
    pthread_mutex_lock(&link->mutex);
    nkey_wipe(&link->key);
    link->key = user.key;
    pthread_mutex_unlock(&link->mutex);
    nkey_wipe(&user.key);
    *jwt = strdup(user.jwt);
    mem_free(user.jwt);
    return *jwt != NULL ? NATS_OK : NATS_NO_MEMORY;
}

/* libnats frees the signature. */
static natsStatus give_signature(char **why, unsigned char **signature, int *len, const char *nonce,
                                 void *arg)
{
    struct system_link *link = arg;
    const char *text = nonce != NULL ? nonce : ""; /* a server that asks for no log-in sends none */

    *signature = malloc(NKEY_SIGNATURE_LEN);
    if (*signature == NULL)
        return NATS_NO_MEMORY;
    pthread_mutex_lock(&link->mutex);
    nkey_sign_not_zero(&link->key, text, strlen(text), *signature);
    pthread_mutex_unlock(&link->mutex);
    *len = NKEY_SIGNATURE_LEN;
    return NATS_OK;
}

static natsStatus set_options(struct system_link *link, natsOptions *options)
{
    const struct system_link_options *mine = &link->options;
    const char *servers[] = {mine->url};
    natsStatus s = natsOptions_SetServers(options, servers, 1);

    if (s == NATS_OK && mine->name != NULL)
        s = natsOptions_SetName(options, mine->name);
    if (s == NATS_OK)
        s = natsOptions_SetUserCredentialsCallbacks(options, give_jwt, link, give_signature, link);
    if (s == NATS_OK)
        s = natsOptions_SetIgnoreDiscoveredServers(options, true);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(options, -1);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(
            options, mine->reconnect_wait_ms > 0 ? mine->reconnect_wait_ms : 1000);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectJitter(options, 100, 100);
    if (s == NATS_OK) /* what cannot be sent now is not sent later: the caller is told */
        s = natsOptions_SetReconnectBufSize(options, 1);
    if (s == NATS_OK)
        s = natsOptions_SetPingInterval(options, 5000);
    if (s == NATS_OK)
        s = natsOptions_SetMaxPingsOut(options, 2);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(options, CONNECT_TIMEOUT_MS);
    if (s == NATS_OK) /* a request is one write; nobody gains from waiting for more */
        s = natsOptions_SetSendAsap(options, true);
    if (s == NATS_OK)
        s = natsOptions_UseGlobalMessageDelivery(options, true);
    if (s == NATS_OK)
        s = natsOptions_SetRetryOnFailedConnect(options, true, on_connected, link);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectedCB(options, on_connected, link);
    if (s == NATS_OK)
        s = natsOptions_SetDisconnectedCB(options, on_disconnected, link);
    if (s == NATS_OK)
        s = natsOptions_SetClosedCB(options, on_closed, link);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(options, on_error, link);
    if (s == NATS_OK && mine->ca != NULL)
        s = natsOptions_SetCATrustedCertificates(options, mine->ca);
    return s;
}

static void link_free(struct system_link *link)
{
    nkey_wipe(&link->key);
    pthread_cond_destroy(&link->ended);
    pthread_mutex_destroy(&link->mutex);
    mem_free((char *)(uintptr_t)link->options.url);
    mem_free((char *)(uintptr_t)link->options.name);
    mem_free((char *)(uintptr_t)link->options.ca);
    mem_free(link);
}

enum result system_link_open(const struct system_link_options *options, struct system_link **out)
{
    struct system_link *link = mem_alloc(sizeof(*link));
    natsOptions *nats_options = NULL;
    natsStatus s;

    CHECK(options->url != NULL && options->credentials != NULL);
    link->options = *options;
    link->options.url = mem_strdup(options->url);
    link->options.name = options->name != NULL ? mem_strdup(options->name) : NULL;
    link->options.ca = options->ca != NULL ? mem_strdup(options->ca) : NULL;
    pthread_mutex_init(&link->mutex, NULL);
    pthread_cond_init(&link->ended, NULL);
    list_init(&link->subscriptions);
    snprintf(link->trouble, sizeof(link->trouble), "not connected yet");

    s = natsOptions_Create(&nats_options);
    if (s == NATS_OK)
        s = set_options(link, nats_options);
    if (s == NATS_OK)
        s = natsConnection_Connect(&link->connection, nats_options);
    natsOptions_Destroy(nats_options);
    if (s == NATS_OK)
        change_state(link, LINK_UP, "", true);
    else if (s != NATS_NOT_YET_CONNECTED) {
        log_warn(LOG_LINK, "link refused url=%s error=\"%s\"", options->url, natsStatus_GetText(s));
        link_free(link);
        return result_of(s);
    }
    *out = link;
    return OK;
}

void system_link_interrupt(struct system_link *link)
{
    pthread_mutex_lock(&link->mutex);
    link->closing = true;
    link->state = LINK_CLOSED;
    pthread_mutex_unlock(&link->mutex);
    natsConnection_Close(link->connection);
}

void system_link_close(struct system_link *link)
{
    struct list *item;

    if (link == NULL)
        return;
    system_link_interrupt(link);
    pthread_mutex_lock(&link->mutex);
    while (!link->closed || link->open_subscriptions > 0)
        pthread_cond_wait(&link->ended, &link->mutex);
    pthread_mutex_unlock(&link->mutex);
    while ((item = list_pop(&link->subscriptions)) != NULL) {
        struct link_subscription *sub = list_entry(item, struct link_subscription, item);

        natsSubscription_Destroy(sub->subscription);
        mem_free(sub);
    }
    natsConnection_Destroy(link->connection);
    link_free(link);
}

enum system_link_state system_link_state(struct system_link *link)
{
    enum system_link_state state;

    pthread_mutex_lock(&link->mutex);
    state = link->state;
    pthread_mutex_unlock(&link->mutex);
    return state;
}

const char *system_link_url(const struct system_link *link)
{
    return link->options.url;
}

void system_link_server_id(struct system_link *link, char out[NKEY_PUBLIC_MAX])
{
    out[0] = 0;
    if (natsConnection_GetConnectedServerId(link->connection, out, NKEY_PUBLIC_MAX) != NATS_OK)
        out[0] = 0;
}

void system_link_trouble(struct system_link *link, char *out, size_t cap)
{
    pthread_mutex_lock(&link->mutex);
    snprintf(out, cap, "%s", link->trouble);
    pthread_mutex_unlock(&link->mutex);
}

struct system_link_call {
    natsSubscription *inbox;
};

enum result system_link_ask(struct system_link *link, const char *subject, struct slice body,
                            struct system_link_call **out)
{
    struct system_link_call *call;
    natsInbox *inbox = NULL;
    natsStatus s;

    if (system_link_state(link) != LINK_UP)
        return ERR_UNAVAILABLE;
    call = mem_alloc(sizeof(*call));
    s = natsInbox_Create(&inbox);
    if (s == NATS_OK)
        s = natsConnection_SubscribeSync(&call->inbox, link->connection, inbox);
    if (s == NATS_OK)
        s = natsSubscription_SetPendingLimits(call->inbox, PENDING_MESSAGES_MAX, PENDING_BYTES_MAX);
    if (s == NATS_OK)
        s = natsConnection_PublishRequest(link->connection, subject, inbox, body.data,
                                          (int)body.len);
    natsInbox_Destroy(inbox);
    if (s != NATS_OK) {
        system_link_call_end(call);
        return result_of(s);
    }
    *out = call;
    return OK;
}

enum result system_link_collect(struct system_link_call *call, int64_t until_ns,
                                system_link_reply_fn fn, void *arg)
{
    for (;;) {
        int64_t left_ms = (until_ns - clock_mono_ns(clock_system())) / NS_PER_MS;
        enum system_link_more more;
        natsMsg *msg = NULL;
        natsStatus s;

        /* What has arrived is taken even when the time is over. */
        s = natsSubscription_NextMsg(&msg, call->inbox, left_ms > 1 ? left_ms : 1);
        if (s != NATS_OK)
            return result_of(s);
        if (natsMsg_IsNoResponders(msg)) {
            natsMsg_Destroy(msg);
            return ERR_NOT_FOUND;
        }
        more = fn(slice_make(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)), arg);
        natsMsg_Destroy(msg);
        if (more == LINK_ENOUGH)
            return OK;
    }
}

void system_link_call_end(struct system_link_call *call)
{
    if (call == NULL)
        return;
    natsSubscription_Destroy(call->inbox);
    mem_free(call);
}

enum result system_link_gather(struct system_link *link, const char *subject, struct slice body,
                               int64_t timeout_ms, system_link_reply_fn fn, void *arg)
{
    int64_t until_ns = clock_mono_ns(clock_system()) + timeout_ms * NS_PER_MS;
    struct system_link_call *call;
    enum result rc = system_link_ask(link, subject, body, &call);

    if (rc != OK)
        return rc;
    rc = system_link_collect(call, until_ns, fn, arg);
    system_link_call_end(call);
    return rc;
}

enum result system_link_publish(struct system_link *link, const char *subject, struct slice body)
{
    natsStatus s;

    if (system_link_state(link) != LINK_UP)
        return ERR_UNAVAILABLE;
    s = natsConnection_Publish(link->connection, subject, body.data, (int)body.len);
    return result_of(s);
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *msg,
                       void *arg)
{
    struct link_subscription *sub = arg;

    sub->fn(sub->link, natsMsg_GetSubject(msg),
            slice_make(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)), sub->arg);
    natsMsg_Destroy(msg);
}

static natsStatus subscribe(struct link_subscription *sub, const char *subject)
{
    natsStatus s = natsConnection_Subscribe(&sub->subscription, sub->link->connection, subject,
                                            on_message, sub);

    if (s == NATS_OK)
        s = natsSubscription_SetPendingLimits(sub->subscription, PENDING_MESSAGES_MAX,
                                              PENDING_BYTES_MAX);
    if (s == NATS_OK)
        s = natsSubscription_SetOnCompleteCB(sub->subscription, on_complete, sub->link);
    return s;
}

enum result system_link_subscribe(struct system_link *link, const char *subject,
                                  system_link_message_fn fn, void *arg)
{
    struct link_subscription *sub = mem_alloc(sizeof(*sub));
    natsStatus s;

    sub->link = link;
    sub->fn = fn;
    sub->arg = arg;
    s = subscribe(sub, subject);
    /* Kept even when a part of it failed: libnats may be calling it. */
    pthread_mutex_lock(&link->mutex);
    list_push(&link->subscriptions, &sub->item);
    link->open_subscriptions += s == NATS_OK;
    pthread_mutex_unlock(&link->mutex);
    return result_of(s);
}
