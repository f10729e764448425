/*
 * One million subscriptions must cost at most 300 bytes each all told; struct sub, its texts and
 * the trie's share have 220 of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <malloc.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "dataplane/account/sublist.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEASURED 0
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEASURED 0
#endif
#ifndef MEASURED
#define MEASURED 1
#endif

enum { SUBS = 1000000, FEW = 1000 };

/* As little as a taker can be. */
struct least {
    struct sub sub;
    char text[];
};

static struct sub_owner owner;

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* Bytes for each of `count` subscriptions on subjects of that form. */
static size_t cost(const char *form, unsigned count)
{
    struct sublist *list = sublist_new();
    struct least **subs = mem_alloc(count * sizeof(struct least *));
    size_t before = in_use(), used;

    for (unsigned i = 0; i < count; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), form, i);
        struct least *least = mem_alloc(sizeof(*least) + (size_t)len);

        memcpy(least->text, text, (size_t)len);
        least->sub.text = least->text;
        least->sub.subject_len = (uint32_t)len;
        least->sub.owner = &owner;
        assert_int_equal(sublist_insert(list, &least->sub), OK);
        subs[i] = least;
    }
    used = in_use() - before;
    for (unsigned i = 0; i < count; i++) {
        sublist_remove(list, &subs[i]->sub);
        mem_free(subs[i]);
    }
    /* Whatever order they come and go in: nothing is left behind. */
    assert_int_equal(list->trie.nodes, 0);
    mem_free(subs);
    sublist_free(list);
    return used / count;
}

static void test_cost_of_a_subscription(void **state)
{
    static const struct {
        const char *form;
        size_t max;
    } cases[] = {
        {"bench.s.%07u", 220},
        {"device.%07u.command", 220},
        {"tenant.%07u.orders.new", 280},        /* three nodes of its own */
        {"_INBOX.0123456789abcdef%06u.*", 240}, /* two, with a long token */
        {"everybody", 120},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t bytes = cost(cases[i].form, MEASURED ? SUBS : FEW);

        print_message("%s: %zu bytes\n", cases[i].form, bytes);
        if (MEASURED && bytes > cases[i].max)
            fail_msg("%s: %zu bytes for each, more than %zu", cases[i].form, bytes, cases[i].max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_of_a_subscription),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
