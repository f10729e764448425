#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/nats/jwt.h"
#include "api/nats/nkey.h"
#include "controlplane/cli/secret_file.h"
#include "tests/lib/cli_lines.h"

static void test_operators_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"operator list", "GET /v1/operators?limit=500", 0, "STRICT"},
        {"operator update main --display-name Main",
         "PATCH /v1/operators/id-main If-Match: \"7\" {\"display_name\":\"Main\"}", 0},
        {"operator update main --strict", "", 2, "--strict"},
        {"operator jwt", "GET /v1/operators/id-only/jwt", 0, "eyJ0",
         "GET /v1/operators/id-only/jwt", "200 eyJ0"},
        {"operator keys", "GET /v1/operators/id-only/signing-keys?limit=500", 0, "PUBLIC KEY"},
        {"operator add-key next --operator main",
         "POST /v1/operators/id-main/signing-keys {\"name\":\"next\"}", 0},
        {"operator activate-key next --yes",
         "POST /v1/operators/id-only/signing-keys/id-next:activate", 0},
        {"operator retire-key next --yes", "POST /v1/operators/id-only/signing-keys/id-next:retire",
         0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

/* The body of the last request, which begins like this, and the claims in it. */
static json_t *last_body(const char *prefix, struct arena *arena, struct claims *claims)
{
    const char *last = NULL;
    struct shape_error error;
    json_t *body;

    for (size_t i = 0; cli_lines_request(i) != NULL; i++)
        last = cli_lines_request(i);
    assert_memory_equal(last, prefix, strlen(prefix));
    body = json_loads(last + strlen(prefix) - 1, 0, NULL);
    assert_non_null(body);
    assert_int_equal(jwt_decode(slice_of(json_string_value(json_object_get(body, "jwt"))), arena,
                                claims, &error),
                     OK);
    assert_int_equal(claims->type, CLAIMS_OPERATOR);
    return body;
}

/* What the last request told of the operator is what the seed in `text` signed. */
static void check_told(struct slice text)
{
    struct arena arena = {0};
    struct claims claims;
    struct nkey identity, signing;
    struct slice seed;
    char key[NKEY_PUBLIC_MAX];
    json_t *body;

    body = last_body("POST /v1/operators {", &arena, &claims);
    assert_string_equal(json_string_value(json_object_get(body, "name")), "main");
    assert_true(claims.operator->strict_signing_key_usage);
    assert_int_equal(claims.operator->operator_service_urls.count, 1);
    assert_string_equal(claims.operator->operator_service_urls.items[0], "nats://a");
    seed = slice_make(strstr(text.data, "SO"), NKEY_SEED_LEN);
    assert_int_equal(nkey_from_seed(&identity, seed), OK);
    nkey_public(&identity, key);
    assert_string_equal(claims.sub, key);
    assert_string_equal(claims.iss, key);
    seed = slice_of(json_string_value(json_object_get(body, "signing_seed")));
    assert_int_equal(nkey_from_seed(&signing, seed), OK);
    nkey_public(&signing, key);
    assert_int_equal(claims.operator->signing_keys.count, 1);
    assert_string_equal(claims.operator->signing_keys.items[0], key);
    json_decref(body);
    arena_fini(&arena);
}

static void test_an_operators_seed_is_kept_before_anybody_knows_of_him(void **state)
{
    static const struct {
        const char *answer;
        int code;
        const char *shows;
        bool stays;
    } cases[] = {
        {"201 {\"id\": \"opr_1\", \"name\": \"main\"}", 0, "the seed is in ", true},
        {"409 {\"title\": \"Name taken\", \"code\": \"name_taken\"}", 5, "Name taken", false},
        {"502 <html>", 8, "look whether there is such an operator", true},
    };
    char words[256], path[128];

    snprintf(path, sizeof(path), "%s/operator.seed", cli_lines_folder());
    snprintf(words, sizeof(words), "operator create main --strict --service-url nats://a --out %s",
             path);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct cli_line line = {words,          NULL,   cases[i].code,
                                      cases[i].shows, "POST", cases[i].answer};
        struct buf text = {0};

        cli_lines_run(&line, 1);
        assert_int_equal(secret_file_read(path, &text), cases[i].stays ? OK : ERR_NOT_FOUND);
        if (cases[i].stays) {
            const struct cli_line again = {words, "", 1, "is there already"};

            check_told(buf_slice(&text));
            cli_lines_run(&again, 1);
            assert_int_equal(unlink(path), 0);
        }
        secret_buf_wipe(&text);
    }
}

static void test_without_a_file_the_seed_is_shown(void **state)
{
    static const struct cli_line lines[] = {
        {"operator create main", NULL, 0, "\nseed (shown once): SO", "POST",
         "201 {\"id\": \"opr_1\", \"name\": \"main\"}"},
        {"operator create main -o json", NULL, 0, "\"seed\": \"SO", "POST",
         "201 {\"id\": \"opr_1\", \"name\": \"main\"}"},
        {"operator create main --out -", NULL, 0, "SO", "POST",
         "201 {\"id\": \"opr_1\", \"name\": \"main\"}"},
        {"operator create main --out /nonexistent/seed", "", 1, "nothing was done"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_signing_wants_the_seed(void **state)
{
    static const struct cli_line lines[] = {
        {"operator sign main", "", 2, "give --seed-file FILE"},
        {"operator sign main --seed-file /nonexistent", "GET /v1/operators/id-main/jwt", 2,
         "holds no seed of an operator"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

/* What the JWT says changes with a new one; what no flag names stays. */
static void test_a_new_jwt_says_what_the_flags_say(void **state)
{
    struct operator_claims before = {.assert_server_version = "2.10.0"};
    struct claims claims = {.iat = 1, .type = CLAIMS_OPERATOR, .version = 2, .operator= & before };
    char words[256], path[128], answer[1024], seed[NKEY_SEED_MAX];
    const struct cli_line line = {words, NULL, 0, NULL, "GET /v1/operators/id-main/jwt", answer};
    struct arena arena = {0};
    struct jwt_key_signer signer;
    struct slice token;
    struct nkey identity;
    json_t *body;

    nkey_create(&identity, NKEY_OPERATOR, random_system());
    nkey_seed(&identity, seed);
    jwt_key_signer_init(&signer, &identity);
    claims.sub = signer.signer.public_key;
    assert_int_equal(jwt_encode(&claims, &signer.signer, &arena, &token), OK);
    snprintf(answer, sizeof(answer), "200 %.*s", (int)token.len, token.data);
    snprintf(path, sizeof(path), "%s/operator.seed", cli_lines_folder());
    assert_int_equal(secret_file_write(path, slice_of(seed)), OK);
    snprintf(words, sizeof(words), "operator sign main --seed-file %s --strict --service-url a,b",
             path);
    cli_lines_run(&line, 1);
    body = last_body("PATCH /v1/operators/id-main If-Match: \"7\" {", &arena, &claims);
    assert_int_equal(json_object_size(body), 1);
    assert_true(claims.operator->strict_signing_key_usage);
    assert_int_equal(claims.operator->operator_service_urls.count, 2);
    assert_string_equal(claims.operator->operator_service_urls.items[1], "b");
    assert_string_equal(claims.operator->assert_server_version, "2.10.0");
    json_decref(body);
    arena_fini(&arena);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_become_requests),
        cmocka_unit_test(test_an_operators_seed_is_kept_before_anybody_knows_of_him),
        cmocka_unit_test(test_without_a_file_the_seed_is_shown),
        cmocka_unit_test(test_signing_wants_the_seed),
        cmocka_unit_test(test_a_new_jwt_says_what_the_flags_say),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
