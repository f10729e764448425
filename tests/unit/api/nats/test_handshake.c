#include "api/nats/handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/base64.h"
#include "api/base/check.h"

static void test_missing_booleans_are_true(void **state)
{
    struct handshake_connect connect;
    struct arena arena = {0};

    assert_int_equal(handshake_connect_decode(SLICE("{}"), &arena, &connect, NULL), OK);
    assert_true(connect.verbose && connect.pedantic && connect.echo);
    assert_false(connect.headers || connect.no_responders || connect.tls_required);
    assert_int_equal(
        handshake_connect_decode(SLICE("{\"verbose\":false,\"pedantic\":false,\"echo\":false}"),
                                 &arena, &connect, NULL),
        OK);
    assert_false(connect.verbose || connect.pedantic || connect.echo);
    assert_int_equal(
        handshake_connect_decode(SLICE("{\"verbose\":null,\"user\":null}"), &arena, &connect, NULL),
        OK);
    assert_true(connect.verbose);
    assert_null(connect.user);
    arena_fini(&arena);
}

static void test_connect(void **state)
{
    struct handshake_connect connect;
    struct arena arena = {0};
    static const char *const refused[] = {
        "", "x", "{", "[]", "1", "{\"verbose\":1}", "{\"user\":1}", "{\"protocol\":\"1\"}", "{}{}",
    };

    assert_int_equal(
        handshake_connect_decode(
            SLICE(
                "{\"verbose\":false,\"lang\":\"c\",\"version\":\"3\",\"protocol\":1,\"name\":\"n\","
                "\"headers\":true,\"no_responders\":true,\"jwt\":\"j\",\"sig\":\"s\",\"nkey\":"
                "\"k\",\"user\":\"u\",\"pass\":\"p\",\"auth_token\":\"t\",\"unheard_of\":[1]} "),
            &arena, &connect, NULL),
        OK);
    assert_string_equal(connect.lang, "c");
    assert_string_equal(connect.name, "n");
    assert_string_equal(connect.jwt, "j");
    assert_string_equal(connect.sig, "s");
    assert_string_equal(connect.nkey, "k");
    assert_string_equal(connect.user, "u");
    assert_string_equal(connect.pass, "p");
    assert_string_equal(connect.auth_token, "t");
    assert_int_equal(connect.protocol, 1);
    assert_true(connect.headers && connect.no_responders);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (handshake_connect_decode(slice_of(refused[i]), &arena, &connect, NULL) == OK)
            fail_msg("%s", refused[i]);
    }
    arena_fini(&arena);
}

static void test_info(void **state)
{
    const char *urls[] = {"a:1", "b:2"};
    const struct handshake_info info = {
        .server_id = "NID",
        .server_name = "n",
        .version = "2.14.3",
        .proto = 1,
        .go = "c",
        .host = "0.0.0.0",
        .port = 4222,
        .headers = true,
        .max_payload = 1048576,
        .client_id = 5,
        .client_ip = "127.0.0.1",
        .nonce = "x",
        .connect_urls = {urls, 2},
        .auth_required = true,
    };
    struct handshake_info again;
    struct arena arena = {0};
    struct buf buf = {0};

    handshake_info_write(&buf, &info);
    assert_string_equal(
        buf_text(&buf),
        "INFO {\"server_id\":\"NID\",\"server_name\":\"n\",\"version\":\"2.14.3\",\"proto\":1,"
        "\"go\":\"c\",\"host\":\"0.0.0.0\",\"port\":4222,\"headers\":true,\"auth_required\":true,"
        "\"max_payload\":1048576,\"client_id\":5,\"client_ip\":\"127.0.0.1\",\"nonce\":\"x\","
        "\"connect_urls\":[\"a:1\",\"b:2\"]} \r\n");
    assert_int_equal(handshake_info_decode(slice_from(buf_slice(&buf), 5), &arena, &again, NULL),
                     OK);
    assert_int_equal(again.client_id, 5);
    assert_int_equal(again.connect_urls.count, 2);
    arena_fini(&arena);
    buf_fini(&buf);
}

static void test_signature_in_both_alphabets(void **state)
{
    uint8_t bytes[64], out[64];
    char text[128];

    memset(bytes, 0xfb, sizeof(bytes));
    base64url_encode(bytes, sizeof(bytes), text);
    assert_int_equal(handshake_signature(slice_of(text), out), OK);
    assert_memory_equal(bytes, out, sizeof(bytes));
    base64_encode(bytes, sizeof(bytes), text);
    assert_int_equal(handshake_signature(slice_of(text), out), OK);
    assert_memory_equal(bytes, out, sizeof(bytes));
    text[3] = '!';
    assert_int_equal(handshake_signature(slice_of(text), out), ERR_SYNTAX);
    assert_int_equal(handshake_signature(SLICE("AAAA"), out), ERR_SYNTAX);
    assert_int_equal(handshake_signature(SLICE(""), out), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_booleans_are_true),
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_signature_in_both_alphabets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
