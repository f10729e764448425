#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/fake_node.h"

static const char *const subjects[] = {"news.*", NULL};

static struct fake_node *node;
static sem_t heard;
static char last[64];

static void on_message(const char *system_id, const char *subject, struct slice body, void *arg)
{
    snprintf(last, sizeof(last), "%s %s %.*s", system_id, subject, (int)body.len, body.data);
    sem_post(&heard);
}

static struct link_set *make(void)
{
    struct link_set_options options = {.credentials = fake_set_credentials,
                                       .on_message = on_message,
                                       .subjects = subjects,
                                       .name = "test"};

    return link_set_new(&options);
}

static int begin(void **state)
{
    node = fake_node_start(NULL);
    return sem_init(&heard, 0, 0);
}

static int end(void **state)
{
    fake_node_stop(node);
    return 0;
}

static void test_one_link_for_each_url_as_long_as_it_is_named(void **state)
{
    struct link_target targets[] = {{"sys_1", fake_node_url(node), NULL},
                                    {"sys_2", "nats://127.0.0.1:1", NULL}};
    struct link_set *set = make();
    struct link_taken taken[4];

    link_set_update(set, targets, 2);
    link_set_update(set, targets, 2);
    fake_node_await_link(set, "sys_1");
    assert_int_equal(link_set_take(set, NULL, taken, 4), 1); /* the other one is not up */
    assert_string_equal(system_link_url(taken[0].link), fake_node_url(node));
    assert_int_equal(link_set_take(set, "sys_2", taken + 1, 3), 0);

    link_set_update(set, targets + 1, 1);
    assert_int_equal(system_link_state(taken[0].link), LINK_UP); /* held: still usable */
    link_set_give(set, taken, 1);
    assert_int_equal(link_set_take(set, NULL, taken, 4), 0);
    link_set_free(set);
}

static void test_what_a_node_says_arrives_with_its_system(void **state)
{
    struct link_target target = {"sys_1", fake_node_url(node), NULL};
    struct link_set *set = make();
    struct link_taken taken;

    link_set_update(set, &target, 1);
    fake_node_await_link(set, "sys_1");
    assert_int_equal(link_set_take(set, "sys_1", &taken, 1), 1);
    /* The subscription is the link's before any later request of it. */
    assert_int_equal(system_link_publish(taken.link, "news.today", SLICE("fine")), OK);
    assert_int_equal(sem_wait(&heard), 0);
    assert_string_equal(last, "sys_1 news.today fine");
    link_set_give(set, &taken, 1);
    link_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_link_for_each_url_as_long_as_it_is_named),
        cmocka_unit_test(test_what_a_node_says_arrives_with_its_system),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
