#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/random.h"
#include "dataplane/core/output.h"

/* The model: the bytes that wait, in one piece. */
struct model {
    struct pool *pool;
    struct output output;
    struct buf waiting;
    struct random_seeded random;
    struct shared *shared;
};

static void add_copied(struct model *model, size_t len)
{
    char *at = output_reserve(&model->output, model->pool, len);

    for (size_t i = 0; i < len; i++)
        at[i] = (char)random_u64(&model->random.random);
    buf_add(&model->waiting, at, len);
}

static void add_reference(struct model *model, size_t len)
{
    size_t offset = random_below(&model->random.random, model->shared->len - len);

    output_refer(&model->output, model->pool, model->shared, offset, len);
    buf_add(&model->waiting, model->shared->data + offset, len);
}

/* What would be sent is what the model says, and some of it is sent. */
static void send_some(struct model *model, bool all)
{
    struct iovec parts[8];
    size_t offered = 0, sent;
    int count = output_gather(&model->output, parts, COUNT_OF(parts));

    assert_int_equal(model->output.bytes, model->waiting.len);
    assert_true((count > 0) == (model->waiting.len > 0));
    for (int i = 0; i < count; i++) {
        assert_memory_equal(parts[i].iov_base, model->waiting.data + offered, parts[i].iov_len);
        offered += parts[i].iov_len;
    }
    if (count < (int)COUNT_OF(parts))
        assert_int_equal(offered, model->waiting.len);
    sent = all ? offered : random_below(&model->random.random, offered + 1);
    output_sent(&model->output, model->pool, sent);
    buf_drop_front(&model->waiting, sent);
}

static void test_against_model(void **state)
{
    struct model model = {.pool = pool_new(), .shared = shared_new(100000)};
    size_t taken, idle;

    random_seed(&model.random, 3);
    random_fill(&model.random.random, model.shared->data, model.shared->len);
    for (int step = 0; step < 20000; step++) {
        uint64_t what = random_below(&model.random.random, 20);
        uint64_t most = random_below(&model.random.random, 40) == 0 ? 40000 : 300;
        size_t len = 1 + (size_t)random_below(&model.random.random, most);

        if (what < 12)
            add_copied(&model, len);
        else if (what < 16)
            add_reference(&model, len);
        else
            send_some(&model, what == 19);
        if (step % 3000 == 2999) {
            while (model.waiting.len > 0)
                send_some(&model, true);
            /* Empty: nothing is held. */
            assert_null(model.output.first);
            assert_null(model.output.last);
            pool_usage(model.pool, &taken, &idle);
            assert_int_equal(taken, 0);
            assert_int_equal(model.shared->refs, 1);
        }
    }
    output_clear(&model.output, model.pool);
    assert_int_equal(model.shared->refs, 1);
    pool_usage(model.pool, &taken, &idle);
    assert_int_equal(taken, 0);
    shared_unref(model.shared);
    buf_fini(&model.waiting);
    pool_free(model.pool);
}

/* References with small copies between them share chunks. */
static void test_references_are_cheap(void **state)
{
    struct pool *pool = pool_new();
    struct shared *shared = shared_new(100000);
    struct output output = {0};
    size_t taken, idle;

    for (int i = 0; i < 100; i++) {
        memset(output_reserve(&output, pool, 30), 'h', 30);
        output_refer(&output, pool, shared, 0, 5000);
        memset(output_reserve(&output, pool, 2), 't', 2);
    }
    assert_int_equal(output.bytes, 100 * 5032);
    pool_usage(pool, &taken, &idle);
    assert_true(taken < (80 << 10));
    output_clear(&output, pool);
    shared_unref(shared);
    pool_free(pool);
}

static void test_moves_between_pools(void **state)
{
    struct pool *from = pool_new(), *to = pool_new();
    struct output output = {0};
    size_t taken, idle;

    for (int i = 0; i < 100; i++)
        memset(output_reserve(&output, from, 1000), 'x', 1000);
    output_disown(&output, from);
    output_adopt(&output, to);
    pool_usage(from, &taken, &idle);
    assert_int_equal(taken, 0);
    pool_usage(to, &taken, &idle);
    assert_true(taken >= 100000);
    output_sent(&output, to, 100000);
    pool_usage(to, &taken, &idle);
    assert_int_equal(taken, 0);
    pool_free(from);
    pool_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_references_are_cheap),
        cmocka_unit_test(test_moves_between_pools),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
