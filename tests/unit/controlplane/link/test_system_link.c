#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/fake_node.h"

static const struct fake_answer answers[] = {
    {"ask.one", "yes"}, {"ask.three", "a\n--\nb\n--\nc"}, {"ask.silent", NULL}, {0}};

static struct fake_node *node;
static struct system_link *link;

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
    return 0;
}

/* What came, one after the other; enough after `wanted`. */
struct heap {
    char text[64];
    int count, wanted;
};

static enum system_link_more on_reply(struct slice body, void *arg)
{
    struct heap *heap = arg;
    size_t at = strlen(heap->text);

    snprintf(heap->text + at, sizeof(heap->text) - at, "%.*s", (int)body.len, body.data);
    return ++heap->count >= heap->wanted ? LINK_ENOUGH : LINK_MORE;
}

static void test_gathers_until_it_has_enough(void **state)
{
    struct heap one = {.wanted = 1}, three = {.wanted = 3};

    assert_int_equal(system_link_gather(link, "ask.one", SLICE("q"), 60000, on_reply, &one), OK);
    assert_string_equal(one.text, "yes");
    assert_string_equal(fake_node_heard(node, 0), "q");
    assert_int_equal(system_link_gather(link, "ask.three", SLICE(""), 60000, on_reply, &three), OK);
    assert_string_equal(three.text, "abc");
}

static void test_silence_and_nobody_are_told_apart(void **state)
{
    struct heap heap = {.wanted = 2};

    assert_int_equal(system_link_gather(link, "ask.silent", SLICE(""), 50, on_reply, &heap),
                     ERR_TIMEOUT);
    assert_int_equal(system_link_gather(link, "ask.nobody", SLICE(""), 60000, on_reply, &heap),
                     ERR_NOT_FOUND);
    assert_int_equal(heap.count, 0);
}

static void test_knows_who_is_at_the_other_end(void **state)
{
    char id[NKEY_PUBLIC_MAX], trouble[100];

    system_link_server_id(link, id);
    assert_string_equal(id, fake_node_id(node));
    system_link_trouble(link, trouble, sizeof(trouble));
    assert_string_equal(trouble, "");
    assert_string_equal(system_link_url(link), fake_node_url(node));
}

static void test_a_link_to_nobody_says_so(void **state)
{
    struct system_link_options options = {
        .url = "nats://127.0.0.1:1", .name = "test", .credentials = fake_node_credentials};
    struct heap heap = {.wanted = 1};
    struct system_link *other;
    char trouble[100];

    assert_int_equal(system_link_open(&options, &other), OK);
    assert_int_not_equal(system_link_state(other), LINK_UP);
    assert_int_equal(system_link_gather(other, "ask.one", SLICE(""), 50, on_reply, &heap),
                     ERR_UNAVAILABLE);
    assert_int_equal(system_link_publish(other, "a", SLICE("b")), ERR_UNAVAILABLE);
    system_link_trouble(other, trouble, sizeof(trouble));
    assert_true(strlen(trouble) > 0);
    system_link_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gathers_until_it_has_enough),
        cmocka_unit_test(test_silence_and_nobody_are_told_apart),
        cmocka_unit_test(test_knows_who_is_at_the_other_end),
        cmocka_unit_test(test_a_link_to_nobody_says_so),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
