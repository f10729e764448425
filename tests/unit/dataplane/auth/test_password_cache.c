#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/clock.h"
#include "api/base/mem.h"
#include "dataplane/auth/password_cache.h"

static void test_a_success_is_remembered_for_a_while(void **state)
{
    struct password_cache *cache = mem_alloc(sizeof(*cache));

    (void)state;
    password_cache_init(cache);
    assert_false(password_cache_has(cache, SLICE("hash"), SLICE("word"), 1));
    password_cache_add(cache, SLICE("hash"), SLICE("word"), 1);
    assert_true(password_cache_has(cache, SLICE("hash"), SLICE("word"), 1));
    assert_false(password_cache_has(cache, SLICE("hash"), SLICE("other"), 1));
    assert_false(password_cache_has(cache, SLICE("hashw"), SLICE("ord"), 1));
    assert_true(password_cache_has(cache, SLICE("hash"), SLICE("word"), PASSWORD_CACHE_NS));
    assert_false(password_cache_has(cache, SLICE("hash"), SLICE("word"), PASSWORD_CACHE_NS + 2));
    password_cache_fini(cache);
    mem_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_success_is_remembered_for_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
