#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/resource.h"

struct bench {
    struct arena arena;
    struct refusal refusal;
    struct tools tools;
    _Atomic uint64_t last_id;
    struct clock clock;
    struct random_seeded random;
    struct work work;
};

static int64_t now_ms;

static int64_t standing(struct clock *clock)
{
    (void)clock;
    return now_ms * NS_PER_MS;
}

static int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    arena_init(&bench->arena);
    random_seed(&bench->random, 1);
    bench->clock = (struct clock){standing, standing};
    bench->refusal.arena = &bench->arena;
    bench->tools = (struct tools){
        .clock = &bench->clock, .random = &bench->random.random, .last_id = &bench->last_id};
    bench->work =
        (struct work){.arena = &bench->arena, .tools = &bench->tools, .refusal = &bench->refusal};
    *state = bench;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;

    arena_fini(&bench->arena);
    free(bench);
    return 0;
}

static void test_ids_are_typed_unique_and_sort_by_time(void **state)
{
    struct bench *bench = *state;
    const char *last = "", *id;

    for (now_ms = INT64_C(1795000000000); now_ms < INT64_C(1795000000100); now_ms += 7) {
        id = resource_id_new(&bench->work, "acc");
        assert_true(resource_id_valid("acc", id));
        assert_false(resource_id_valid("tea", id));
        assert_true(strcmp(last, id) < 0);
        last = id;
    }
    id = resource_id_new(&bench->work, "acc"); /* the same millisecond */
    assert_string_not_equal(id, resource_id_new(&bench->work, "acc"));
    assert_memory_equal(id, resource_id_new(&bench->work, "acc"), strlen("acc_") + 10);
}

/* Lists go by id: what was made later comes later, whatever the clock does. */
static void test_ids_rise_within_a_millisecond(void **state)
{
    struct bench *bench = *state;
    const char *last = "", *id;

    now_ms = INT64_C(1795000000000);
    for (int i = 0; i < 100000; i++) { /* more than the counter holds */
        if (i == 1000)
            now_ms -= 5000;
        id = resource_id_new(&bench->work, "acc");
        if (strcmp(last, id) >= 0)
            fail_msg("%s came after %s", id, last);
        last = id;
    }
    now_ms += 60000;
    assert_true(strcmp(last, resource_id_new(&bench->work, "acc")) < 0);
}

static void *make_ids(void *arg)
{
    struct bench *bench = arg;
    struct arena arena = {0};
    struct work work = bench->work;
    const char *last = "";
    size_t wrong = 0;

    work.arena = &arena;
    for (int i = 0; i < 20000; i++) {
        const char *id = resource_id_new(&work, "acc");

        wrong += strcmp(last, id) >= 0;
        last = id;
    }
    arena_fini(&arena);
    return (void *)wrong;
}

static void test_they_do_so_beside_other_threads(void **state)
{
    struct bench *bench = *state;
    pthread_t threads[4];

    now_ms = INT64_C(1795000000000);
    bench->tools.random = random_system();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, bench), 0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

/* 48 bits of milliseconds in Crockford's digits: known beforehand. */
static void test_the_time_within_an_id(void **state)
{
    struct bench *bench = *state;

    now_ms = 0;
    assert_memory_equal(resource_id_new(&bench->work, "x"), "x_0000000000", 12);
    now_ms = INT64_C(1469918176385);
    assert_memory_equal(resource_id_new(&bench->work, "x"), "x_01ARYZ6S41", 12);
}

static void test_what_is_no_id(void **state)
{
    static const char *const bad[] = {
        "",
        "acc",
        "acc_",
        "acc_01ARYZ6S41TSV4RRFFQ69G5FA",
        "acc_01ARYZ6S41TSV4RRFFQ69G5FAVX",
        "acc_01aryz6s41tsv4rrffq69g5fav",
        "acc_01ARYZ6S41TSV4RRFFQ69G5FAI",
        "acc-01ARYZ6S41TSV4RRFFQ69G5FAV",
        "tea_01ARYZ6S41TSV4RRFFQ69G5FAV",
        "acc_01ARYZ6S41TSV4RRFFQ69G5FA'",
    };

    assert_true(resource_id_valid("acc", "acc_01ARYZ6S41TSV4RRFFQ69G5FAV"));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(resource_id_valid("acc", bad[i]));
}

