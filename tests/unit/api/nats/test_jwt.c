#include "api/nats/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/base64.h"
#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/claims_validate.h"
#include "api/nats/limits.h"

/* Made by the reference tools. */
static const char operator_token[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJVUkFQQlk3T1g0UVlQTEVWU0ZGTUpGUDd"
    "LMlFCMkdXNEQ1VUlOM0hCRFZWUjJVNVFOV1ZRIiwiaWF0IjoxNzk1NDM4MDYwLCJpc3MiOiJPQ0NGQUxYNVJITjVPR"
    "FZIWEtBSlNNRTZVTk1QVTdJU1k1VTVLSVhPN0pGSFdOTTNCWkdGM0JHNSIsIm5hbWUiOiJkZW1vIiwic3ViIjoiT0N"
    "DRkFMWDVSSE41T0RWSFhLQUpTTUU2VU5NUFU3SVNZNVU1S0lYTzdKRkhXTk0zQlpHRjNCRzUiLCJuYXRzIjp7InNpZ"
    "25pbmdfa2V5cyI6WyJPRDREWEVESU00SlFaMkRMTExCVDNZV0w3SFJaVjZXQVFJWFVFUFBYVEpZSExWM1FQUFZYVlV"
    "aNyJdLCJzeXN0ZW1fYWNjb3VudCI6IkFCNkRJUVE2M0tRMkZUQkxUUjJCNldTS0tKVVhJNEtRSDRCSjRCQ1c2S0pBR"
    "ktLTzRTTEpINDdPIiwidHlwZSI6Im9wZXJhdG9yIiwidmVyc2lvbiI6Mn19.JO-"
    "0aSnAIZ8K_1fU6BXzaTICWeKN3dgBW1L4LBTJq56cg1TWGTIQkv-bCFbb6Od2n9DgP3HVzE6ZNE-WBJghAQ";
static const char account_token[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJDRUNSVEFESUNGVVk0T0wzM0pJU0ZGRVN"
    "UM1BYVUVDS1ozSTNJMklDUElHN1FFSDNFUzVRIiwiaWF0IjoxNzk1NDM4MTIzLCJpc3MiOiJPQ0NGQUxYNVJITjVPR"
    "FZIWEtBSlNNRTZVTk1QVTdJU1k1VTVLSVhPN0pGSFdOTTNCWkdGM0JHNSIsIm5hbWUiOiJBIiwic3ViIjoiQUNEN0I"
    "3TlZKNFdZSVM1TUdGMk9FSEVXVlpLVkM2V0hKQk1HWlBRNExORkFGSk5WR0ZXSjRTR04iLCJuYXRzIjp7ImxpbWl0c"
    "yI6eyJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOi0xLCJpbXBvcnRzIjotMSwiZXhwb3J0cyI6LTEsIndpbGR"
    "jYXJkcyI6dHJ1ZSwiZGlzYWxsb3dfYmVhcmVyIjp0cnVlLCJjb25uIjoxMCwibGVhZiI6LTEsIm1lbV9zdG9yYWdlI"
    "joxMDczNzQxODI0LCJkaXNrX3N0b3JhZ2UiOjEwNzM3NDE4MjQsInN0cmVhbXMiOjEwLCJjb25zdW1lciI6MTAsIm1"
    "heF9hY2tfcGVuZGluZyI6MTAwLCJtZW1fbWF4X3N0cmVhbV9ieXRlcyI6MTA3Mzc0MTgyNCwiZGlza19tYXhfc3RyZ"
    "WFtX2J5dGVzIjoxMDczNzQxODI0LCJtYXhfYnl0ZXNfcmVxdWlyZWQiOnRydWV9LCJzaWduaW5nX2tleXMiOlsiQUF"
    "HSTVZT1NPVkg2QTZLSE81RktYNE5XN1UzVzRIMk9YWkxWQ0paSldCUjdaUVgzQVVDVERJTFMiLHsia2luZCI6InVzZ"
    "XJfc2NvcGUiLCJrZXkiOiJBQ0szTlJNV1I2N0ZKVkFQTkY1WjZaQlJJQldUTUtRSEtURVpMWU4zQzNZN1dCVlJBQ05"
    "ERjNFNiIsInJvbGUiOiJyb2xlMSIsInRlbXBsYXRlIjp7InB1YiI6eyJhbGxvdyI6WyJ4Lnt7bmFtZSgpfX0uXHUwM"
    "DNlIl19LCJzdWIiOnsiYWxsb3ciOlsieS57e3RhZyh4KX19Il19LCJzdWJzIjo1LCJkYXRhIjotMSwicGF5bG9hZCI"
    "6MTA0ODU3Nn0sImRlc2NyaXB0aW9uIjoiIn1dLCJkZWZhdWx0X3Blcm1pc3Npb25zIjp7InB1YiI6e30sInN1YiI6e"
    "319LCJhdXRob3JpemF0aW9uIjp7fSwidGFncyI6WyJmb286YmFyIl0sInR5cGUiOiJhY2NvdW50IiwidmVyc2lvbiI"
    "6Mn19.BJD8UNM3rjCQMw5H3Fui9OfDiJwgI2sJpDFiWRZlcVZsPH_2V5sXMAjunm0UthCqWmChGJfPWQG0BKr7zrry"
    "Aw";
static const char user_token[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJNVUVETEZDN1dTMkhOWExBRFZPSUU3Wk9"
    "BTUkyNkFNUzZFNEgyQlZVQUlNQ1FQWUo0T0RBIiwiaWF0IjoxNzk1NDM4MTIzLCJpc3MiOiJBQ0Q3QjdOVko0V1lJU"
    "zVNR0YyT0VIRVdWWktWQzZXSEpCTUdaUFE0TE5GQUZKTlZHRldKNFNHTiIsIm5hbWUiOiJ1MSIsInN1YiI6IlVENU0"
    "ySUlYTlBWUk43WERKSTdGNlpMVlBPR0NLVDVQSkpESklMVkdQT0RYQjVYWDVIRUZQQVhGIiwibmF0cyI6eyJwdWIiO"
    "nt9LCJzdWIiOnt9LCJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOjEwNDg1NzYsInR5cGUiOiJ1c2VyIiwidmV"
    "yc2lvbiI6Mn19.s0SyZcBuqrQnzM4xp1V4TehRRyrJ6mLeEU7cMaytnzZWe83xahjsdBPhN1riUXf_O20ud6ooiQsK"
    "zw-Ne2PcCA";

static int set_up(void **state)
{
    struct arena *arena = mem_alloc(sizeof(*arena));

    arena_init(arena);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    mem_free(*state);
    return 0;
}

static void test_tokens_of_the_reference_tools(void **state)
{
    struct claims claims;
    struct shape_error error;
    struct claims_issues issues;

    assert_int_equal(jwt_decode(SLICE(operator_token), *state, &claims, &error), OK);
    assert_int_equal(claims.type, CLAIMS_OPERATOR);
    assert_string_equal(claims.name, "demo");
    assert_int_equal(claims.operator->signing_keys.count, 1);
    assert_non_null(claims.operator->system_account);
    assert_null(claims.rest);
    claims_validate(&claims, claims.iat, *state, &issues);
    assert_null(claims_blocking(&issues, true));

    assert_int_equal(jwt_decode(SLICE(account_token), *state, &claims, &error), OK);
    assert_int_equal(claims.type, CLAIMS_ACCOUNT);
    assert_int_equal(claims.account->limits.conn, 10);
    assert_int_equal(claims.account->limits.nats.subs, CLAIMS_UNLIMITED);
    assert_int_equal(claims.account->limits.js.disk_storage, 1073741824);
    assert_true(claims.account->limits.disallow_bearer);
    assert_int_equal(claims.account->signing_keys.count, 2);
    assert_null(claims.account->signing_keys.items[0].template);
    assert_string_equal(claims.account->signing_keys.items[1].role, "role1");
    assert_int_equal(claims.account->signing_keys.items[1].template->nats.subs, 5);
    assert_string_equal(claims.tags.items[0], "foo:bar");
    assert_null(claims.rest);
    claims_validate(&claims, claims.iat, *state, &issues);
    assert_null(claims_blocking(&issues, true));

    assert_int_equal(jwt_decode(SLICE(user_token), *state, &claims, &error), OK);
    assert_int_equal(claims.type, CLAIMS_USER);
    assert_int_equal(claims.user->limits.nats.payload, 1048576);
    claims_validate(&claims, claims.iat, *state, &issues);
    assert_null(claims_blocking(&issues, true));
}

static void test_any_changed_character_is_refused(void **state)
{
    char token[sizeof(user_token)];
    struct claims claims;

    memcpy(token, user_token, sizeof(token));
    for (size_t i = 0; i < sizeof(token) - 1; i++) {
        char old = token[i];

        token[i] = old == 'A' ? 'Q' : 'A';
        assert_int_not_equal(jwt_decode(SLICE(token), *state, &claims, NULL), OK);
        token[i] = old;
    }
    assert_int_equal(jwt_decode(SLICE(token), *state, &claims, NULL), OK);
}

static void test_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ..",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.e30.",
        "e30.e30.e30",
    };
    struct claims claims;
    struct shape_error error;
    char *long_one = arena_alloc(*state, JWT_LEN_MAX + 2);

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(jwt_decode(slice_of(texts[i]), *state, &claims, &error), ERR_SYNTAX);
    memset(long_one, 'a', JWT_LEN_MAX + 1);
    assert_int_equal(jwt_decode(slice_of(long_one), *state, &claims, &error), ERR_LIMIT);
}

/* Signs any text as the claims of a token. */
static struct slice token_of(struct arena *arena, const char *header, const char *payload,
                             const struct nkey *nkey, bool old)
{
    struct buf buf = {0};
    uint8_t signature[NKEY_SIGNATURE_LEN];
    char chunk[4096];
    size_t dot;
    char *text;

    base64url_encode(header, strlen(header), chunk);
    buf_printf(&buf, "%s.", chunk);
    dot = buf.len;
    base64url_encode(payload, strlen(payload), chunk);
    buf_add_text(&buf, chunk);
    if (old)
        nkey_sign(nkey, buf.data + dot, buf.len - dot, signature);
    else
        nkey_sign(nkey, buf.data, buf.len, signature);
    base64url_encode(signature, sizeof(signature), chunk);
    buf_printf(&buf, ".%s", chunk);
    text = arena_copy(arena, buf_slice(&buf));
    buf_fini(&buf);
    return slice_of(text);
}

#define HEADER "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}"
#define OLD_HEADER "{\"typ\":\"jwt\",\"alg\":\"ed25519\"}"

static void test_who_may_sign_what(void **state)
{
    static const struct {
        const char *type;
        const char *kinds; /* letters of those who may */
    } cases[] = {
        {"operator", "O"},    {"account", "OA"},  {"user", "A"},
        {"activation", "OA"}, {"other", "OAUNC"},
    };
    struct claims claims;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int kind = 0; kind < NKEY_CURVE; kind++) {
            char key[NKEY_PUBLIC_MAX], payload[512];
            struct nkey nkey;
            bool may = strchr(cases[i].kinds, nkey_letter((enum nkey_kind)kind)) != NULL;
            enum result rc;

            nkey_create(&nkey, (enum nkey_kind)kind, random_system());
            nkey_public(&nkey, key);
            snprintf(payload, sizeof(payload),
                     "{\"iss\":\"%s\",\"sub\":\"%s\",\"nats\":{\"type\":\"%s\",\"version\":2}}",
                     key, key, cases[i].type);
            rc = jwt_decode(token_of(*state, HEADER, payload, &nkey, false), *state, &claims, NULL);
            assert_int_equal(rc, may ? OK : ERR_INVALID);
        }
    }
}

