#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/db/statement.h"

static void test_every_statement_has_its_text(void **state)
{
    struct slice rest = {0}, name, text;
    int count = 0;

    while (statement_next(&rest, &name, &text)) {
        assert_true(slice_equal(name, slice_of(statement_name((enum statement)count))));
        assert_false(slice_empty(slice_trim(text)));
        count++;
    }
    assert_int_equal(count, STATEMENTS);
    assert_true(slice_starts(slice_trim(statement_text(SQL_db_ping)), SLICE("SELECT 1")));
}

/* Names begin with a noun, so that they are found in its file. */
static void test_no_name_stands_twice(void **state)
{
    for (int i = 0; i < STATEMENTS; i++) {
        for (int j = 0; j < i; j++) {
            if (strcmp(statement_name((enum statement)i), statement_name((enum statement)j)) == 0)
                fail_msg("%s", statement_name((enum statement)i));
        }
    }
}

static void test_lists_are_known_by_their_names(void **state)
{
    assert_true(statement_is_list(SQL_account_list));
    assert_true(statement_is_list(SQL_credential_list));
    assert_false(statement_is_list(SQL_account_by_ref));
    assert_false(statement_is_list(SQL_outbox_listen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement_has_its_text),
        cmocka_unit_test(test_no_name_stands_twice),
        cmocka_unit_test(test_lists_are_known_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
