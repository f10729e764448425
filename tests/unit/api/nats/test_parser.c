#include "api/nats/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/nats/limits.h"

enum { PAYLOAD_MAX = 1000, LINE_MAX_ = 64 };

static void describe(struct buf *out, const struct parser_event *event)
{
    buf_printf(out, "%s", verb_specs[event->verb].word);
    for (unsigned i = 0; i < event->arg_count; i++)
        buf_printf(out, " [%.*s]", (int)event->args[i].len, event->args[i].data);
    if (verb_specs[event->verb].args == VERB_ARGS_TEXT)
        buf_printf(out, " <%.*s>", (int)event->text.len, event->text.data);
    if (verb_specs[event->verb].payload)
        buf_printf(out, " %u/%u {%.*s}", event->header_len, event->payload_len,
                   (int)event->payload.len, event->payload.data);
    if (event->max != 0)
        buf_printf(out, " max %lld", (long long)event->max);
    buf_add_char(out, '\n');
}

/* A connection: leftovers are kept in a buffer of exact size, so that ASan sees every step. */
struct feeder {
    struct parser parser;
    char *kept;
    size_t kept_len;
    bool dead;
    struct buf out;
};

static void feed(struct feeder *feeder, struct slice bytes)
{
    char *all = malloc(feeder->kept_len + bytes.len + 1);
    size_t len = feeder->kept_len + bytes.len, at = 0;

    assert_non_null(all);
    if (feeder->kept_len > 0)
        memcpy(all, feeder->kept, feeder->kept_len);
    if (bytes.len > 0)
        memcpy(all + feeder->kept_len, bytes.data, bytes.len);
    free(feeder->kept);
    feeder->kept = NULL;
    while (!feeder->dead) {
        struct parser_event event;
        enum parser_status status = parser_next(&feeder->parser, all + at, len - at, &event);

        if (status == PARSER_MORE) {
            assert_true(event.needed == 0 || event.needed > len - at);
            break;
        }
        if (status == PARSER_ERROR) {
            buf_printf(&feeder->out, "error %d\n", (int)event.error);
            feeder->dead = true;
            break;
        }
        assert_true(event.consumed > 0 && event.consumed <= len - at);
        describe(&feeder->out, &event);
        at += event.consumed;
    }
    feeder->kept_len = len - at;
    feeder->kept = malloc(feeder->kept_len + 1);
    assert_non_null(feeder->kept);
    memcpy(feeder->kept, all + at, feeder->kept_len);
    free(all);
}

static void feeder_init(struct feeder *feeder, uint32_t verbs)
{
    *feeder = (struct feeder){0};
    parser_init(&feeder->parser, verbs, LINE_MAX_, PAYLOAD_MAX);
}

static void feeder_fini(struct feeder *feeder)
{
    free(feeder->kept);
    buf_fini(&feeder->out);
}

static char *parse_cut(struct slice bytes, uint32_t verbs, const size_t *cuts, size_t count)
{
    struct feeder feeder;
    size_t at = 0;
    char *text;

    feeder_init(&feeder, verbs);
    for (size_t i = 0; i < count; i++) {
        feed(&feeder, slice_make(bytes.data + at, cuts[i] - at));
        at = cuts[i];
    }
    feed(&feeder, slice_make(bytes.data + at, bytes.len - at));
    text = buf_take(&feeder.out);
    feeder_fini(&feeder);
    return text;
}