static void test_versions_and_algorithms(void **state)
{
    char key[NKEY_PUBLIC_MAX], payload[512];
    struct claims claims;
    struct nkey nkey;

    nkey_create(&nkey, NKEY_ACCOUNT, random_system());
    nkey_public(&nkey, key);
    snprintf(payload, sizeof(payload),
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"nats\":{\"type\":\"user\",\"version\":3}}", key,
             key);
    assert_int_equal(
        jwt_decode(token_of(*state, HEADER, payload, &nkey, false), *state, &claims, NULL),
        ERR_UNSUPPORTED);
    snprintf(payload, sizeof(payload),
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"nats\":{\"type\":\"user\",\"version\":2}}", key,
             key);
    assert_int_equal(
        jwt_decode(token_of(*state, OLD_HEADER, payload, &nkey, true), *state, &claims, NULL),
        ERR_SIGNATURE);
    assert_int_equal(
        jwt_decode(token_of(*state, OLD_HEADER, payload, &nkey, false), *state, &claims, NULL), OK);
    assert_int_equal(
        jwt_decode(token_of(*state, "{\"typ\":\"JWT\",\"alg\":\"none\"}", payload, &nkey, false),
                   *state, &claims, NULL),
        ERR_UNSUPPORTED);
    /* Version 1: type and tags outside of nats, and the signature leaves the header out. */
    snprintf(payload, sizeof(payload),
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"type\":\"user\",\"tags\":[\"a\"],\"nats\":{"
             "\"pub\":{\"allow\":[\"x\"]},\"src\":\"10.0.0.0/8, 127.0.0.1/32\"}}",
             key, key);
    assert_int_equal(
        jwt_decode(token_of(*state, OLD_HEADER, payload, &nkey, true), *state, &claims, NULL), OK);
    assert_int_equal(claims.type, CLAIMS_USER);
    assert_int_equal(claims.version, 1);
    assert_string_equal(claims.tags.items[0], "a");
    assert_string_equal(claims.user->limits.permissions.pub.allow.items[0], "x");
    assert_int_equal(claims.user->limits.src.count, 2);
    assert_string_equal(claims.user->limits.src.items[1], "127.0.0.1/32");
    assert_int_equal(claims.user->limits.nats.subs, CLAIMS_UNLIMITED);
    /* It is the version that says what is signed, not the algorithm. */
    assert_int_equal(
        jwt_decode(token_of(*state, HEADER, payload, &nkey, true), *state, &claims, NULL), OK);
    assert_int_equal(
        jwt_decode(token_of(*state, HEADER, payload, &nkey, false), *state, &claims, NULL),
        ERR_SIGNATURE);
    snprintf(payload, sizeof(payload),
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"type\":\"user\",\"nats\":{\"version\":2}}", key,
             key);
    assert_int_equal(
        jwt_decode(token_of(*state, HEADER, payload, &nkey, true), *state, &claims, NULL), OK);
    assert_int_equal(claims.version, 1);
    snprintf(payload, sizeof(payload),
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"nats\":{\"type\":\"user\"}}", key, key);
    assert_int_equal(
        jwt_decode(token_of(*state, HEADER, payload, &nkey, false), *state, &claims, NULL),
        ERR_UNSUPPORTED);
}

