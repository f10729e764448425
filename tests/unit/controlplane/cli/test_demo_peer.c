#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/random.h"
#include "api/nats/creds.h"
#include "controlplane/cli/demo_peer.h"
#include "tests/lib/server_process.h"

static struct server_process server;
static struct buf creds;
static char url[64];

static bool open_peer(struct demo_peer *peer)
{
    return demo_peer_open(peer, url, "test", buf_slice(&creds));
}

static void test_what_was_published_before_a_barrier_is_in(void **state)
{
    struct demo_peer a, b;
    struct demo_count count = {0};
    natsSubscription *sub;

    assert_true(open_peer(&a) && open_peer(&b));
    assert_true(demo_peer_subscribe(&b, "x.>", NULL, &sub) && demo_peer_barrier(&b));
    assert_true(demo_peer_publish(&a, "x.1", "A 1") && demo_peer_publish(&a, "x.2", "B 1") &&
                demo_peer_publish(&a, "y", "A 2"));
    assert_true(demo_peer_barrier(&a) && demo_peer_barrier(&b));
    demo_peer_count(sub, "A ", &count);
    assert_int_equal(count.own, 1);
    assert_int_equal(count.foreign, 1);
    assert_int_equal(a.published, 3);
    assert_string_equal(demo_peer_words(&a), "");
    demo_peer_close(&a);
    demo_peer_close(&b);
}

static void test_requests_are_answered_or_not(void **state)
{
    struct demo_peer a, b;
    char reply[4];

    assert_true(open_peer(&a) && open_peer(&b));
    assert_true(demo_peer_answer(&b, "greet", "hello") && demo_peer_barrier(&b));
    assert_true(demo_peer_request(&a, "greet", "", reply, sizeof(reply)));
    assert_string_equal(reply, "hel");
    assert_false(demo_peer_request(&a, "nobody", "", reply, sizeof(reply)));
    assert_string_not_equal(demo_peer_words(&a), "");
    demo_peer_close(&a);
    demo_peer_close(&b);
}

static void test_who_cannot_connect_says_why(void **state)
{
    struct demo_peer peer;

    assert_false(demo_peer_open(&peer, url, "test", SLICE("no credentials")));
    assert_string_equal(demo_peer_words(&peer), "the credentials are malformed");
    demo_peer_close(&peer);
    assert_false(demo_peer_open(&peer, "nats://127.0.0.1:1", "test", buf_slice(&creds)));
    assert_string_not_equal(demo_peer_words(&peer), "");
    demo_peer_close(&peer);
}

/* A node without accounts: it takes any token. */
static int set_up(void **state)
{
    const char *bin = getenv("BERTH_BIN");
    char program[256], seed[NKEY_SEED_MAX];
    struct server_options options = {.program = program, .timeout_ms = 60000};
    struct nkey nkey;

    snprintf(program, sizeof(program), "%s/berth-broker", bin != NULL ? bin : "build/plain/bin");
    nkey_create(&nkey, NKEY_USER, random_system());
    nkey_seed(&nkey, seed);
    creds_format(&creds, SLICE("eyJ0.eyJ0.AAAA"), slice_of(seed));
    if (!server_process_prepare(&server) || !server_process_start(&server, &options, ""))
        return -1;
    snprintf(url, sizeof(url), "nats://127.0.0.1:%u", server.port);
    return 0;
}

static int tear_down(void **state)
{
    bool ended_well = server_process_stop(&server, 60000);

    nats_Close();
    buf_fini(&creds);
    return ended_well ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_published_before_a_barrier_is_in),
        cmocka_unit_test(test_requests_are_answered_or_not),
        cmocka_unit_test(test_who_cannot_connect_says_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
