#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/vault/vault.h"

static const unsigned char key[VAULT_KEY_LEN] = {1, 2, 3};
static const struct vault_place key_place = {"data_key", "k1", "wrap", "acc_1", 1};
static const struct vault_place place = {"secret", "s1", "identity", "acc_1", 1};
static struct arena arena;

static void test_what_is_sealed_opens_in_its_place_only(void **state)
{
    static const struct vault_place elsewhere[] = {
        {"other", "s1", "identity", "acc_1", 1},  {"secret", "s2", "identity", "acc_1", 1},
        {"secret", "s1", "signing", "acc_1", 1},  {"secret", "s1", "identity", "acc_2", 1},
        {"secret", "s1", "identity", "acc_1", 2}, {"secret", "s1i", "dentity", "acc_1", 1},
    };
    struct vault *vault = vault_from_key(key, random_system());
    const char *wrapped = vault_new_key(vault, &key_place, &arena), *sealed;
    struct vault_secret secret;

    assert_int_equal(
        vault_seal(vault, &key_place, wrapped, &place, SLICE("a seed"), &arena, &sealed), OK);
    assert_null(strstr(sealed, "a seed"));
    assert_int_equal(vault_unseal(vault, &key_place, wrapped, &place, sealed, &secret), OK);
    assert_string_equal((char *)secret.data, "a seed");
    vault_secret_wipe(&secret);
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        assert_int_equal(vault_unseal(vault, &key_place, wrapped, &elsewhere[i], sealed, &secret),
                         ERR_CORRUPT);
    assert_int_equal(vault_unseal(vault, &place, wrapped, &place, sealed, &secret), ERR_CORRUPT);
    assert_int_equal(vault_counted(vault, VAULT_UNOPENED),
                     sizeof(elsewhere) / sizeof(elsewhere[0]) + 1);
    assert_int_equal(vault_counted(vault, VAULT_SIGNED), 0);
    vault_close(vault);
}

static void test_every_changed_digit_is_noticed(void **state)
{
    struct vault *vault = vault_from_key(key, random_system());
    const char *wrapped = vault_new_key(vault, &key_place, &arena), *sealed;
    struct vault_secret secret;
    char *changed;

    assert_int_equal(vault_seal(vault, &key_place, wrapped, &place, SLICE("x"), &arena, &sealed),
                     OK);
    changed = arena_strdup(&arena, sealed);
    for (size_t i = 0; changed[i] != '\0'; i++) {
        changed[i] = changed[i] == '0' ? '1' : '0';
        assert_int_equal(vault_unseal(vault, &key_place, wrapped, &place, changed, &secret),
                         ERR_CORRUPT);
        changed[i] = sealed[i];
    }
    assert_int_equal(vault_unseal(vault, &key_place, wrapped, &place, "", &secret), ERR_CORRUPT);
    assert_int_equal(vault_unseal(vault, &key_place, wrapped, &place, "zz", &secret), ERR_CORRUPT);
    vault_close(vault);
}

static void test_another_master_key_is_noticed(void **state)
{
    unsigned char wrong[VAULT_KEY_LEN] = {9};
    struct vault *vault = vault_from_key(key, random_system());
    struct vault *other = vault_from_key(wrong, random_system());
    const char *proof = vault_proof(vault, &arena);
    char a[VAULT_HASH_LEN + 1], b[VAULT_HASH_LEN + 1];

    assert_int_equal(vault_check_proof(vault, proof), OK);
    assert_int_equal(vault_check_proof(other, proof), ERR_CORRUPT);
    vault_hash(vault, "token", SLICE("t"), a);
    vault_hash(other, "token", SLICE("t"), b);
    assert_string_not_equal(a, b);
    vault_hash(vault, "cursor", SLICE("t"), b);
    assert_string_not_equal(a, b);
    vault_hash(vault, "token", SLICE("t"), b);
    assert_string_equal(a, b);
    vault_close(vault);
    vault_close(other);
}

static void test_the_key_file_is_judged(void **state)
{
    static const struct {
        const char *content;
        mode_t mode;
        enum result expect;
    } cases[] = {
        {"0123456789abcdef0123456789abcdef", 0400, OK},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0600, OK},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0640, ERR_DENIED},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0404, ERR_DENIED},
        {"too short", 0400, ERR_INVALID},
        {"", 0400, ERR_INVALID},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00", 0400, ERR_INVALID},
        {"x00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0400, ERR_INVALID},
    };
    char file[] = "/tmp/berth-test-key.XXXXXX", message[VAULT_MESSAGE_MAX];
    struct vault *vault;
    int fd = mkstemp(file);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(fchmod(fd, 0600), 0);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_true(pwrite(fd, cases[i].content, strlen(cases[i].content), 0) >= 0);
        assert_int_equal(fchmod(fd, cases[i].mode), 0);
        assert_int_equal(vault_open(file, random_system(), &vault, message), cases[i].expect);
        if (cases[i].expect == OK)
            vault_close(vault);
        else
            assert_non_null(strstr(message, file));
    }
    close(fd);
    unlink(file);
    assert_int_equal(vault_open(file, random_system(), &vault, message), ERR_NOT_FOUND);
}

static int tear_down(void **state)
{
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sealed_opens_in_its_place_only),
        cmocka_unit_test(test_every_changed_digit_is_noticed),
        cmocka_unit_test(test_another_master_key_is_noticed),
        cmocka_unit_test(test_the_key_file_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
