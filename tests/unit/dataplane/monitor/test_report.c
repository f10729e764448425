#include "dataplane/monitor/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/dies.h"

static void ask_for_nonsense(void *arg)
{
    (void)report_named("NONSENSE");
}

static void test_names(void **state)
{
    static const char *const names[] = {"VARZ",     "CONNZ",    "SUBSZ", "ACCOUNTZ",
                                        "ACCSTATZ", "HEALTHZ",  "INFO",  "JSZ",
                                        "ROUTEZ",   "GATEWAYZ", "LEAFZ"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct report *report = report_named(names[i]);

        assert_string_equal(report->name, names[i]);
        assert_non_null(report->options);
        assert_non_null(report->document_shape);
        assert_true(report->filter < report->options->size);
    }
    assert_true(dies(ask_for_nonsense, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
