#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/domain/secret.h"
#include "tests/lib/world.h"

static const char *put(struct world *world, const char *owner, const char *text)
{
    struct vault_secret secret = {0};
    const char *id;

    vault_secret_set(&secret, slice_of(text));
    world_ok(world->work, secret_put(world->work, "tea_1", owner, "identity", &secret, &id));
    vault_secret_wipe(&secret);
    return id;
}

static int begin(void **state)
{
    struct world *world;

    world_begin(state);
    world = *state;
    world_ok(world->work, secret_check_master(world->work));
    return 0;
}

static void expect(struct world *world, const char *id, const char *text)
{
    struct vault_secret secret = {0};

    world_ok(world->work, secret_get(world->work, id, &secret));
    assert_string_equal((char *)secret.data, text);
    vault_secret_wipe(&secret);
}

static void test_what_was_put_comes_back_and_is_not_in_the_rows(void **state)
{
    struct world *world = *state;
    const char *a = put(world, "acc_1", "SEED-A"), *b = put(world, "acc_1", "SEED-B");

    assert_string_not_equal(a, b);
    expect(world, a, "SEED-A");
    expect(world, b, "SEED-B");
    assert_string_equal(world_text(world,
                                   "SELECT count(*) FROM secret WHERE ciphertext LIKE '%%%s%%'"
                                   " OR ciphertext LIKE '%%%s%%'",
                                   "SEED", "534545442D"),
                        "0");
    assert_string_equal(world_text(world, "SELECT count(*) FROM data_key"), "1");
}

static void test_a_new_key_is_that_of_the_sealed_seed(void **state)
{
    struct world *world = *state;
    char public_key[NKEY_PUBLIC_MAX], of_seed[NKEY_PUBLIC_MAX];
    struct vault_secret seed = {0};
    struct nkey nkey;
    const char *id;

    world_ok(world->work,
             secret_new_key(world->work, "tea_1", "acc_1", "account_signing", public_key, &id));
    world_ok(world->work, secret_get(world->work, id, &seed));
    assert_int_equal(nkey_from_seed(&nkey, slice_make((const char *)seed.data, seed.len)), OK);
    nkey_public(&nkey, of_seed);
    assert_string_equal(public_key, of_seed);
    assert_int_equal(public_key[0], 'A');
    nkey_wipe(&nkey);
    vault_secret_wipe(&seed);
}

static void test_each_owner_has_a_key(void **state)
{
    struct world *world = *state;

    put(world, "acc_1", "SEED-A");
    put(world, "acc_2", "SEED-A");
    assert_string_equal(world_text(world, "SELECT count(DISTINCT wrapped) FROM data_key"), "2");
    assert_string_equal(world_text(world, "SELECT count(DISTINCT ciphertext) FROM secret"), "2");
}

/* Whoever can write the tables gains nothing by moving ciphertexts. */
static void test_a_moved_ciphertext_does_not_open(void **state)
{
    static const char *const moves[] = {
        "UPDATE secret SET purpose = 'signing' WHERE secret_id = '%s'",
        "UPDATE secret SET secret_id = 'sec_x' WHERE secret_id = '%s'",
        "UPDATE secret SET ciphertext = (SELECT ciphertext FROM secret WHERE secret_id <> '%s')",
        "UPDATE data_key SET owner_id = 'acc_9' WHERE '%s' <> ''",
        "UPDATE secret SET ciphertext = reverse(ciphertext) WHERE secret_id = '%s'",
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        struct vault_secret secret = {0};
        const char *id;

        world_sql(world, "DELETE FROM data_key");
        put(world, "acc_1", "SEED-B");
        id = put(world, "acc_1", "SEED-A");
        world_sql(world, moves[i], id);
        id = i == 1 ? "sec_x" : id;
        world_refuses(world->work, REFUSAL_signer_unavailable,
                      secret_get(world->work, id, &secret));
        assert_null(secret.data);
    }
}

static void test_destroying_shreds_one_owner_only(void **state)
{
    struct world *world = *state;
    struct vault_secret secret = {0};
    const char *a = put(world, "acc_1", "SEED-A"), *b = put(world, "acc_2", "SEED-B");

    world_ok(world->work, secret_destroy(world->work, "acc_1"));
    world_is(world->work, ERR_NOT_FOUND,
             world_do(world->work, secret_get(world->work, a, &secret)));
    expect(world, b, "SEED-B");
    assert_string_equal(world_text(world, "SELECT count(*) FROM secret"), "1");
}

static void test_another_master_key_is_refused(void **state)
{
    static const unsigned char other_key[VAULT_KEY_LEN] = {9};
    struct world *world = *state;
    struct vault *right = world->tools.vault;
    struct vault_secret secret = {0};
    const char *id = put(world, "acc_1", "SEED-A");

    world_ok(world->work, secret_check_master(world->work)); /* the same: again and again */
    world->tools.vault = vault_from_key(other_key, random_system());
    world_is(world->work, ERR_CORRUPT, world_do(world->work, secret_check_master(world->work)));
    world_refuses(world->work, REFUSAL_signer_unavailable, secret_get(world->work, id, &secret));
    vault_secret_set(&secret, SLICE("SEED-C"));
    world_refuses(world->work, REFUSAL_signer_unavailable,
                  secret_put(world->work, "tea_1", "acc_1", "identity", &secret, &id));
    vault_secret_wipe(&secret);
    vault_close(world->tools.vault);
    world->tools.vault = right;
    world_ok(world->work, secret_check_master(world->work));
}

static void test_shown_is_a_copy_in_the_arena(void **state)
{
    struct world *world = *state;
    struct vault_secret secret = {0};
    const char *text;

    vault_secret_set(&secret, SLICE("SEED-A"));
    text = secret_show(world->work, &secret);
    vault_secret_wipe(&secret);
    assert_string_equal(text, "SEED-A");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_put_comes_back_and_is_not_in_the_rows),
        TEST(test_a_new_key_is_that_of_the_sealed_seed),
        TEST(test_each_owner_has_a_key),
        TEST(test_a_moved_ciphertext_does_not_open),
        TEST(test_destroying_shreds_one_owner_only),
        TEST(test_another_master_key_is_refused),
        TEST(test_shown_is_a_copy_in_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
