#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "controlplane/job/count_clients.h"
#include "tests/lib/workshop.h"

#define ANSWER                                                                   \
    "{" WORKSHOP_SERVER ",\"data\":{\"total\":3,\"connections\":["               \
    "{\"cid\":1,\"issuer_key\":\"AKEY\"},{\"cid\":2,\"issuer_key\":\"AOTHER\"}," \
    "{\"cid\":3,\"issuer_key\":\"AKEY\"}]}}"

static const struct fake_answer that_answers[] = {{"$SYS.REQ.ACCOUNT.A1.CONNZ", ANSWER}, {0}};
static const struct fake_answer that_does_not[] = {{"$SYS.REQ.ACCOUNT.A2.CONNZ", ANSWER}, {0}};

static struct signing_key_clients counted(struct workshop *workshop, const char *other)
{
    const char *ids[] = {fake_node_id(workshop->node), other};
    const struct signing_key_asked asked = {
        "sys_1", "A1", "AKEY", {.items = ids, .count = other != NULL ? 2 : 1}};
    struct signing_key_clients clients;

    count_clients(&workshop->context, &asked, &workshop->world->arena, &clients);
    return clients;
}

/* What a node of these answers makes of it. */
static void counts(const struct fake_answer *answers, int64_t connected, int64_t silent)
{
    struct workshop *workshop = workshop_open(answers);
    struct signing_key_clients clients;

    workshop_connect(workshop);
    clients = counted(workshop, NULL);
    assert_int_equal(clients.connected, connected);
    assert_int_equal(clients.silent, silent);
    workshop_close(workshop);
}

static void test_those_of_the_key_are_counted(void **state)
{
    counts(that_answers, 2, 0);
}

static void test_nodes_that_cannot_be_asked_are_silent(void **state)
{
    struct workshop *workshop = workshop_open(that_answers);
    struct signing_key_clients clients;

    assert_int_equal(counted(workshop, NULL).silent, 1); /* no link yet */
    workshop_connect(workshop);
    clients = counted(workshop, "NOTHER");
    assert_int_equal(clients.connected, 2);
    assert_int_equal(clients.silent, 1);
    workshop_close(workshop);
}

static void test_a_node_that_does_not_answer_is_silent(void **state)
{
    counts(that_does_not, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_of_the_key_are_counted),
        cmocka_unit_test(test_nodes_that_cannot_be_asked_are_silent),
        cmocka_unit_test(test_a_node_that_does_not_answer_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
