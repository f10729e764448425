#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/link/node_requests.h"
#include "tests/lib/fake_node.h"

#define SERVER "\"server\":{\"name\":\"n1\",\"id\":\"@ID@\",\"ver\":\"2.14.3\"}"
#define OTHER "\"server\":{\"name\":\"n2\",\"id\":\"NOTHER\",\"ver\":\"2.14.3\"}"

static const struct fake_answer answers[] = {
    {"$SYS.REQ.SERVER.@ID@.VARZ",
     "{" SERVER ",\"data\":{\"server_id\":\"@ID@\",\"server_name\":\"n1\",\"max_payload\":77}}"},
    {"$SYS.REQ.CLAIMS.LIST",
     "{" OTHER ",\"data\":[\"AX\"]}\n--\n{" SERVER ",\"data\":[\"A1\",\"A2\"]}"},
    {"$SYS.REQ.CLAIMS.PACK", "A1|t1\nA2|t2\n--\nA3|t3\n--\n"},
    {"$SYS.REQ.CLAIMS.DELETE",
     "{" SERVER ",\"error\":{\"code\":500,\"description\":\"delete must be enabled\"}}"},
    {"$SYS.REQ.ACCOUNT.A1.CONNZ", "{" SERVER ",\"data\":{\"server_id\":\"@ID@\",\"total\":3}}"},
    {"$SYS.REQ.ACCOUNT.A2.CONNZ",
     "{" SERVER ",\"error\":{\"code\":500,\"description\":\"does not exist\"}}"},
    {"$SYS.REQ.SERVER.@ID@.JSZ",
     "{" SERVER ",\"data\":{\"memory\":99,\"storage\":99,\"streams\":3,\"account_details\":["
     "{\"name\":\"x\",\"id\":\"A2\",\"memory\":1,\"storage\":1,\"stream_detail\":[{\"name\":\"S\"}]"
     "},"
     "{\"name\":\"y\",\"id\":\"A1\",\"memory\":2,\"storage\":40,\"stream_detail\":"
     "[{\"name\":\"S\",\"created\":\"2026-11-29T07:22:57Z\"},{\"name\":\"T\"}]}]}}"},
    {"$SYS.REQ.ACCOUNT.A3.CONNZ", "{" SERVER ",\"data\":{\"total\":5,\"connections\":["
                                  "{\"cid\":1,\"issuer_key\":\"AONE\"},"
                                  "{\"cid\":2,\"issuer_key\":\"ATWO\"},{\"cid\":3}]}}"},
    {0}};

static struct fake_node *node;
static struct system_link *link;
static struct arena arena;

static int begin(void **state)
{
    node = fake_node_start(answers);
    link = fake_node_link(node);
    return 0;
}

static int end(void **state)
{
    system_link_close(link);
    fake_node_stop(node);
    arena_fini(&arena);
    return 0;
}

static void test_varz(void **state)
{
    struct node_varz varz;

    assert_int_equal(node_request_varz(link, 60000, &arena, &varz), OK);
    assert_string_equal(varz.varz.server_name, "n1");
    assert_int_equal(varz.varz.max_payload, 77);
    assert_string_equal(varz.server.id, fake_node_id(node));
}

/* Over routes others hear LIST too: theirs are not this node's. */
static void test_list_is_that_of_the_node_at_the_other_end(void **state)
{
    struct strings listed;

    assert_int_equal(node_request_list(link, 60000, &arena, &listed), OK);
    assert_int_equal(listed.count, 2);
    assert_string_equal(listed.items[1], "A2");
}

static void test_pack_is_read_to_its_empty_end(void **state)
{
    static const uint8_t digest[32] = {1};
    struct packed_jwts held;
    bool equal;

    assert_int_equal(node_request_pack(link, digest, 60000, &arena, &equal, &held), OK);
    assert_false(equal);
    assert_int_equal(held.count, 3);
    assert_string_equal(held.items[2].account_key, "A3");
    assert_string_equal(held.items[2].jwt, "t3");
}

static void test_a_refused_delete_says_why(void **state)
{
    struct sys_claims_reply reply;

    assert_int_equal(node_request_delete(link, "request", 60000, &arena, &reply), ERR_DENIED);
    assert_string_equal(reply.error->description, "delete must be enabled");
    assert_string_equal(fake_node_heard(node, 3), "request");
}

static void test_assets_are_those_of_the_account_alone(void **state)
{
    struct node_assets assets;

    assert_int_equal(node_request_assets(link, "A1", 60000, &arena, &assets), OK);
    assert_int_equal(assets.streams, 2);
    assert_int_equal(assets.bytes, 42);
    assert_string_equal(fake_node_heard(node, 6),
                        "{\"account\":\"A1\",\"accounts\":true,\"streams\":true}");
    assert_int_equal(node_request_assets(link, "A3", 60000, &arena, &assets), OK);
    assert_int_equal(assets.streams + assets.bytes, 0);
}

static void test_connections_of_an_account_not_loaded_are_none(void **state)
{
    int64_t count = -1;

    assert_int_equal(node_request_connections(link, "A1", 60000, &arena, &count), OK);
    assert_int_equal(count, 3);
    assert_int_equal(node_request_connections(link, "A2", 60000, &arena, &count), OK);
    assert_int_equal(count, 0);
}

static void test_connections_by_who_signed_are_counted_over_all_pages(void **state)
{
    int64_t count = -1;

    assert_int_equal(node_request_signed_by(link, "A3", "AONE", 5000, &arena, &count), OK);
    assert_int_equal(count, 2); /* the fake's pages are all the same: of the first and the second */
    assert_string_equal(fake_node_heard(node, 7), "{\"auth\":true,\"limit\":256,\"offset\":3}");
    assert_int_equal(node_request_signed_by(link, "A3", "ATHREE", 5000, &arena, &count), OK);
    assert_int_equal(count, 0);
    assert_int_equal(node_request_signed_by(link, "A2", "AONE", 5000, &arena, &count), OK);
    assert_int_equal(count, 0);
    assert_int_equal(node_request_signed_by(link, "A4", "AONE", 5000, &arena, &count),
                     ERR_NOT_FOUND);
}

/* Every account may ask for its own: this one the broker answers itself. */
static enum system_link_more on_statz(const struct node_statz *statz, void *arg)
{
    assert_string_equal(statz->server.id, fake_node_id(node));
    assert_true(statz->statz.account_statz.count >= 1);
    assert_string_equal(statz->statz.account_statz.items[0].acc, "$G");
    assert_int_equal(statz->statz.account_statz.items[0].conns, 2); /* the fake and the link */
    *(bool *)arg = true;
    return LINK_ENOUGH;
}

static void test_statz(void **state)
{
    bool seen = false;

    assert_int_equal(node_request_statz(link, 60000, &arena, on_statz, &seen), OK);
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varz),
        cmocka_unit_test(test_list_is_that_of_the_node_at_the_other_end),
        cmocka_unit_test(test_pack_is_read_to_its_empty_end),
        cmocka_unit_test(test_a_refused_delete_says_why),
        cmocka_unit_test(test_assets_are_those_of_the_account_alone),
        cmocka_unit_test(test_connections_of_an_account_not_loaded_are_none),
        cmocka_unit_test(test_connections_by_who_signed_are_counted_over_all_pages),
        cmocka_unit_test(test_statz),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
