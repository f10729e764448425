#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/link/claims_push.h"
#include "tests/lib/fake_node.h"

#define SERVER "\"server\":{\"name\":\"n\",\"id\":\"@ID@\",\"ver\":\"2.14.3\"}"
#define OK_DATA "\"data\":{\"account\":\"A1\",\"code\":200,\"message\":\"jwt updated\""

static void test_refusals_are_classified(void **state)
{
    static const struct {
        const char *text;
        enum push_class class;
    } cases[] = {
        {"jwt update resulted in error - jwt store is full", PUSH_STORE_FULL},
        {"jwt validation failed - operator requires issuer to be a signing key",
         PUSH_SIGNER_POLICY},
        {"jwt validation failed - a limit", PUSH_INVALID},
        {"subject does not match jwt content", PUSH_INVALID},
        {"jwt update resulted in error - open: permission denied", PUSH_IO},
        {"something new", PUSH_UNKNOWN},
        {NULL, PUSH_UNKNOWN},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (push_classify(cases[i].text) != cases[i].class)
            fail_msg("%s: %s", cases[i].text, push_class_text(push_classify(cases[i].text)));
    }
}

/* One push to a node that answers so; the answer lives in the arena. */
static struct claims_push push_within(int64_t timeout_ms, const struct fake_answer *answers,
                                      struct arena *arena)
{
    struct fake_node *node = fake_node_start(answers);
    struct system_link *link = fake_node_link(node);
    struct link_taken taken = {link, NULL};
    struct claims_push push = {
        .account_key = "A1", .jwt = "the.jwt", .jti = "J1", .arena = arena, .expected = 1};

    claims_push_all(&push, 1, &taken, 1, timeout_ms);
    for (size_t i = 0; i < push.answers.count; i++)
        assert_string_equal(push.answers.items[i].server_id, fake_node_id(node));
    assert_string_equal(fake_node_heard(node, 0), "the.jwt");
    system_link_close(link);
    fake_node_stop(node);
    return push;
}

static struct claims_push push_to(const struct fake_answer *answers, struct arena *arena)
{
    return push_within(2000, answers, arena);
}

static void test_a_node_of_ours_says_at_once_that_it_is_applied(void **state)
{
    static const struct fake_answer answers[] = {{"$SYS.REQ.CLAIMS.UPDATE",
                                                  "{" SERVER "," OK_DATA
                                                  ",\"applied\":true,\"jti\":\"J1\",\"iat\":1}}"},
                                                 {0}};
    struct arena arena = {0};
    struct claims_push push = push_to(answers, &arena);

    assert_int_equal(push.answers.count, 1);
    assert_int_equal(push.answers.items[0].class, PUSH_OK);
    assert_int_equal(push.answers.items[0].applied, APPLIED_YES);
    arena_fini(&arena);
}

static void test_a_stock_node_is_asked_with_info(void **state)
{
    static const struct fake_answer applied[] = {
        {"$SYS.REQ.CLAIMS.UPDATE", "{" SERVER "," OK_DATA "}}"},
        {"$SYS.REQ.ACCOUNT.A1.INFO",
         "{" SERVER ",\"data\":{\"account_name\":\"A1\",\"expired\":false,\"complete\":true,"
         "\"jwt\":\"the.jwt\"}}"},
        {0}};
    static const struct fake_answer not_loaded[] = {
        {"$SYS.REQ.CLAIMS.UPDATE", "{" SERVER "," OK_DATA "}}"},
        {"$SYS.REQ.ACCOUNT.A1.INFO",
         "{" SERVER
         ",\"error\":{\"code\":500,\"description\":\"account \\\"A1\\\" does not exist\"}}"},
        {0}};
#define INFO_DATA "\"account_name\":\"A1\",\"jwt\":\"the.jwt\""
    static const struct fake_answer incomplete[] = {
        {"$SYS.REQ.CLAIMS.UPDATE", "{" SERVER "," OK_DATA "}}"},
        {"$SYS.REQ.ACCOUNT.A1.INFO",
         "{" SERVER ",\"data\":{" INFO_DATA ",\"complete\":false,\"imports\":["
         "{\"subject\":\"a.>\",\"account\":\"A2\",\"invalid\":false},"
         "{\"subject\":\"b.>\",\"account\":\"A3\",\"invalid\":true}]}}"},
        {0}};
    static const struct fake_answer faulty[] = {
        {"$SYS.REQ.CLAIMS.UPDATE", "{" SERVER "," OK_DATA "}}"},
        {"$SYS.REQ.ACCOUNT.A1.INFO",
         "{" SERVER ",\"data\":{" INFO_DATA ",\"complete\":true,\"validation_result_jwt\":["
         "{\"description\":\"bad\",\"blocking\":true}]}}"},
        {0}};
    static const struct fake_answer another[] = {
        {"$SYS.REQ.CLAIMS.UPDATE", "{" SERVER "," OK_DATA "}}"},
        {"$SYS.REQ.ACCOUNT.A1.INFO",
         "{" SERVER ",\"data\":{\"jwt\":\"an.other\",\"complete\":false}}"},
        {0}};
    struct arena arena = {0};
    struct claims_push push = push_to(applied, &arena);

    assert_int_equal(push.answers.items[0].applied, APPLIED_YES);
    push = push_to(not_loaded, &arena);
    assert_int_equal(push.answers.items[0].class, PUSH_OK);
    assert_int_equal(push.answers.items[0].applied, APPLIED_NOT_LOADED);
    push = push_to(incomplete, &arena);
    assert_int_equal(push.answers.items[0].class, PUSH_OK);
    assert_int_equal(push.answers.items[0].applied, APPLIED_INCOMPLETE);
    assert_string_equal(push.answers.items[0].text, "b.> of A3");
    push = push_to(faulty, &arena);
    assert_int_equal(push.answers.items[0].applied, APPLIED_UNKNOWN);
    push = push_to(another, &arena);
    assert_int_equal(push.answers.items[0].applied, APPLIED_UNKNOWN);
    arena_fini(&arena);
}

static void test_two_answers_of_one_node_are_one_and_noise_is_none(void **state)
{
    static const struct fake_answer answers[] = {
        {"$SYS.REQ.CLAIMS.UPDATE",
         "not json\n--\n{" SERVER
         ",\"error\":{\"account\":\"A1\",\"code\":500,\"description\":\"jwt store is "
         "full\"}}\n--\n{" SERVER "," OK_DATA ",\"applied\":true,\"jti\":\"J1\",\"iat\":1}}"},
        {0}};
    struct arena arena = {0};
    struct claims_push push = push_to(answers, &arena);

    assert_int_equal(push.answers.count, 1);
    assert_int_equal(push.answers.items[0].class, PUSH_STORE_FULL);
    assert_string_equal(push.answers.items[0].text, "jwt store is full");
    arena_fini(&arena);
}

static void test_a_silent_node_gives_no_answer(void **state)
{
    static const struct fake_answer answers[] = {{"$SYS.REQ.CLAIMS.UPDATE", NULL}, {0}};
    struct arena arena = {0};

    assert_int_equal(push_within(300, answers, &arena).answers.count, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_are_classified),
        cmocka_unit_test(test_a_node_of_ours_says_at_once_that_it_is_applied),
        cmocka_unit_test(test_a_stock_node_is_asked_with_info),
        cmocka_unit_test(test_two_answers_of_one_node_are_one_and_noise_is_none),
        cmocka_unit_test(test_a_silent_node_gives_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
