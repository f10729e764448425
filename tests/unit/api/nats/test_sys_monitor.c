#include "api/nats/sys_monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"

/* What the reference server says, and must come out as it went in. */
#define DATA                                                         \
    "{\"msgs\":1,\"bytes\":2,\"gateways\":{\"msgs\":0,\"bytes\":0}," \
    "\"routes\":{\"msgs\":0,\"bytes\":0},\"leafs\":{\"msgs\":0,\"bytes\":0}}"

static const struct {
    const struct shape *shape;
    const char *text;
} documents[] = {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_come_out_as_they_went_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
