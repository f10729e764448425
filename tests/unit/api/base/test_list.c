#include "api/base/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/dies.h"

struct item {
    int number;
    struct list link;
};

static void expect(struct list *head, const char *numbers)
{
    list_each(head, link, after)
    {
        assert_int_equal(list_entry(link, struct item, link)->number, *numbers - '0');
        numbers++;
    }
    assert_int_equal(*numbers, 0);
}

static void test_order(void **state)
{
    struct item items[4] = {{1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};
    struct list head, other;

    list_init(&head);
    list_init(&other);
    assert_true(list_empty(&head));
    assert_null(list_pop(&head));
    list_push(&head, &items[0].link);
    list_push(&head, &items[1].link);
    list_push_front(&head, &items[2].link);
    expect(&head, "312");
    list_push(&other, &items[3].link);
    list_splice(&head, &other);
    assert_true(list_empty(&other));
    list_splice(&head, &other);
    expect(&head, "3124");
    list_remove(&items[0].link);
    list_remove(&items[0].link); /* unlinked: nothing happens */
    assert_false(list_linked(&items[0].link));
    expect(&head, "324");
    assert_ptr_equal(list_pop(&head), &items[2].link);
    list_each(&head, link, after) list_remove(link);
    assert_true(list_empty(&head));
}

static void push_twice(void *arg)
{
    struct item item = {0};
    struct list head;

    list_init(&head);
    list_push(&head, &item.link);
    list_push(&head, &item.link);
}

static void test_linking_twice_stops(void **state)
{
    assert_true(dies(push_twice, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_linking_twice_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
