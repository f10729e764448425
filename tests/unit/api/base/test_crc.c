#include "api/base/crc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_crc16_is_xmodem(void **state)
{
    assert_int_equal(crc16("123456789", 9), 0x31c3);
    assert_int_equal(crc16("", 0), 0);
    assert_int_equal(crc16("A", 1), 0x58e5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc16_is_xmodem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
