#include "tests/lib/fake_node.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/mem.h"
#include "tests/lib/server_process.h"

enum { START_MS = 60000, HEARD_MAX = 4096, PROGRAM_MAX = 512 };

struct fake_row {
    struct fake_node *node;
    const char *text;
    natsSubscription *subscription;
    char heard[HEARD_MAX];
};

struct fake_node {
    struct server_process server;
    natsConnection *connection;
    pthread_mutex_t mutex;
    struct fake_row rows[FAKE_ANSWERS_MAX];
    size_t count;
    char url[FAKE_URL_MAX], id[NKEY_PUBLIC_MAX];
};

/* The text with the id in it. */
static void fill(const struct fake_node *node, struct slice text, struct buf *out)
{
    static const char mark[] = "@ID@";

    while (text.len > 0) {
        const char *at = memmem(text.data, text.len, mark, sizeof(mark) - 1);
        size_t plain = at != NULL ? (size_t)(at - text.data) : text.len;

        buf_add(out, text.data, plain);
        if (at == NULL)
            return;
        buf_add_text(out, node->id);
        text = slice_from(text, plain + sizeof(mark) - 1);
    }
}

static void answer(struct fake_node *node, const char *reply, const char *text)
{
    struct slice rest = slice_of(text);
    bool more = true;

    while (more) {
        const char *end = memmem(rest.data, rest.len, "\n--\n", 4);
        struct slice part = rest;
        struct buf out = {0};

        more = end != NULL;
        if (more) {
            part.len = (size_t)(end - rest.data);
            rest = slice_from(rest, part.len + 4);
        }
        fill(node, part, &out);
        CHECK(natsConnection_Publish(node->connection, reply, out.data, (int)out.len) == NATS_OK);
        buf_fini(&out);
    }
    CHECK(natsConnection_Flush(node->connection) == NATS_OK);
}

static void on_request(natsConnection *connection, natsSubscription *subscription, natsMsg *msg,
                       void *arg)
{
    struct fake_row *row = arg;
    const char *text;

    pthread_mutex_lock(&row->node->mutex);
    snprintf(row->heard, sizeof(row->heard), "%.*s", natsMsg_GetDataLength(msg),
             natsMsg_GetData(msg));
    text = row->text;
    pthread_mutex_unlock(&row->node->mutex);
    if (text != NULL && natsMsg_GetReply(msg) != NULL)
        answer(row->node, natsMsg_GetReply(msg), text);
    natsMsg_Destroy(msg);
}

void fake_node_listen(struct fake_node *node, const struct fake_answer *row)
{
    struct fake_row *slot = &node->rows[node->count++];
    char subject[256];
    struct buf filled = {0};

    CHECK(node->count <= FAKE_ANSWERS_MAX);
    fill(node, slice_of(row->subject), &filled);
    snprintf(subject, sizeof(subject), "%s", buf_text(&filled));
    buf_fini(&filled);
    slot->node = node;
    slot->text = row->text;
    CHECK(natsConnection_Subscribe(&slot->subscription, node->connection, subject, on_request,
                                   slot) == NATS_OK);
    CHECK(natsConnection_Flush(node->connection) == NATS_OK);
}

struct fake_node *fake_node_start(const struct fake_answer *answers)
{
    struct fake_node *node = mem_alloc(sizeof(*node));
    const char *bin = getenv("BERTH_BIN");
    char program[PROGRAM_MAX];
    struct server_options options = {.program = program, .timeout_ms = START_MS};

    CHECK(bin != NULL); /* where the programs are: the Makefile sets it */
    snprintf(program, sizeof(program), "%s/berth-broker", bin);
    pthread_mutex_init(&node->mutex, NULL);
    CHECK(server_process_prepare(&node->server));
    CHECK(server_process_start(&node->server, &options, ""));
    snprintf(node->url, sizeof(node->url), "nats://127.0.0.1:%u", node->server.port);
    CHECK(natsConnection_ConnectTo(&node->connection, node->url) == NATS_OK);
    CHECK(natsConnection_GetConnectedServerId(node->connection, node->id, sizeof(node->id)) ==
          NATS_OK);
    for (; answers != NULL && answers->subject != NULL; answers++)
        fake_node_listen(node, answers);
    return node;
}

void fake_node_stop(struct fake_node *node)
{
    /* An answer may still be on its way out, on a thread of libnats: let it end first. */
    for (size_t i = 0; i < node->count; i++) {
        natsSubscription *subscription = node->rows[i].subscription;

        CHECK(natsSubscription_Drain(subscription) == NATS_OK);
        CHECK(natsSubscription_WaitForDrainCompletion(subscription, START_MS) == NATS_OK);
        natsSubscription_Destroy(subscription);
    }
    natsConnection_Destroy(node->connection);
    CHECK(server_process_stop(&node->server, START_MS)); /* it ended well */
    nats_CloseAndWait(START_MS);
    pthread_mutex_destroy(&node->mutex);
    mem_free(node);
}

const char *fake_node_url(const struct fake_node *node)
{
    return node->url;
}

const char *fake_node_id(const struct fake_node *node)
{
    return node->id;
}

void fake_node_set(struct fake_node *node, size_t row, const char *text)
{
    CHECK(row < node->count);
    pthread_mutex_lock(&node->mutex);
    node->rows[row].text = text;
    pthread_mutex_unlock(&node->mutex);
}

const char *fake_node_heard(struct fake_node *node, size_t row)
{
    static _Thread_local char copy[HEARD_MAX];

    pthread_mutex_lock(&node->mutex);
    snprintf(copy, sizeof(copy), "%s", node->rows[row].heard);
    pthread_mutex_unlock(&node->mutex);
    return copy;
}

void fake_node_say(struct fake_node *node, const char *subject, const char *text)
{
    struct buf out = {0};

    fill(node, slice_of(text), &out);
    CHECK(natsConnection_Publish(node->connection, subject, out.data, (int)out.len) == NATS_OK);
    CHECK(natsConnection_Flush(node->connection) == NATS_OK);
    buf_fini(&out);
}

enum result fake_node_credentials(void *arg, struct system_link_user *out)
{
    nkey_create(&out->key, NKEY_USER, random_system());
    out->jwt = mem_strdup("none");
    return OK;
}

enum result fake_set_credentials(const char *system_id, struct system_link_user *out, void *arg)
{
    return fake_node_credentials(arg, out);
}

static int64_t a_long_time(void)
{
    return clock_mono_ns(clock_system()) + START_MS * NS_PER_MS;
}

static void wait_a_moment(int64_t until_ns)
{
    CHECK(clock_mono_ns(clock_system()) < until_ns);
    nats_Sleep(10);
}

void fake_node_await_link(struct link_set *set, const char *system_id)
{
    int64_t until_ns = a_long_time();
    struct link_taken taken;

    while (link_set_take(set, system_id, &taken, 1) == 0)
        wait_a_moment(until_ns);
    link_set_give(set, &taken, 1);
}

struct system_link *fake_node_link(const struct fake_node *node)
{
    struct system_link_options options = {
        .url = node->url, .name = "test", .credentials = fake_node_credentials};
    int64_t until_ns = a_long_time();
    struct system_link *link;

    CHECK(system_link_open(&options, &link) == OK);
    while (system_link_state(link) != LINK_UP)
        wait_a_moment(until_ns);
    return link;
}