static void test_encode_signs_and_names(void **state)
{
    struct jwt_key_signer signer;
    struct user_claims user = {0};
    struct claims claims = {.type = CLAIMS_USER, .name = "u", .iat = 1000, .user = &user}, again;
    char key[NKEY_PUBLIC_MAX], sub[NKEY_PUBLIC_MAX], hash[JWT_ID_MAX], later[JWT_ID_MAX];
    struct nkey account, nkey;
    struct slice token, other;

    nkey_create(&account, NKEY_ACCOUNT, random_system());
    nkey_create(&nkey, NKEY_USER, random_system());
    nkey_public(&account, key);
    nkey_public(&nkey, sub);
    claims.sub = sub;
    claims_user_defaults(&user.limits);
    jwt_key_signer_init(&signer, &account);
    assert_int_equal(jwt_encode(&claims, &signer.signer, *state, &token), OK);
    assert_true(slice_starts(token, SLICE("eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.")));
    assert_int_equal(jwt_decode(token, *state, &again, NULL), OK);
    assert_string_equal(again.iss, key);
    assert_string_equal(again.sub, sub);
    assert_int_equal(strlen(again.jti), JWT_ID_LEN);
    assert_int_equal(again.version, CLAIMS_VERSION);
    assert_int_equal(again.user->limits.nats.subs, CLAIMS_UNLIMITED);
    /* Equal claims, equal bytes; what was decoded too. */
    assert_int_equal(jwt_encode(&again, &signer.signer, *state, &other), OK);
    assert_true(slice_equal(token, other));
    jwt_claims_hash(&claims, hash);
    claims.iat++;
    jwt_claims_hash(&claims, later);
    assert_string_equal(hash, later);
    assert_int_equal(jwt_encode(&claims, &signer.signer, *state, &other), OK);
    assert_false(slice_equal(token, other));
    user.limits.nats.subs = 7;
    jwt_claims_hash(&claims, later);
    assert_string_not_equal(hash, later);
    /* A user may not sign a user. */
    jwt_key_signer_init(&signer, &nkey);
    assert_int_equal(jwt_encode(&claims, &signer.signer, *state, &other), ERR_INVALID);
}

static void test_digest(void **state)
{
    char out[JWT_ID_MAX];

    /* SHA-512/256("abc") = 53048e26 81941ef9 9b2e29b7 6b4c7dab e4c2d0c6 34fc6d46 e0e2f131 07e7af23
     */
    jwt_digest(SLICE("abc"), out);
    assert_string_equal(out, "KMCI4JUBSQPPTGZOFG3WWTD5VPSMFUGGGT6G2RXA4LYTCB7HV4RQ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tokens_of_the_reference_tools, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_changed_character_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_may_sign_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions_and_algorithms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encode_signs_and_names, set_up, tear_down),
        cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