#define TEXT64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *in, *out;
} client_cases[] = {
    {"PING\r\n", "PING\n"},
    {"ping\npOnG\r\n", "PING\nPONG\n"},
    {"PINGxyz\r\nPONG hello\r\n+OKabc\r\n", "PING\nPONG\n+OK\n"},
    {"PI", ""},
    {"PING", ""},
    {"PX", "error 1\n"},
    {"PUBX", "error 1\n"},
    {"PUB\r\n", "error 1\n"},
    {"\r\nPING\r\n", "error 1\n"},
    {" PING\r\n", "error 1\n"},
    {"HELLO", "error 1\n"},
    {"MSG a 1 2\r\n", "error 1\n"},
    {"HMSG a 1 2 2\r\n", "error 1\n"},
    {"RS+ \r\n", "error 1\n"},
    {"CONNECT {\"a\": 1} \r\n", "CONNECT <{\"a\": 1} >\n"},
    {"CONNECT{}\r\nconnect \t{}\n", "CONNECT <{}>\nCONNECT <{}>\n"},
    {"CONNECT\r\n", "error 2\n"},
    {"CONNECT \r\n", "error 2\n"},
    {"INFO {}\r\n", "INFO <{}>\n"},
    {"-ERR 'x'\r\n", "-ERR <'x'>\n"},
    {"-ERR \r\n", "-ERR <>\n"},
    {"-ERR\r\n", "error 1\n"},
    {"-ERRx y\r\n", "error 1\n"},
    {"SUB foo 1\r\n", "SUB [foo] [1]\n"},
    {"SUB foo\tq  1 \r\r\n", "SUB [foo] [q] [1]\n"},
    {"SUB foo\r1\n", "SUB [foo] [1]\n"},
    {"SUB \r\n", "error 2\n"},
    {"SUB foo\r\n", "error 2\n"},
    {"SUB a b c d\r\n", "error 2\n"},
    {"SUB a b c d e f g\r\n", "error 2\n"},
    {"UNSUB 1\r\nUNSUB 1 5\r\nUNSUB 1 x\r\n",
     "UNSUB [1]\nUNSUB [1] [5] max 5\nUNSUB [1] [x] max -1\n"},
    {"UNSUB 1 1 1\r\n", "error 2\n"},
    {"PUB foo 2\r\nhi\r\n", "PUB [foo] [2] 0/2 {hi}\n"},
    {"PUB foo 0\r\n\r\n", "PUB [foo] [0] 0/0 {}\n"},
    {"PUB foo\rbar 2\r\nhi\r\n", "PUB [foo\rbar] [2] 0/2 {hi}\n"},
    {"PUB foo\r2\r\nhi\r\n", "error 2\n"},
    {"PUB foo 2\r\r\nhi\r\n", "error 2\n"},
    {"PUB foo 2 \r\r\nhi\r\n", "error 2\n"},
    {"HPUB foo 12\r12\r\n", "error 2\n"},
    {"pub\tfoo  bar\t2\nhi\r\nPING\r\n", "PUB [foo] [bar] [2] 0/2 {hi}\nPING\n"},
    {"PUB foo 000000002\r\n\r\n\r\n", "PUB [foo] [000000002] 0/2 {\r\n}\n"},
    {"PUB foo 0000000002\r\nhi\r\n", "error 2\n"},
    {"PUB foo +2\r\nhi\r\n", "error 2\n"},
    {"PUB foo -2\r\nhi\r\n", "error 2\n"},
    {"PUB foo\r\n", "error 2\n"},
    {"PUB a b c 2\r\nhi\r\n", "error 2\n"},
    {"PUB foo 1000\r\n", ""},
    {"PUB foo 1001\r\n", "error 4\n"},
    {"PUB foo 999999999\r\n", "error 4\n"},
    {"PUB foo 9999999999\r\n", "error 2\n"},
    {"PUB foo 2\r\nhix", "error 1\n"},
    {"PUB foo 2\r\nhi\n", "error 1\n"},
    {"PUB foo 2\r\nhi\rx", "error 1\n"},
    {"HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
     "HPUB [foo] [12] [14] 12/14 {NATS/1.0\r\n\r\nhi}\n"},
    {"HPUB foo r 0 2\r\nhi\r\n", "HPUB [foo] [r] [0] [2] 0/2 {hi}\n"},
    {"HPUB foo 3 2\r\n", "error 2\n"},
    {"HPUB foo x 2\r\n", "error 2\n"},
    {"HPUB foo 2\r\n", "error 2\n"},
    {"HPUB foo 2 2000\r\n", "error 4\n"},
    {"SUB " TEXT64 "\r\n", "error 2\n"},
    {"CONNECT " TEXT64 "\r\n", "CONNECT <" TEXT64 ">\n"},
    {"CONNECT " TEXT64 "\n", "CONNECT <" TEXT64 ">\n"},
    {"CONNECT " TEXT64 "x\r\n", "error 3\n"},
    {"CONNECT " TEXT64 "x", "error 3\n"},
    {"CONNECT " TEXT64 "\r", ""},
    {"CONNECT " TEXT64 "\rx", "error 3\n"},
    {"PING" TEXT64 "x\r\n", "error 3\n"},
    {"SUB                                                                foo 1\r\n",
     "SUB [foo] [1]\n"},
    {"SUB                                                                      foo 1\r\n",
     "error 3\n"},
    {"SUB                                                                      ", "error 3\n"},
};

