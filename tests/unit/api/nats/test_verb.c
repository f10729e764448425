#include "api/nats/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"

static void test_the_table_is_right(void **state)
{
    for (int i = 0; i < VERB_COUNT; i++) {
        const struct verb_spec *spec = &verb_specs[i];

        assert_int_equal(strlen(spec->word), spec->len);
        assert_true(spec->args_min <= spec->args_max);
        assert_true(spec->payload || !spec->headers);
    }
}

static void test_words_and_their_beginnings(void **state)
{
    static const struct {
        const char *line;
        enum verb verb; /* of a client */
        bool partial;
    } cases[] = {
        {"", VERB_COUNT, true},         {"P", VERB_COUNT, true},
        {"pI", VERB_COUNT, true},       {"PIN", VERB_COUNT, true},
        {"PING", VERB_PING, false},     {"PINGx", VERB_PING, false},
        {"PUB", VERB_COUNT, true},      {"PUB ", VERB_PUB, false},
        {"pub\t", VERB_PUB, false},     {"PUBx", VERB_COUNT, false},
        {"HPUB a", VERB_HPUB, false},   {"HM", VERB_COUNT, false},
        {"MSG ", VERB_COUNT, false},    {"SUB", VERB_COUNT, true},
        {"UNSUB 1", VERB_UNSUB, false}, {"CONNECT{", VERB_CONNECT, false},
        {"+O", VERB_COUNT, true},       {"+OK", VERB_OK, false},
        {"-ERR", VERB_COUNT, true},     {"-ERR x", VERB_ERR, false},
        {"INFO", VERB_INFO, false},     {"x", VERB_COUNT, false},
        {" ", VERB_COUNT, false},       {"\r", VERB_COUNT, false},
    };
    bool partial;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum verb verb = verb_at(slice_of(cases[i].line), verbs_of_client, &partial);

        if (verb != cases[i].verb || (verb == VERB_COUNT && partial != cases[i].partial))
            fail_msg("%s", cases[i].line);
    }
    assert_int_equal(verb_at(SLICE("MSG a"), verbs_of_server, &partial), VERB_MSG);
    assert_int_equal(verb_at(SLICE("HMSG a"), verbs_of_server, &partial), VERB_HMSG);
    assert_int_equal(verb_at(SLICE("PUB a"), verbs_of_server, &partial), VERB_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_right),
        cmocka_unit_test(test_words_and_their_beginnings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
