#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dataplane/auth/zone.h"

/* A file with one transition and a rule: as small as they get. */
struct zone_file {
    unsigned char bytes[512];
    size_t len;
};

static void put(struct zone_file *file, const void *data, size_t len)
{
    memcpy(file->bytes + file->len, data, len);
    file->len += len;
}

static void put_int(struct zone_file *file, int64_t value, unsigned len)
{
    for (unsigned i = len; i > 0; i--) {
        unsigned char byte = (unsigned char)((uint64_t)value >> (8 * (i - 1)));

        put(file, &byte, 1);
    }
}

static void put_header(struct zone_file *file, unsigned times, unsigned types, unsigned chars)
{
    static const char begin[20] = "TZif2";

    put(file, begin, sizeof(begin));
    for (int i = 0; i < 3; i++)
        put_int(file, 0, 4);
    put_int(file, times, 4);
    put_int(file, types, 4);
    put_int(file, chars, 4);
}

static void make_file(struct zone_file *file, const char *rule)
{
    *file = (struct zone_file){.len = 0};
    put_header(file, 0, 1, 1); /* the old part, empty but for what must be there */
    put(file, "\0\0\0\0\0\0\0", 7);
    put_header(file, 1, 2, 1);
    put_int(file, 1000000, 8); /* before: +1 h, after: +2 h */
    put(file, "\1", 1);
    put_int(file, 3600, 4);
    put(file, "\0\0", 2);
    put_int(file, 7200, 4);
    put(file, "\0\0", 2);
    put(file, "", 1);
    put(file, "\n", 1);
    put(file, rule, strlen(rule));
    put(file, "\n", 1);
}

static void test_transitions_and_rules(void **state)
{
    static const struct {
        const char *rule;
        int64_t at_s, offset_s;
    } cases[] = {
        {"", 999999, 3600},
        {"", 1000000, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600}, /* 2026-03-29 00:59:59 UTC */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 7200}, /* 2026-10-25 00:59:59 UTC */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600},
        {"<+0530>-5:30", 1774745999, 19800},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1767225600, 46800}, /* January is summer there */
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1782864000, 43200},
        {"EST5EDT,M3.2.0,M11.1.0", 1782864000, -14400},
        {"not a rule", 1782864000, 7200}, /* then the last transition counts */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct zone_file file;
        int64_t offset_s = -1;

        make_file(&file, cases[i].rule);
        assert_int_equal(zone_offset_of(file.bytes, file.len, cases[i].at_s, &offset_s), OK);
        if (offset_s != cases[i].offset_s)
            fail_msg("%s at %lld: %lld", cases[i].rule, (long long)cases[i].at_s,
                     (long long)offset_s);
    }
}

static void test_every_shorter_file_is_refused_or_read_within_bounds(void **state)
{
    struct zone_file file;
    int64_t offset_s;

    (void)state;
    make_file(&file, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < file.len; len++) {
        unsigned char *copy = test_malloc(len + 1);

        memcpy(copy, file.bytes, len);
        if (zone_offset_of(copy, len, 1774746000, &offset_s) != OK)
            assert_true(len < file.len);
        test_free(copy);
    }
    assert_int_equal(zone_offset_of(file.bytes, 43, 0, &offset_s), ERR_CORRUPT);
}

static void test_names(void **state)
{
    int64_t offset_s;

    (void)state;
    assert_int_equal(zone_offset("UTC", 0, &offset_s), OK);
    assert_int_equal(offset_s, 0);
    assert_int_equal(zone_offset(NULL, 0, &offset_s), OK);
    assert_int_equal(zone_offset("../../../etc/passwd", 0, &offset_s), ERR_NOT_FOUND);
    assert_int_equal(zone_offset("/etc/passwd", 0, &offset_s), ERR_NOT_FOUND);
    assert_int_equal(zone_offset("No/Such", 0, &offset_s), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions_and_rules),
        cmocka_unit_test(test_every_shorter_file_is_refused_or_read_within_bounds),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
