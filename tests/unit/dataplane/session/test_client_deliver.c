#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/base/mem.h"
#include "tests/lib/hall.h"

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
#define MODERN \
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"

static void test_headers_kept_and_stripped(void **state)
{
    struct guest modern, plain;

    guest_enter(*state, &modern, NULL);
    guest_enter(*state, &plain, NULL);
    guest_say(&plain, QUIET "SUB h 12\r\n");
    guest_hears_nothing(&plain);
    guest_say(&modern, MODERN "SUB h q 7\r\nHPUB h r 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n");
    guest_hears_only(&modern, "HMSG h 7 r 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n");
    guest_hears_only(&plain, "MSG h 12 r 3\r\nabc\r\n");
    guest_leave(&modern);
    guest_leave(&plain);
}

/* Copied, referenced, more than a chunk, received in one piece: the same bytes arrive. */
static void test_every_size(void **state)
{
    static const size_t sizes[] = {0,    1,     1021,  1024,  1025,   2048,   4093,   4096,
                                   4097, 16384, 65535, 65536, 100000, 262144, 500000, 1048576};
    size_t max = sizes[COUNT_OF(sizes) - 1];
    char *payload = mem_alloc(max + 3), line[64];
    struct guest guests[HALL_WORKERS];
    char *back = mem_alloc(max + 64);

    for (size_t i = 0; i < max; i++)
        payload[i] = (char)('a' + i % 23);
    for (int i = 0; i < HALL_WORKERS; i++) {
        guest_enter(*state, &guests[i], NULL);
        guest_say(&guests[i], QUIET "SUB size 1\r\n");
        guest_hears_nothing(&guests[i]);
    }
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        char save[2];

        snprintf(line, sizeof(line), "PUB size %zu\r\n", sizes[s]);
        guest_say(&guests[0], line);
        memcpy(save, payload + sizes[s], 2);
        memcpy(payload + sizes[s], "\r\n", 2);
        guest_say_bytes(&guests[0], payload, sizes[s] + 2);
        snprintf(line, sizeof(line), "MSG size 1 %zu\r\n", sizes[s]);
        for (int i = 0; i < HALL_WORKERS; i++) {
            guest_hears_only(&guests[i], line);
            guest_hears_bytes(&guests[i], back, sizes[s] + 2);
            assert_memory_equal(back, payload, sizes[s] + 2);
        }
        memcpy(payload + sizes[s], save, 2);
    }
    for (int i = 0; i < HALL_WORKERS; i++)
        guest_leave(&guests[i]);
    mem_free(payload);
    mem_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_kept_and_stripped),
        cmocka_unit_test(test_every_size),
    };

    return cmocka_run_group_tests(tests, hall_set_up, hall_tear_down);
}
