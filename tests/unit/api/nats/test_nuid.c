#include "api/nats/nuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 20000 };

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_unique_and_well_formed(void **state)
{
    struct random_seeded seeded;
    struct nuid nuid;
    static char ids[COUNT][NUID_TEXT_MAX];

    random_seed(&seeded, 1);
    nuid_init(&nuid, &seeded.random);
    for (int i = 0; i < COUNT; i++) {
        if (i == COUNT / 2)
            nuid.seq = UINT64_C(839299365868340200); /* the front is drawn anew here */
        nuid_next(&nuid, ids[i]);
        assert_int_equal(strlen(ids[i]), NUID_LEN);
        assert_int_equal(strspn(ids[i], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "abcdefghijklmnopqrstuvwxyz"),
                         NUID_LEN);
    }
    assert_int_equal(memcmp(ids[0], ids[1], NUID_FRONT_LEN), 0);
    assert_int_not_equal(memcmp(ids[0], ids[COUNT - 1], NUID_FRONT_LEN), 0);
    qsort(ids, COUNT, sizeof(ids[0]), compare);
    for (int i = 1; i < COUNT; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique_and_well_formed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
