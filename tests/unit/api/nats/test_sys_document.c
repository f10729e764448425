#include "api/nats/sys_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/sys_monitor.h"

/* What the reference server says (its feature flags left out), and must come out as it went in. */
#define SERVER                                                                            \
    "\"server\":{\"name\":\"n\",\"host\":\"127.0.0.1\",\"id\":\"ID\",\"ver\":\"2.14.3\"," \
    "\"jetstream\":false,\"flags\":0,\"seq\":20,\"time\":\"2026-11-23T12:55:55.568356494Z\"}"
#define EVENT(type)                                            \
    "\"type\":\"" type "\",\"id\":\"Rt59AdUMkNL1faO4xIIKi9\"," \
    "\"timestamp\":\"2026-11-23T12:55:55.568323075Z\""
#define DATA                                                         \
    "{\"msgs\":1,\"bytes\":2,\"gateways\":{\"msgs\":0,\"bytes\":0}," \
    "\"routes\":{\"msgs\":0,\"bytes\":0},\"leafs\":{\"msgs\":0,\"bytes\":0}}"

static const struct {
    const struct shape *shape;
    const char *text;
} documents[] = {
    {&sys_disconnect_shape,
     "{" EVENT(SYS_TYPE_DISCONNECT) "," SERVER ",\"client\":{\"start\":\"2026-11-23T12:55:55."
                                    "566923161Z\",\"host\":\"127.0.0.1\",\"id\":8,"
                                    "\"acc\":\"A\",\"user\":\"a\",\"name\":\"NATS "
                                    "CLI\",\"lang\":\"go\",\"ver\":\"1.55.0\","
                                    "\"rtt\":415000,\"stop\":\"2026-11-23T12:55:55.568323075Z\","
                                    "\"name_tag\":\"A\","
                                    "\"kind\":\"Client\",\"client_type\":\"nats\"},\"sent\":{"
                                    "\"msgs\":1,\"bytes\":2},"
                                    "\"received\":{\"msgs\":0,\"bytes\":0},\"reason\":\"Client "
                                    "Closed\"}"},
    {&sys_connect_shape,
     "{" EVENT(SYS_TYPE_CONNECT) "," SERVER ",\"client\":{\"start\":\"2026-11-23T12:55:55."
                                 "566923161Z\",\"host\":\"127.0.0.1\",\"id\":8,"
                                 "\"acc\":\"A\",\"kind\":\"Client\",\"client_type\":\"nats\"}}"},
    {&sys_account_conns_shape,
     "{" EVENT(SYS_TYPE_ACCOUNT_CONNS) "," SERVER ",\"acc\":\"A\",\"name\":\"A\",\"conns\":2,"
                                       "\"leafnodes\":0,\"total_conns\":2,"
                                       "\"num_subscriptions\":5,\"sent\":" DATA
                                       ",\"received\":" DATA ",\"slow_consumers\":0}"},
    {&sys_statsz_shape,
     "{" SERVER ",\"statsz\":{\"start\":\"2026-11-23T12:55:54.344143926Z\",\"mem\":16306176,"
     "\"cores\":2,\"cpu\":0,\"connections\":3,\"total_connections\":5,\"active_accounts\":2,"
     "\"subscriptions\":67,\"sent\":{\"msgs\":20,\"bytes\":12445},\"sent_to_clients\":{\"msgs\":20,"
     "\"bytes\":12445},\"received\":{\"msgs\":3,\"bytes\":2},\"received_from_clients\":{\"msgs\":3,"
     "\"bytes\":2},\"slow_consumers\":0,\"active_servers\":1,\"gomaxprocs\":2}}"},
    {&sys_idz_shape, "{\"name\":\"n\",\"host\":\"127.0.0.1\",\"id\":\"ID\"}"},
    {&sys_user_info_shape, "{\"user\":\"a\",\"account\":\"A\",\"account_name\":\"A\","
                           "\"permissions\":{\"publish\":{\"deny\":[\"x\"]},\"subscribe\":{}}}"},
    {&sys_claims_reply_shape, "{" SERVER ",\"data\":{\"account\":\"A\",\"code\":200,"
                              "\"message\":\"jwt updated\"}}"},
    {&sys_claims_reply_shape,
     "{" SERVER ",\"data\":{\"account\":\"A\",\"code\":200,\"message\":\"jwt updated\","
     "\"applied\":true,\"jti\":\"J\",\"iat\":5}}"},
    {&sys_claims_reply_shape, "{" SERVER ",\"error\":{\"account\":\"A\",\"code\":500,"
                              "\"description\":\"no\"}}"},
    {&sys_claims_list_shape, "{" SERVER ",\"data\":[\"A\",\"B\"]}"},
    {&sys_reply_shape, "{" SERVER ",\"data\":{\"any\":[1,2]}}"},
};

static void test_documents_come_out_as_they_went_in(void **state)
{
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        struct arena arena = {0};
        struct shape_error error;
        void *document = arena_alloc(&arena, documents[i].shape->size);
        char *text;

        if (shape_decode_text(documents[i].shape, slice_of(documents[i].text), SHAPE_LENIENT,
                              &arena, document, &error) != OK)
            fail_msg("%s\n%s %s", documents[i].text, error.pointer, error.message);
        text = shape_encode_text(documents[i].shape, document);
        assert_string_equal(text, documents[i].text);
        mem_free(text);
        arena_fini(&arena);
    }
}

static void test_envelopes(void **state)
{
    const struct sys_server server = {
        .name = "n",
        .host = "127.0.0.1",
        .id = "ID",
        .ver = "2.14.3",
        .seq = 20,
        .time = INT64_C(1795438555568356494),
    };
    const struct sys_healthz healthz = {.status = "ok", .status_code = 200};
    const struct sys_error malformed = {.code = 400, .description = "x"};
    const struct sys_error failed = {.code = 500, .description = "y"};
    char *text;

    text = sys_reply_text(&server, &sys_healthz_shape, &healthz);
    assert_string_equal(text, "{" SERVER ",\"data\":{\"status\":\"ok\",\"status_code\":200}}");
    mem_free(text);
    text = sys_error_text(&server, &malformed);
    assert_string_equal(text, "{" SERVER ",\"error\":{\"code\":400,\"description\":\"x\"}}");
    mem_free(text);
    text = sys_error_text(&server, &failed);
    assert_string_equal(text, "{" SERVER
                              ",\"data\":null,\"error\":{\"code\":500,\"description\":\"y\"}}");
    mem_free(text);
}

static void test_filter(void **state)
{
    const char *tags[] = {"a:b", "c"}, *asked[] = {"C"}, *missing[] = {"c", "d"};
    const struct sys_server server = {
        .name = "node-1", .host = "h", .id = "ID", .cluster = "east", .tags = {tags, 2}};
    static const struct {
        struct sys_filter filter;
        bool matches;
    } cases[] = {
        {{0}, true},
        {{.server_name = "node"}, true},
        {{.server_name = "node", .exact_match = true}, false},
        {{.server_name = "node-1", .exact_match = true}, true},
        {{.server_name = "other"}, false},
        {{.cluster = "ea", .host = "h"}, true},
        {{.domain = "d"}, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(sys_filter_match(&cases[i].filter, &server), cases[i].matches);
    assert_true(sys_filter_match(&(struct sys_filter){.tags = {asked, 1}}, &server));
    assert_false(sys_filter_match(&(struct sys_filter){.tags = {missing, 2}}, &server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_come_out_as_they_went_in),
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
