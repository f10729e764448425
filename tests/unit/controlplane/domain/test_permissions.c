#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/permissions.h"

struct bench {
    struct arena arena;
    struct refusal refusal;
    struct work work;
};

static int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    arena_init(&bench->arena);
    bench->refusal.arena = &bench->arena;
    bench->work = (struct work){.arena = &bench->arena, .refusal = &bench->refusal};
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

static enum result decode(struct bench *bench, const struct shape *shape, const char *body,
                          struct user_rules *out, struct shape_error *error)
{
    return shape_decode_text(shape, slice_of(body), SHAPE_STRICT, &bench->arena, out, error);
}

static struct user_rules rules_of(struct bench *bench, const char *body)
{
    struct shape_error error = {0};
    struct user_rules out;

    if (decode(bench, &user_rules_template_shape, body, &out, &error) != OK)
        fail_msg("%s: %s %s", body, error.pointer, error.message);
    return out;
}

/* What a body may say; where it is refused for a user, and for a role; NULL: taken. */
static void test_bodies(void **state)
{
    static const struct {
        const char *body, *user, *role;
    } rows[] = {
        {"{}", NULL, NULL},
        {"{\"permissions\":{\"pub\":{\"allow\":[\"a.>\"],\"deny\":[\"a.b\"]}}}", NULL, NULL},
        {"{\"permissions\":{\"sub\":{\"allow\":[\"a q\"]}}}", NULL, NULL},
        {"{\"permissions\":{\"sub\":{\"allow\":[\"a..b\"]}}}", "/permissions/sub/allow/0",
         "/permissions/sub/allow/0"},
        {"{\"permissions\":{\"sub\":{\"deny\":[\"a\",\"{{name()}}.x\"]}}}",
         "/permissions/sub/deny/1", NULL},
        {"{\"permissions\":{\"pub\":[\"a\"]}}", "/permissions/pub", "/permissions/pub"},
        {"{\"permissions\":{\"resp\":{\"max\":-1,\"ttl_ns\":0}}}", NULL, NULL},
        {"{\"permissions\":{\"resp\":{\"max\":-2}}}", "/permissions/resp/max",
         "/permissions/resp/max"},
        {"{\"permissions\":{\"resp\":{\"ttl_ns\":-1}}}", "/permissions/resp/ttl_ns",
         "/permissions/resp/ttl_ns"},
        {"{\"subs\":-1,\"payload\":0}", NULL, NULL},
        {"{\"subs\":-2}", "/subs", "/subs"},
        {"{\"payload\":\"1\"}", "/payload", "/payload"},
        {"{\"connection_types\":[\"STANDARD\",\"MQTT\"]}", NULL, NULL},
        {"{\"connection_types\":[\"TCP\"]}", "/connection_types/0", "/connection_types/0"},
        {"{\"src\":[\"10.0.0.0/8\",\"::1/128\"]}", NULL, NULL},
        {"{\"src\":[\"10.0.0.0\"]}", "/src/0", "/src/0"},
        {"{\"times\":[{\"start\":\"08:00:00\",\"end\":\"17:00:00\"}]}", NULL, NULL},
        {"{\"times\":[{\"start\":\"08:00:00\"}]}", "/times/0/end", "/times/0/end"},
        {"{\"times\":[{\"start\":\"8\",\"end\":\"9\"}]}", "/times/0/start", "/times/0/start"},
        {"{\"times_location\":\"Mars\"}", "/times_location", "/times_location"},
        {"{\"root\":true}", "/root", "/root"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int role = 0; role < 2; role++) {
            const char *pointer = role ? rows[i].role : rows[i].user;
            struct shape_error error = {0};
            struct user_rules out;
            enum result rc = decode(bench, role ? &user_rules_template_shape : &user_rules_shape,
                                    rows[i].body, &out, &error);

            if ((rc == OK) != (pointer == NULL))
                fail_msg("%s: %s %s", rows[i].body, error.pointer, error.message);
            if (rc != OK)
                assert_string_equal(error.pointer, pointer);
        }
    }
}

/* What the shape cannot say. */
static void test_checks(void **state)
{
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{}", NULL},
        {"{\"permissions\":{\"sub\":{\"allow\":[\"a q\"],\"deny\":[\"b q\"]}}}", NULL},
        {"{\"permissions\":{\"pub\":{\"allow\":[\"a\",\"b q\"]}}}", "/permissions/pub/allow/1"},
        {"{\"permissions\":{\"pub\":{\"deny\":[\"a q\"]}}}", "/permissions/pub/deny/0"},
        {"{\"times\":[{\"start\":\"22:00:00\",\"end\":\"06:00:00\"}],"
         "\"times_location\":\"UTC\"}",
         NULL},
        {"{\"times\":[{\"start\":\"08:00:00\",\"end\":\"08:00:00\"}]}", "/times/0"},
        {"{\"times_location\":\"UTC\"}", "/times_location"},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct user_rules rules = rules_of(bench, rows[i].body);

        bench->refusal = (struct refusal){.arena = &bench->arena};
        assert_int_equal(user_rules_check(&bench->work, &rules),
                         rows[i].pointer != NULL ? ERR_INVALID : OK);
        assert_int_equal(bench->refusal.error_count, rows[i].pointer != NULL);
        if (rows[i].pointer != NULL)
            assert_string_equal(bench->refusal.errors[0].pointer, rows[i].pointer);
    }
}