static void expect(const char *in, const char *out, uint32_t verbs)
{
    struct slice bytes = slice_of(in);
    size_t cuts[2];
    char *text = parse_cut(bytes, verbs, NULL, 0);

    if (strcmp(text, out) != 0)
        fail_msg("%s\nwanted %s\ngot %s", in, out, text);
    mem_free(text);
    for (cuts[0] = 0; cuts[0] <= bytes.len; cuts[0]++) {
        for (cuts[1] = cuts[0]; cuts[1] <= bytes.len; cuts[1]++) {
            text = parse_cut(bytes, verbs, cuts, 2);
            if (strcmp(text, out) != 0)
                fail_msg("%s\ncut %zu %zu\nwanted %s\ngot %s", in, cuts[0], cuts[1], out, text);
            mem_free(text);
        }
    }
}

static void test_cases_and_all_their_cuts(void **state)
{
    for (size_t i = 0; i < COUNT_OF(client_cases); i++)
        expect(client_cases[i].in, client_cases[i].out, verbs_of_client);
}

static void test_what_servers_say(void **state)
{
    expect("MSG foo 1 2\r\nhi\r\nMSG foo 1 r 0\r\n\r\n+OK\r\n",
           "MSG [foo] [1] [2] 0/2 {hi}\nMSG [foo] [1] [r] [0] 0/0 {}\n+OK\n", verbs_of_server);
    expect("HMSG foo 1 12 12\r\nNATS/1.0\r\n\r\n\r\n",
           "HMSG [foo] [1] [12] [12] 12/12 {NATS/1.0\r\n\r\n}\n", verbs_of_server);
    expect("HMSG foo 1 r 0 1\r\nx\r\n", "HMSG [foo] [1] [r] [0] [1] 0/1 {x}\n", verbs_of_server);
    expect("PUB a 0\r\n\r\n", "error 1\n", verbs_of_server);
}

static void test_random_streams_cut_at_random(void **state)
{
    static const char *const pieces[] = {
        "PING\r\n",
        "PUB a.b 5\r\nhello\r\n",
        "SUB a q 1\r\n",
        "UNSUB 1 3\n",
        "PONG\r\n",
        "HPUB a r 12 13\r\nNATS/1.0\r\n\r\nx\r\n",
        "CONNECT {}\r\n",
        "PUB a 0\r\n\r\n",
        "pub x 20\r\nPING\r\nPONG\r\nPUB x\r\n\r\n",
        "+OK\r\n",
        "BAD\r\n",
        "SUB\r\n",
    };
    struct random_seeded seeded;

    random_seed(&seeded, 7);
    for (int round = 0; round < 3000; round++) {
        struct buf bytes = {0};
        size_t cuts[32], count = 0, at = 0;
        char *whole, *cut;

        for (uint64_t n = random_below(&seeded.random, 8); n > 0; n--) {
            /* Wrong ones are rare. */
            size_t limit =
                random_below(&seeded.random, 16) == 0 ? COUNT_OF(pieces) : COUNT_OF(pieces) - 2;
            buf_add_text(&bytes, pieces[random_below(&seeded.random, limit)]);
        }
        while (count < COUNT_OF(cuts) && at < bytes.len) {
            at += random_below(&seeded.random, 12);
            if (at > bytes.len)
                at = bytes.len;
            cuts[count++] = at;
        }
        whole = parse_cut(buf_slice(&bytes), verbs_of_client, NULL, 0);
        cut = parse_cut(buf_slice(&bytes), verbs_of_client, cuts, count);
        assert_string_equal(whole, cut);
        mem_free(whole);
        mem_free(cut);
        buf_fini(&bytes);
    }
}

