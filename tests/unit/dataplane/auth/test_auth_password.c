#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/auth/auth_password.h"

/* "secret" at the lowest cost. */
#define HASH "$2b$04$TT8Y/eK6oQLS1IJPwc3wzeRCOHUHOxTo8BInpwl.wD.lneuCPoNA6"

static void test_which_are_hashes(void **state)
{
    (void)state;
    assert_true(password_is_bcrypt("$2a$11$abc"));
    assert_true(password_is_bcrypt("$2y$04$x"));
    assert_false(password_is_bcrypt("$2c$11$abc"));
    assert_false(password_is_bcrypt("$2a$1x$abc"));
    assert_false(password_is_bcrypt("$2a$"));
    assert_false(password_is_bcrypt(""));
    assert_false(password_is_bcrypt("secret"));
}

static void test_plain(void **state)
{
    (void)state;
    assert_true(password_plain_meets("secret", "secret"));
    assert_true(password_plain_meets("", ""));
    assert_false(password_plain_meets("secret", "secre"));
    assert_false(password_plain_meets("secret", "secrets"));
    assert_false(password_plain_meets("secret", ""));
}

static void test_bcrypt(void **state)
{
    (void)state;
    assert_false(password_bcrypt_meets("$2a$99$nonsense", "secret"));
    assert_false(password_bcrypt_meets(HASH, "wrong"));
    assert_true(password_bcrypt_meets(HASH, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_are_hashes),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_bcrypt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
