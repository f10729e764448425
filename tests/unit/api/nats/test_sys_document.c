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
    {&sys_varz_shape,
     "{\"server_id\":\"ID\",\"server_name\":\"n\",\"version\":\"2.14.3\",\"proto\":1,"
     "\"go\":\"go1.26.8\",\"host\":\"127.0.0.1\",\"port\":14992,\"auth_required\":true,"
     "\"max_connections\":65536,\"ping_interval\":120000000000,\"ping_max\":2,"
     "\"http_host\":\"127.0.0.1\",\"http_port\":14993,\"http_base_path\":\"\",\"https_port\":0,"
     "\"auth_timeout\":2,\"max_control_line\":4096,\"max_payload\":1048576,\"max_pending\":"
     "67108864,"
     "\"cluster\":{},\"gateway\":{},\"leaf\":{},\"mqtt\":{},\"websocket\":{},\"jetstream\":{},"
     "\"tls_timeout\":2,\"write_deadline\":10000000000,\"start\":\"2026-11-23T12:55:54."
     "344143926Z\","
     "\"now\":\"2026-11-23T12:55:55.641495452Z\",\"uptime\":\"1s\",\"mem\":16568320,\"cores\":2,"
     "\"gomaxprocs\":2,\"cpu\":0.5,\"connections\":3,\"total_connections\":6,\"routes\":0,"
     "\"remotes\":0,\"leafnodes\":0,\"in_msgs\":4,\"in_bytes\":2,\"in_client_msgs\":4,"
     "\"in_client_bytes\":2,\"out_msgs\":28,\"out_bytes\":17832,\"out_client_msgs\":28,"
     "\"out_client_bytes\":17832,\"slow_consumers\":0,\"stale_connections\":0,"
     "\"stalled_clients\":0,\"subscriptions\":67,\"http_req_stats\":{},"
     "\"config_load_time\":\"2026-11-23T12:55:54.344143926Z\",\"config_digest\":\"sha256:6a\","
     "\"system_account\":\"SYS\",\"slow_consumer_stats\":{\"clients\":0,\"routes\":0,"
     "\"gateways\":0,\"leafs\":0},\"stale_connection_stats\":{\"clients\":0,\"routes\":0,"
     "\"gateways\":0,\"leafs\":0}}"},
    {&sys_connz_shape,
     "{\"server_id\":\"ID\",\"now\":\"2026-11-23T12:55:55.665891237Z\",\"num_connections\":1,"
     "\"total\":1,\"offset\":0,\"limit\":1024,\"connections\":[{\"cid\":6,\"kind\":\"Client\","
     "\"type\":\"nats\",\"ip\":\"127.0.0.1\",\"port\":37122,"
     "\"start\":\"2026-11-23T12:55:55.103241345Z\","
     "\"last_activity\":\"2026-11-23T12:55:55.567648666Z\",\"rtt\":\"634\xc2\xb5s\","
     "\"uptime\":\"0s\",\"idle\":\"0s\",\"pending_bytes\":0,\"in_msgs\":0,\"out_msgs\":1,"
     "\"in_bytes\":0,\"out_bytes\":2,\"subscriptions\":1,\"name\":\"NATS CLI\",\"lang\":\"go\","
     "\"version\":\"1.55.0\",\"authorized_user\":\"a\",\"account\":\"A\","
     "\"subscriptions_list_detail\":[{\"subject\":\"foo\",\"qgroup\":\"q\",\"sid\":\"1\","
     "\"msgs\":1,\"cid\":6}],\"name_tag\":\"A\"}]}"},
    {&sys_connz_shape,
     "{\"server_id\":\"ID\",\"now\":\"2026-11-23T12:55:55Z\",\"num_connections\":0,"
     "\"total\":0,\"offset\":0,\"limit\":1024,\"connections\":[]}"},
    {&sys_subsz_shape,
     "{\"server_id\":\"ID\",\"now\":\"2026-11-23T12:55:55.689341941Z\",\"num_subscriptions\":67,"
     "\"num_cache\":18,\"num_inserts\":71,\"num_removes\":4,\"num_matches\":48,"
     "\"cache_hit_rate\":0.5,\"max_fanout\":2,\"avg_fanout\":1.5,\"total\":67,\"offset\":0,"
     "\"limit\":1024,\"subscriptions_list\":[{\"account\":\"$G\",\"account_tag\":\"$G\","
     "\"subject\":\"$SYS.REQ.USER.INFO\",\"sid\":\"4\",\"msgs\":0,\"cid\":3}]}"},
    {&sys_accountz_shape, "{\"server_id\":\"ID\",\"now\":\"2026-11-23T12:56:22.999723863Z\","
                          "\"system_account\":\"SYS\",\"accounts\":[\"A\",\"SYS\",\"$G\"]}"},
    {&sys_accountz_shape,
     "{\"server_id\":\"ID\",\"now\":\"2026-11-23T12:56:23Z\",\"system_account\":\"SYS\","
     "\"account_detail\":{\"account_name\":\"A\",\"update_time\":\"2026-11-23T12:56:22.28Z\","
     "\"expired\":false,\"complete\":true,\"jetstream_enabled\":false,\"leafnode_connections\":0,"
     "\"client_connections\":0,\"subscriptions\":4,\"imports\":[{\"subject\":\"a\"}],"
     "\"name_tag\":\"A\",\"sublist_stats\":{\"num_subscriptions\":4,\"num_cache\":0,"
     "\"num_inserts\":4,\"num_removes\":0,\"num_matches\":0,\"cache_hit_rate\":0,\"max_fanout\":0,"
     "\"avg_fanout\":0}}}"},
    {&sys_account_statz_shape,
     "{\"server_id\":\"ID\",\"now\":\"2026-11-23T12:56:23.20652192Z\",\"account_statz\":[{"
     "\"acc\":\"A\",\"name\":\"A\",\"conns\":0,\"leafnodes\":0,\"total_conns\":0,"
     "\"num_subscriptions\":4,\"sent\":" DATA ",\"received\":" DATA ",\"slow_consumers\":0}]}"},
    {&sys_healthz_shape, "{\"status\":\"ok\",\"status_code\":200}"},
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
    {&sys_connz_options_shape,
     "{\"sort\":\"cid\",\"auth\":true,\"offset\":1,\"limit\":2,\"state\":2,\"acc\":\"A\","
     "\"server_name\":\"n\",\"exact_match\":true,\"tags\":[\"t\"]}"},
    {&sys_healthz_options_shape, "{\"js-enabled-only\":true,\"account\":\"A\"}"},
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
