#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "controlplane/vault/issuer.h"

static const unsigned char master_key[VAULT_KEY_LEN] = {1, 2, 3};
static struct arena arena;
static struct vault *vault;

static void test_new_keys_are_of_their_kind(void **state)
{
    static const struct {
        enum nkey_kind kind;
        char public_letter, seed_letter;
    } cases[] = {{NKEY_OPERATOR, 'O', 'O'}, {NKEY_ACCOUNT, 'A', 'A'}, {NKEY_USER, 'U', 'U'}};
    char key[NKEY_PUBLIC_MAX], again[NKEY_PUBLIC_MAX];
    struct vault_secret seed;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        issuer_new_key(random_system(), cases[i].kind, key, &seed);
        assert_int_equal(key[0], cases[i].public_letter);
        assert_int_equal(seed.data[1], cases[i].seed_letter);
        assert_int_equal(issuer_public_key(&seed, cases[i].kind, again), OK);
        assert_string_equal(key, again);
        assert_int_equal(issuer_public_key(&seed, NKEY_SERVER, again), ERR_INVALID);
        vault_secret_wipe(&seed);
    }
}

static void test_an_account_is_signed_and_reads_back(void **state)
{
    char operator_key[NKEY_PUBLIC_MAX], account_key[NKEY_PUBLIC_MAX];
    struct vault_secret operator_seed, account_seed;
    struct account_claims account = {0};
    struct claims claims = {.iat = 1700000000,
                            .name = "a",
                            .sub = account_key,
                            .type = CLAIMS_ACCOUNT,
                            .version = CLAIMS_VERSION,
                            .account = &account};
    struct claims again;
    struct issued issued, later;

    issuer_new_key(random_system(), NKEY_OPERATOR, operator_key, &operator_seed);
    issuer_new_key(random_system(), NKEY_ACCOUNT, account_key, &account_seed);
    claims_account_defaults(&account);
    assert_int_equal(issuer_sign(vault, &operator_seed, &claims, &arena, &issued), OK);
    assert_int_equal(jwt_decode(slice_of(issued.jwt), &arena, &again, NULL), OK);
    assert_string_equal(again.iss, operator_key);
    assert_string_equal(again.jti, issued.jti);

    /* Only the time changed: another token, the same claims. */
    claims.iat++;
    assert_int_equal(issuer_sign(vault, &operator_seed, &claims, &arena, &later), OK);
    assert_string_not_equal(later.jti, issued.jti);
    assert_string_equal(later.claims_hash, issued.claims_hash);
    account.limits.conn = 5;
    assert_string_not_equal(issuer_claims_hash(&claims, &arena), issued.claims_hash);
    vault_secret_wipe(&operator_seed);
    vault_secret_wipe(&account_seed);
}

static void test_a_user_that_does_not_fit_connect_is_refused(void **state)
{
    char account_key[NKEY_PUBLIC_MAX], user_key[NKEY_PUBLIC_MAX];
    const char *subjects[200];
    struct vault_secret account_seed, user_seed;
    struct user_claims user = {0};
    struct claims claims = {.iat = 1700000000,
                            .name = "u",
                            .sub = user_key,
                            .type = CLAIMS_USER,
                            .version = CLAIMS_VERSION,
                            .user = &user};
    uint64_t before = vault_counted(vault, VAULT_SIGNED);
    struct issued issued;

    issuer_new_key(random_system(), NKEY_ACCOUNT, account_key, &account_seed);
    issuer_new_key(random_system(), NKEY_USER, user_key, &user_seed);
    claims_user_defaults(&user.limits);
    assert_int_equal(issuer_sign(vault, &account_seed, &claims, &arena, &issued), OK);
    for (size_t i = 0; i < 200; i++)
        subjects[i] = arena_printf(&arena, "some.subject.that.is.long.%zu", i);
    user.limits.permissions.pub.allow = (struct strings){subjects, 200};
    assert_int_equal(issuer_sign(vault, &account_seed, &claims, &arena, &issued), ERR_LIMIT);

    user.limits.permissions.pub.allow = (struct strings){(const char *[]){"a..b"}, 1};
    assert_int_equal(issuer_sign(vault, &account_seed, &claims, &arena, &issued), ERR_INVALID);
    assert_non_null(issued.why);
    assert_int_equal(vault_counted(vault, VAULT_SIGNED), before + 1);
    assert_int_equal(vault_counted(vault, VAULT_REFUSED), 2);
    vault_secret_wipe(&account_seed);
    vault_secret_wipe(&user_seed);
}

static void test_a_request_to_delete(void **state)
{
    char operator_key[NKEY_PUBLIC_MAX], account_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed, other;
    struct strings accounts = {(const char *[]){account_key}, 1};
    struct claims claims;
    const char *jwt;

    issuer_new_key(random_system(), NKEY_OPERATOR, operator_key, &seed);
    issuer_new_key(random_system(), NKEY_ACCOUNT, account_key, &other);
    assert_int_equal(issuer_sign_delete(vault, &seed, &accounts, 1700000000, &arena, &jwt), OK);
    assert_int_equal(jwt_decode(slice_of(jwt), &arena, &claims, NULL), OK);
    assert_int_equal(claims.type, CLAIMS_GENERIC);
    assert_string_equal(claims.sub, operator_key);
    assert_string_equal(claims.iss, operator_key);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(claims.rest, "accounts"), 0)),
        account_key);
    vault_secret_wipe(&seed);
    vault_secret_wipe(&other);
}

static int set_up(void **state)
{
    vault = vault_from_key(master_key, random_system());
    return 0;
}

static int tear_down(void **state)
{
    vault_close(vault);
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_keys_are_of_their_kind),
        cmocka_unit_test(test_an_account_is_signed_and_reads_back),
        cmocka_unit_test(test_a_user_that_does_not_fit_connect_is_refused),
        cmocka_unit_test(test_a_request_to_delete),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
