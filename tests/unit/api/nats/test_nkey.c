#include "api/nats/nkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/check.h"

static const struct {
    enum nkey_kind kind;
    char letter;
} kinds[] = {
    {NKEY_ACCOUNT, 'A'},  {NKEY_CLUSTER, 'C'}, {NKEY_SERVER, 'N'},
    {NKEY_OPERATOR, 'O'}, {NKEY_USER, 'U'},    {NKEY_CURVE, 'X'},
};

static void test_round_trip_of_every_kind(void **state)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct nkey made, read, public;
        char text[NKEY_PUBLIC_MAX], seed[NKEY_SEED_MAX], again[NKEY_SEED_MAX];
        enum nkey_kind kind;

        nkey_create(&made, kinds[i].kind, random_system());
        nkey_public(&made, text);
        nkey_seed(&made, seed);
        assert_int_equal(strlen(text), NKEY_PUBLIC_LEN);
        assert_int_equal(strlen(seed), NKEY_SEED_LEN);
        assert_int_equal(text[0], kinds[i].letter);
        assert_int_equal(nkey_letter(kinds[i].kind), kinds[i].letter);
        assert_int_equal(seed[0], 'S');
        assert_int_equal(seed[1], kinds[i].letter);
        assert_int_equal(nkey_from_seed(&read, slice_of(seed)), OK);
        assert_memory_equal(read.key, made.key, sizeof(made.key));
        nkey_seed(&read, again);
        assert_string_equal(seed, again);
        assert_int_equal(nkey_from_public(&public, slice_of(text)), OK);
        assert_false(public.secret);
        assert_true(nkey_is(slice_of(text), kinds[i].kind));
        assert_false(nkey_is(slice_of(text), kinds[(i + 1) % COUNT_OF(kinds)].kind));
        assert_int_equal(nkey_kind_of(slice_of(text), &kind), OK);
        assert_int_equal(kind, kinds[i].kind);
        assert_false(nkey_is(slice_of(seed), kinds[i].kind));
        nkey_wipe(&made);
        assert_false(made.secret);
    }
}

/* Made by the reference tools. */
static void test_a_known_pair(void **state)
{
    struct nkey nkey;
    char text[NKEY_PUBLIC_MAX];

    assert_int_equal(
        nkey_from_seed(&nkey, SLICE("SUAEL543QEVLEJAP5R4SBPQ5PZETA65PGWIXT4F2E3JGGV4OOR7WSBYU64")),
        OK);
    nkey_public(&nkey, text);
    assert_string_equal(text, "UA5DNEPV5PTC5ZGDK2ZY32N7HZV2VXYWXVDMIDNGAL23GODQNLR5QKTM");
}

static void test_any_changed_character_is_refused(void **state)
{
    struct nkey nkey, read;
    char text[NKEY_PUBLIC_MAX], seed[NKEY_SEED_MAX];

    nkey_create(&nkey, NKEY_USER, random_system());
    nkey_public(&nkey, text);
    nkey_seed(&nkey, seed);
    for (size_t i = 0; i < NKEY_PUBLIC_LEN; i++) {
        char old = text[i];

        text[i] = old == 'B' ? 'C' : 'B';
        assert_int_equal(nkey_from_public(&read, slice_of(text)), ERR_SYNTAX);
        text[i] = '!';
        assert_int_equal(nkey_from_public(&read, slice_of(text)), ERR_SYNTAX);
        text[i] = old;
        assert_int_equal(nkey_from_public(&read, slice_make(text, i)), ERR_SYNTAX);
    }
    for (size_t i = 0; i < NKEY_SEED_LEN; i++) {
        char old = seed[i];

        seed[i] = old == 'B' ? 'C' : 'B';
        assert_int_equal(nkey_from_seed(&read, slice_of(seed)), ERR_SYNTAX);
        seed[i] = old;
        assert_int_equal(nkey_from_seed(&read, slice_make(seed, i)), ERR_SYNTAX);
    }
    assert_int_equal(nkey_from_seed(&read, slice_of(text)), ERR_SYNTAX);
    assert_int_equal(nkey_from_public(&read, slice_make(NULL, 0)), ERR_SYNTAX);
}

