#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/deliver_line.h"

static void check_line(struct slice head, struct slice tail, const char *expected)
{
    char text[200];

    snprintf(text, sizeof(text), "%.*s7%.*s", (int)head.len, head.data, (int)tail.len, tail.data);
    assert_string_equal(text, expected);
}

static void test_forms(void **state)
{
    static const struct {
        const char *subject, *reply;
        size_t header_len, len;
        const char *plain, *headers, *stripped;
    } cases[] = {
        {"a.b", NULL, 12, 17, "MSG a.b 7 17\r\n", "HMSG a.b 7 12 17\r\n", "MSG a.b 7 5\r\n"},
        {"a.b", "in.1", 12, 17, "MSG a.b 7 in.1 17\r\n", "HMSG a.b 7 in.1 12 17\r\n",
         "MSG a.b 7 in.1 5\r\n"},
        {"a", NULL, 0, 0, "MSG a 7 0\r\n", "HMSG a 7 0 0\r\n", "MSG a 7 0\r\n"},
        {"a", "b", 99, 67108864, "MSG a 7 b 67108864\r\n", "HMSG a 7 b 99 67108864\r\n",
         "MSG a 7 b 67108765\r\n"},
    };
    struct deliver_line line = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct delivery delivery = {.subject = slice_of(cases[i].subject),
                                    .reply = slice_of(cases[i].reply),
                                    .header_len = cases[i].header_len,
                                    .len = cases[i].len,
                                    .line = &line};

        deliver_line_clear(&line);
        /* In any order; each only once. */
        for (unsigned form = 0; form < 3; form++)
            deliver_line_form(&delivery, (enum deliver_form)((form + i) % 3));
        deliver_line_form(&delivery, DELIVER_PLAIN);
        check_line(line.head, line.tail, cases[i].plain);
        check_line(line.hhead, line.htail, cases[i].headers);
        check_line(line.head, line.stripped, cases[i].stripped);
    }
    deliver_line_fini(&line);
}

/* The longest that a line can be: all forms of it fit. */
static void test_long_subjects(void **state)
{
    enum { LEN = 60000 };
    struct deliver_line line = {0};
    char *text = mem_alloc(LEN);
    struct delivery delivery = {.subject = slice_make(text, LEN),
                                .reply = slice_make(text, LEN),
                                .header_len = SIZE_MAX,
                                .len = SIZE_MAX,
                                .line = &line};

    memset(text, 'x', LEN);
    for (unsigned form = 0; form < 3; form++)
        deliver_line_form(&delivery, (enum deliver_form)form);
    assert_int_equal(line.head.len, LEN + 5);
    assert_int_equal(line.tail.len, 1 + LEN + 1 + 20 + 2);
    assert_int_equal(line.htail.len, 1 + LEN + 1 + 20 + 1 + 20 + 2);
    assert_int_equal(line.stripped.len, 1 + LEN + 1 + 1 + 2);
    assert_true(line.used <= line.cap);
    deliver_line_fini(&line);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_long_subjects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