/* What a body may say of a name, by kind of resource; NULL: taken. */
static void test_settings_of_bodies(void **state)
{
    static const struct {
        const struct shape *shape;
        const char *body, *pointer;
    } rows[] = {
        {&resource_settings_shape, "{\"name\":\"a-1\"}", NULL},
        {&resource_settings_shape, "{}", "/name"},
        {&resource_settings_shape, "{\"name\":\"A\"}", "/name"},
        {&resource_settings_shape, "{\"name\":\"\"}", "/name"},
        {&resource_settings_shape, "{\"name\":7}", "/name"},
        {&resource_settings_shape, "{\"name\":\"a\",\"id\":\"acc_1\"}", "/id"},
        {&resource_settings_shape, "{\"name\":\"a\",\"version\":1}", "/version"},
        {&resource_settings_shape, "{\"name\":\"a\",\"display_name\":\"a\\nb\"}", "/display_name"},
        {&resource_settings_shape, "{\"name\":\"a\",\"description\":\"a\\nb\"}", NULL},
        {&resource_settings_shape, "{\"name\":\"a\",\"labels\":{\"k\":\"v\"}}", NULL},
        {&resource_settings_shape, "{\"name\":\"a\",\"labels\":{\"k k\":\"v\"}}", "/labels/k k"},
        {&resource_settings_shape, "{\"name\":\"a\",\"labels\":{\"k\":1}}", "/labels/k"},
        {&resource_user_settings_shape, "{\"name\":\"A_1\"}", NULL},
        {&resource_user_settings_shape, "{\"name\":\"a.b\"}", "/name"},
        {&resource_nameless_settings_shape, "{}", NULL},
        {&resource_nameless_settings_shape, "{\"name\":\"a\"}", "/name"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct resource_settings out;
        struct shape_error error = {0};
        enum result rc = shape_decode_text(rows[i].shape, slice_of(rows[i].body), SHAPE_STRICT,
                                           &bench->arena, &out, &error);

        if ((rc == OK) != (rows[i].pointer == NULL))
            fail_msg("%s: %s %s", rows[i].body, result_name(rc), error.message);
        if (rc != OK)
            assert_string_equal(error.pointer, rows[i].pointer);
    }
}

static void test_settings_of_a_resource_and_its_labels(void **state)
{
    struct bench *bench = *state;
    struct string_pair pairs[] = {{"b", "2"}, {"a", "1"}};
    struct resource resource = {.name = "n", .display_name = "d", .labels = {pairs, 2}};
    struct resource_settings settings = resource_settings_of(&resource);
    json_t *labels = resource_labels(&settings, &bench->arena);

    assert_string_equal(settings.name, "n");
    assert_string_equal(settings.display_name, "d");
    assert_int_equal(json_object_size(labels), 2);
    assert_string_equal(json_string_value(json_object_get(labels, "a")), "1");
    assert_string_equal(or_empty(NULL), "");
    assert_string_equal(or_empty("x"), "x");
}

static void test_a_conflict_says_what_there_is_now(void **state)
{
    struct bench *bench = *state;
    struct resource resource = {.id = "acc_1", .kind = "account", .version = 3};

    assert_int_equal(resource_conflict(&bench->work, &resource), ERR_CONFLICT);
    assert_int_equal(bench->refusal.code, REFUSAL_version_conflict);
    assert_string_equal(bench->refusal.conflict_resource, "acc_1");
    assert_int_equal(bench->refusal.conflict_version, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ids_are_typed_unique_and_sort_by_time),
        TEST(test_ids_rise_within_a_millisecond),
        TEST(test_they_do_so_beside_other_threads),
        TEST(test_the_time_within_an_id),
        TEST(test_what_is_no_id),
        TEST(test_settings_of_bodies),
        TEST(test_settings_of_a_resource_and_its_labels),
        TEST(test_a_conflict_says_what_there_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