static void test_signatures(void **state)
{
    uint8_t signature[NKEY_SIGNATURE_LEN];
    struct nkey nkey, public, curve;
    char text[NKEY_PUBLIC_MAX];

    nkey_create(&nkey, NKEY_ACCOUNT, random_system());
    nkey_public(&nkey, text);
    assert_int_equal(nkey_from_public(&public, slice_of(text)), OK);
    nkey_sign(&nkey, "nonce", 5, signature);
    assert_int_equal(nkey_verify(&public, "nonce", 5, signature), OK);
    assert_int_equal(nkey_verify(&public, "noncf", 5, signature), ERR_SIGNATURE);
    signature[3] ^= 1;
    assert_int_equal(nkey_verify(&public, "nonce", 5, signature), ERR_SIGNATURE);
    nkey_create(&curve, NKEY_CURVE, random_system());
    assert_int_equal(nkey_verify(&curve, "nonce", 5, signature), ERR_SIGNATURE);
}

static void test_signatures_that_never_begin_with_zero(void **state)
{
    struct random_seeded seeded;
    struct nkey key;
    uint8_t plain[NKEY_SIGNATURE_LEN], signature[NKEY_SIGNATURE_LEN];
    int zeros = 0;

    random_seed(&seeded, 1);
    nkey_create(&key, NKEY_USER, &seeded.random);
    for (int i = 0; i < 2048; i++) {
        nkey_sign(&key, &i, sizeof(i), plain);
        nkey_sign_not_zero(&key, &i, sizeof(i), signature);
        assert_int_not_equal(signature[0], 0);
        assert_int_equal(nkey_verify(&key, &i, sizeof(i), signature), OK);
        if (plain[0] != 0)
            assert_memory_equal(plain, signature, sizeof(plain));
        zeros += plain[0] == 0;
    }
    assert_in_range(zeros, 1, 100); /* so that the other way was taken, too */
}

static void test_boxes(void **state)
{
    struct nkey alice, bob, eve;
    uint8_t box[5 + NKEY_SEAL_EXTRA];
    char out[5];
    struct slice sealed = slice_make((const char *)box, sizeof(box));

    nkey_create(&alice, NKEY_CURVE, random_system());
    nkey_create(&bob, NKEY_CURVE, random_system());
    nkey_create(&eve, NKEY_CURVE, random_system());
    assert_int_equal(nkey_seal(&alice, &bob, random_system(), SLICE("hello"), box), OK);
    assert_memory_equal(box, "xkv1", 4);
    assert_int_equal(nkey_open(&bob, &alice, sealed, (uint8_t *)out), OK);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(nkey_open(&eve, &alice, sealed, (uint8_t *)out), ERR_SIGNATURE);
    box[sizeof(box) - 1] ^= 1;
    assert_int_equal(nkey_open(&bob, &alice, sealed, (uint8_t *)out), ERR_SIGNATURE);
    box[0] = 'y';
    assert_int_equal(nkey_open(&bob, &alice, sealed, (uint8_t *)out), ERR_SYNTAX);
    sealed.len = 28;
    assert_int_equal(nkey_open(&bob, &alice, sealed, (uint8_t *)out), ERR_SYNTAX);
    memset(bob.key, 0, sizeof(bob.key));
    assert_int_equal(nkey_seal(&alice, &bob, random_system(), SLICE("hello"), box), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_of_every_kind),
        cmocka_unit_test(test_a_known_pair),
        cmocka_unit_test(test_any_changed_character_is_refused),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_signatures_that_never_begin_with_zero),
        cmocka_unit_test(test_boxes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