/* A user with a role says nothing of its own: each member that says something is found. */
static void test_empty_is_nothing_but_defaults(void **state)
{
    static const char *const empty[] = {"{}", "{\"subs\":-1,\"payload\":-1}", "{\"src\":[]}",
                                        "{\"permissions\":{\"pub\":{\"allow\":[]}}}"};
    static const char *const full[] = {
        "{\"permissions\":{\"pub\":{\"allow\":[\"a\"]}}}",
        "{\"permissions\":{\"pub\":{\"deny\":[\"a\"]}}}",
        "{\"permissions\":{\"sub\":{\"allow\":[\"a\"]}}}",
        "{\"permissions\":{\"sub\":{\"deny\":[\"a\"]}}}",
        "{\"permissions\":{\"resp\":{\"max\":1}}}",
        "{\"subs\":0}",
        "{\"payload\":10}",
        "{\"bearer\":true}",
        "{\"connection_types\":[\"MQTT\"]}",
        "{\"src\":[\"10.0.0.0/8\"]}",
        "{\"times\":[{\"start\":\"08:00:00\",\"end\":\"17:00:00\"}]}",
    };

    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        struct user_rules rules = rules_of(*state, empty[i]);

        assert_true(user_rules_empty(&rules));
    }
    for (size_t i = 0; i < COUNT_OF(full); i++) {
        struct user_rules rules = rules_of(*state, full[i]);

        if (user_rules_empty(&rules))
            fail_msg("%s counts as nothing", full[i]);
    }
}

static void test_claims_say_the_same(void **state)
{
    struct bench *bench = *state;
    struct user_rules rules = rules_of(
        bench, "{\"permissions\":{\"pub\":{\"allow\":[\"a\"],\"deny\":[\"b\"]},"
               "\"sub\":{\"allow\":[\"c\"],\"deny\":[\"d q\"]},"
               "\"resp\":{\"max\":3,\"ttl_ns\":9}},\"subs\":5,\"payload\":6,\"bearer\":true,"
               "\"connection_types\":[\"MQTT\"],\"src\":[\"10.0.0.0/8\"],"
               "\"times\":[{\"start\":\"08:00:00\",\"end\":\"17:00:00\"}],"
               "\"times_location\":\"UTC\"}");
    struct claims_user_limits claims;

    user_rules_claims(&rules, &claims, &bench->arena);
    assert_string_equal(claims.permissions.pub.allow.items[0], "a");
    assert_string_equal(claims.permissions.pub.deny.items[0], "b");
    assert_string_equal(claims.permissions.sub.allow.items[0], "c");
    assert_string_equal(claims.permissions.sub.deny.items[0], "d q");
    assert_int_equal(claims.permissions.resp->max, 3);
    assert_int_equal(claims.permissions.resp->ttl_ns, 9);
    assert_int_equal(claims.nats.subs, 5);
    assert_int_equal(claims.nats.payload, 6);
    assert_int_equal(claims.nats.data, -1);
    assert_true(claims.bearer_token);
    assert_string_equal(claims.allowed_connection_types.items[0], "MQTT");
    assert_string_equal(claims.src.items[0], "10.0.0.0/8");
    assert_int_equal(claims.times.count, 1);
    assert_string_equal(claims.times.items[0].end, "17:00:00");
    assert_string_equal(claims.times_location, "UTC");
}

static void test_claims_of_nothing_are_unlimited(void **state)
{
    struct bench *bench = *state;
    struct user_rules rules = rules_of(bench, "{}");
    struct claims_user_limits claims;

    user_rules_claims(&rules, &claims, &bench->arena);
    assert_int_equal(claims.nats.subs, -1);
    assert_int_equal(claims.nats.payload, -1);
    assert_null(claims.permissions.resp);
    assert_int_equal(claims.permissions.pub.allow.count, 0);
    assert_null(claims.times_location);
    assert_false(claims.bearer_token);
}

/* As the tables keep them: nothing is lost. */
static void test_stored_and_read_again(void **state)
{
    static const char text[] = "{\"permissions\":{\"sub\":{\"deny\":[\"{{name()}}.x q\"]},"
                               "\"resp\":{\"max\":3,\"ttl_ns\":9}},"
                               "\"times\":[{\"start\":\"08:00:00\",\"end\":\"17:00:00\"}]}";
    struct bench *bench = *state;
    struct user_rules rules = rules_of(bench, text);
    json_t *tree = json_loads(text, 0, NULL);

    assert_true(json_equal(permissions_json(&rules.permissions, &bench->arena),
                           json_object_get(tree, "permissions")));
    assert_true(
        json_equal(time_ranges_json(&rules.times, &bench->arena), json_object_get(tree, "times")));
    json_decref(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bodies),
        TEST(test_checks),
        TEST(test_empty_is_nothing_but_defaults),
        TEST(test_claims_say_the_same),
        TEST(test_claims_of_nothing_are_unlimited),
        TEST(test_stored_and_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