static void test_needed_is_told_once_the_line_is_whole(void **state)
{
    struct parser parser;
    struct parser_event event;

    parser_init(&parser, verbs_of_client, CONTROL_LINE_DEFAULT, PAYLOAD_DEFAULT);
    assert_int_equal(parser_next(&parser, "PUB a 100\r", 10, &event), PARSER_MORE);
    assert_int_equal(event.needed, 0);
    assert_int_equal(parser_next(&parser, "PUB a 100\r\n", 11, &event), PARSER_MORE);
    assert_int_equal(event.needed, 11 + 100 + 2);
}

static void test_the_meaning_of_words(void **state)
{
    struct parser parser;
    struct parser_event event;

    parser_init(&parser, verbs_of_client, CONTROL_LINE_DEFAULT, PAYLOAD_DEFAULT);
    assert_int_equal(parser_next(&parser, "SUB a q 7\r\n", 11, &event), PARSER_EVENT);
    assert_true(slice_equal(parser_subject(&event), SLICE("a")));
    assert_true(slice_equal(parser_queue(&event), SLICE("q")));
    assert_true(slice_equal(parser_sid(&event), SLICE("7")));
    assert_int_equal(parser_next(&parser, "PUB a r 0\r\n\r\n", 13, &event), PARSER_EVENT);
    assert_true(slice_equal(parser_reply(&event), SLICE("r")));
    assert_int_equal(parser_next(&parser, "PUB a 0\r\n\r\n", 11, &event), PARSER_EVENT);
    assert_true(slice_empty(parser_reply(&event)));
    assert_int_equal(parser_next(&parser, "HPUB a r 0 0\r\n\r\n", 16, &event), PARSER_EVENT);
    assert_true(slice_equal(parser_reply(&event), SLICE("r")));
    assert_int_equal(parser_next(&parser, "UNSUB 7\r\n", 9, &event), PARSER_EVENT);
    assert_true(slice_equal(parser_sid(&event), SLICE("7")));
}

static void test_headers_off(void **state)
{
    static const char text[] = "HPUB foo 12 14\r\n";
    struct parser_event event;
    struct parser parser;

    parser_init(&parser, UINT32_MAX, 1024, 8);
    assert_int_equal(parser_next(&parser, text, sizeof(text) - 1, &event), PARSER_ERROR);
    assert_int_equal(event.error, PARSER_ERROR_PAYLOAD);
    parser_init(&parser, UINT32_MAX, 1024, 8);
    parser.headers_off = true;
    assert_int_equal(parser_next(&parser, text, sizeof(text) - 1, &event), PARSER_ERROR);
    assert_int_equal(event.error, PARSER_ERROR_ARGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_and_all_their_cuts),
        cmocka_unit_test(test_what_servers_say),
        cmocka_unit_test(test_random_streams_cut_at_random),
        cmocka_unit_test(test_needed_is_told_once_the_line_is_whole),
        cmocka_unit_test(test_headers_off),
        cmocka_unit_test(test_the_meaning_of_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
