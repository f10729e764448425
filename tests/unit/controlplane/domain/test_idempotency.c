#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/idempotency.h"
#include "tests/lib/scene.h"

static struct scene scene;

static struct idempotency_key key(const char *text, const char *body)
{
    struct idempotency_key key;

    idempotency_key_make("tok_1", "POST", "/v1/accounts", text, slice_of(body), &key);
    return key;
}

static void store(const struct idempotency_key *key, bool secret)
{
    const struct idempotency_answer answer = {
        .status = 201, .body = "{}", .secret = secret, .location = "/x", .resource_id = "acc_1"};

    scene_as_tenant(&scene);
    assert_int_equal(idempotency_store(&scene.work, key, &answer), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
}

static enum result take(const struct idempotency_key *key, bool *found,
                        struct idempotency_answer *answer)
{
    enum result rc;

    scene_as_tenant(&scene);
    rc = idempotency_take(&scene.work, key, found, answer);
    assert_int_equal(scene_end(&scene, OK), OK);
    return rc;
}

static void test_the_same_request_is_the_same_answer(void **state)
{
    struct idempotency_key first = key("a", "{1}"), other = key("a", "{2}");
    struct idempotency_answer answer;
    bool found;

    assert_int_equal(take(&first, &found, &answer), OK);
    assert_false(found);
    store(&first, false);
    assert_int_equal(take(&first, &found, &answer), OK);
    assert_true(found);
    assert_int_equal(answer.status, 201);
    assert_string_equal(answer.location, "/x");
    assert_int_equal(take(&other, &found, &answer), ERR_INVALID);
    assert_string_equal(scene_refused(&scene), "idempotency_key_reused");
}

static void test_a_secret_is_not_replayed(void **state)
{
    struct idempotency_key secret = key("b", "{}");
    struct idempotency_answer answer;
    bool found;

    store(&secret, true);
    assert_int_equal(take(&secret, &found, &answer), ERR_NOT_FOUND);
    assert_string_equal(scene_refused(&scene), "secret_no_longer_available");
}

static void test_a_second_at_the_same_time_is_told_so(void **state)
{
    struct idempotency_key same = key("c", "{}");
    struct idempotency_answer answer;
    struct scene second;
    bool found;

    scene_second(&second, &scene);
    scene_as_tenant(&second);
    assert_int_equal(idempotency_take(&second.work, &same, &found, &answer), OK);
    assert_int_equal(take(&same, &found, &answer), ERR_AGAIN);
    assert_string_equal(scene_refused(&scene), "idempotency_in_progress");
    assert_int_equal(scene_end(&second, OK), OK);
    assert_int_equal(take(&same, &found, &answer), OK);
    scene_stop(&second);
}

static void test_parts_do_not_run_together(void **state)
{
    struct idempotency_key a, b;

    idempotency_key_make("ab", "c", "d", "e", SLICE(""), &a);
    idempotency_key_make("a", "bc", "d", "e", SLICE(""), &b);
    assert_string_not_equal(a.key_hash, b.key_hash);
}

static int set_up(void **state)
{
    scene_start(&scene);
    return 0;
}

static int tear_down(void **state)
{
    scene_stop(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_request_is_the_same_answer),
        cmocka_unit_test(test_a_secret_is_not_replayed),
        cmocka_unit_test(test_a_second_at_the_same_time_is_told_so),
        cmocka_unit_test(test_parts_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
