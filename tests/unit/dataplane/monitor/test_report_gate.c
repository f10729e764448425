#include "dataplane/monitor/report_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool enters(struct report_gates *gates, enum report_asker asker, struct list *link)
{
    bool now;

    assert_int_equal(report_gate_enter(gates, asker, link, &now), OK);
    return now;
}

static void test_who_waits_comes_in_order(void **state)
{
    struct list running[REPORTS_AT_ONCE] = {0}, waiting[3] = {0};
    struct report_gates gates;

    report_gates_init(&gates);
    for (size_t i = 0; i < REPORTS_AT_ONCE; i++)
        assert_true(enters(&gates, REPORT_OF_SYSTEM, &running[i]));
    for (size_t i = 0; i < 3; i++)
        assert_false(enters(&gates, REPORT_OF_SYSTEM, &waiting[i]));
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(report_gate_leave(&gates, REPORT_OF_SYSTEM), &waiting[i]);
    for (size_t i = 0; i < REPORTS_AT_ONCE; i++)
        assert_null(report_gate_leave(&gates, REPORT_OF_SYSTEM));
    assert_true(enters(&gates, REPORT_OF_SYSTEM, &running[0]));
    report_gates_fini(&gates);
}

static void test_a_storm_of_one_kind_is_bounded_and_leaves_others_alone(void **state)
{
    static struct list calls[REPORTS_AT_ONCE + REPORT_WAITING_MAX + 1];
    struct report_gates gates;
    struct list other = {0};
    unsigned abandoned = 0;
    bool now;

    report_gates_init(&gates);
    for (size_t i = 0; i < REPORTS_AT_ONCE + REPORT_WAITING_MAX; i++)
        assert_int_equal(enters(&gates, REPORT_OF_SYSTEM, &calls[i]), i < REPORTS_AT_ONCE);
    assert_int_equal(report_gate_enter(&gates, REPORT_OF_SYSTEM,
                                       &calls[REPORTS_AT_ONCE + REPORT_WAITING_MAX], &now),
                     ERR_LIMIT);
    assert_true(enters(&gates, REPORT_OF_HTTP, &other));
    assert_true(enters(&gates, REPORT_OF_TENANT, &other));
    while (report_gate_abandon(&gates) != NULL)
        abandoned++;
    assert_int_equal(abandoned, REPORT_WAITING_MAX);
    report_gates_fini(&gates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_waits_comes_in_order),
        cmocka_unit_test(test_a_storm_of_one_kind_is_bounded_and_leaves_others_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
