#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/idempotency.h"
#include "tests/lib/world.h"

static const struct idempotency_answer created = {
    .status = 201,
    .body = "{\"id\":\"acc_1\"}",
    .media_type = "application/json",
    .location = "/v1/accounts/acc_1",
    .etag = "\"1\"",
    .resource_id = "acc_1",
};

static struct idempotency_key key(const char *name, const char *body)
{
    struct idempotency_key out;

    idempotency_key_make("tok_1", "POST", "/v1/accounts", name, slice_of(body), &out);
    return out;
}

/* What a request does: takes the key and, when it is new, stores the answer. */
static enum result request(struct work *work, const struct idempotency_key *of,
                           const struct idempotency_answer *answer, bool *found,
                           struct idempotency_answer *then)
{
    enum result rc = idempotency_take(work, of, found, then);

    return rc == OK && !*found ? idempotency_store(work, of, answer) : rc;
}

static void test_the_same_again_is_the_same_answer(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct idempotency_key of = key("k", "{}");
    struct idempotency_answer then;
    bool found;

    world_ok(work, request(work, &of, &created, &found, &then));
    assert_false(found);
    for (int i = 0; i < 2; i++) {
        world_ok(work, request(work, &of, &created, &found, &then));
        assert_true(found);
        assert_int_equal(then.status, 201);
        assert_string_equal(then.body, created.body);
        assert_string_equal(then.media_type, created.media_type);
        assert_string_equal(then.location, created.location);
        assert_string_equal(then.etag, created.etag);
    }
    assert_string_equal(world_text(*state, "SELECT count(*) FROM idempotency"), "1");
}

static void test_another_body_is_refused(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct idempotency_key first = key("k", "{\"a\":1}"), second = key("k", "{\"a\":2}");
    struct idempotency_answer then;
    bool found;

    world_ok(work, request(work, &first, &created, &found, &then));
    world_refuses(work, REFUSAL_idempotency_key_reused,
                  request(work, &second, &created, &found, &then));
    assert_false(found);
}

static void test_whose_and_where_are_part_of_the_key(void **state)
{
    static const char *const others[][4] = {
        {"tok_2", "POST", "/v1/accounts", "k"},  {"tok_1", "PUT", "/v1/accounts", "k"},
        {"tok_1", "POST", "/v1/accounts/", "k"}, {"tok_1", "POST", "/v1/accounts", "K"},
        {"tok_1P", "OST", "/v1/accounts", "k"},  {"tok_1", "POST", "/v1/accountsk", ""},
    };
    struct idempotency_key of = key("k", "{}"), other;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        idempotency_key_make(others[i][0], others[i][1], others[i][2], others[i][3], SLICE("{}"),
                             &other);
        assert_string_not_equal(of.key_hash, other.key_hash);
        assert_string_equal(of.body_hash, other.body_hash);
    }
    assert_null(strstr(of.key_hash, "tok_1"));
}

static void test_in_progress_on_another_connection(void **state)
{
    struct world *world = *state;
    struct world_seat *second = world_seat(world);
    struct idempotency_key of = key("k", "{}"), other = key("l", "{}");
    struct idempotency_answer then;
    bool found;

    world_open(world->work);
    assert_int_equal(request(world->work, &of, &created, &found, &then), OK);
    world_refuses(&second->work, REFUSAL_idempotency_in_progress,
                  request(&second->work, &of, &created, &found, &then));
    assert_true(second->refusal.retry_after_s > 0);
    world_ok(&second->work, request(&second->work, &other, &created, &found, &then));
    assert_int_equal(world_close(world->work, OK), OK);
    world_ok(&second->work, request(&second->work, &of, &created, &found, &then));
    assert_true(found);
    world_seat_leave(second);
}

/* Effect and record commit together: what was rolled back may be tried again. */
static void test_a_failed_request_leaves_no_answer(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct idempotency_key of = key("k", "{}");
    struct idempotency_answer then;
    bool found;

    world_open(work);
    assert_int_equal(request(work, &of, &created, &found, &then), OK);
    assert_int_equal(world_close(work, ERR_DATABASE), ERR_DATABASE);
    world_ok(work, request(work, &of, &created, &found, &then));
    assert_false(found);
}

static void test_a_secret_is_neither_kept_nor_told_again(void **state)
{
    struct work *work = ((struct world *)*state)->work;
    struct idempotency_key of = key("k", "{}");
    struct idempotency_answer secret = created, then;
    bool found;

    secret.secret = true;
    secret.body = "{\"seed\":\"SUAXX\"}";
    world_ok(work, request(work, &of, &secret, &found, &then));
    assert_string_equal(world_text(*state, "SELECT body FROM idempotency"), "");
    world_refuses(work, REFUSAL_secret_no_longer_available,
                  request(work, &of, &secret, &found, &then));
    assert_int_equal(refusal_kind(work->refusal->code)->status, 410);
    assert_non_null(strstr(work->refusal->detail, "acc_1"));
    assert_false(found);
}

static void test_a_day_later_the_key_is_new(void **state)
{
    struct world *world = *state;
    struct idempotency_key of = key("k", "{}"), other = key("k", "[]");
    struct idempotency_answer then;
    bool found;

    world_ok(world->work, request(world->work, &of, &created, &found, &then));
    world_sql(world, "UPDATE idempotency SET created_at = now() - interval '25 hours'");
    world_ok(world->work, request(world->work, &other, &created, &found, &then));
    assert_false(found);
    world_ok(world->work, request(world->work, &other, &created, &found, &then));
    assert_true(found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_same_again_is_the_same_answer),
        TEST(test_another_body_is_refused),
        TEST(test_whose_and_where_are_part_of_the_key),
        TEST(test_in_progress_on_another_connection),
        TEST(test_a_failed_request_leaves_no_answer),
        TEST(test_a_secret_is_neither_kept_nor_told_again),
        TEST(test_a_day_later_the_key_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
