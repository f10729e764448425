#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/exposition.h"

static void assert_written(struct buf *buf, const char *wanted)
{
    assert_string_equal(buf_text(buf), wanted);
    buf_fini(buf);
}

static void test_a_figure_without_labels(void **state)
{
    struct buf buf = {0};

    exposition_single(&buf, "x_depth", "gauge", "How deep x is.", -3);
    assert_written(&buf, "# HELP x_depth How deep x is.\n# TYPE x_depth gauge\nx_depth -3\n");
}

static void test_labels(void **state)
{
    static const struct exposition_label labels[] = {{"node", "n1"}, {"system", "main"}};
    struct buf buf = {0};

    exposition_line(&buf, "x_up", labels, 2, INT64_MAX);
    assert_written(&buf, "x_up{node=\"n1\",system=\"main\"} 9223372036854775807\n");
}

static void test_empty_labels_are_left_out(void **state)
{
    static const struct exposition_label labels[] = {{"a", ""}, {"b", "1"}, {"c", ""}};
    struct buf buf = {0};

    exposition_line(&buf, "x", labels, 3, 0);
    exposition_line(&buf, "x", labels, 1, 0);
    assert_written(&buf, "x{b=\"1\"} 0\nx 0\n");
}

/* A node names itself: whatever it says is one value of one label. */
static void test_no_value_ends_its_line(void **state)
{
    static const struct exposition_label label = {"node", "a\"} 1\nforged{x=\"\\"};
    struct buf buf = {0};

    exposition_line(&buf, "x", &label, 1, 7);
    assert_written(&buf, "x{node=\"a\\\"} 1\\nforged{x=\\\"\\\\\"} 7\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_figure_without_labels),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_empty_labels_are_left_out),
        cmocka_unit_test(test_no_value_ends_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
