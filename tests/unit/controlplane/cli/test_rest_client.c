#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/base/check.h"
#include "controlplane/cli/rest_client.h"
#include "tests/lib/cli_lines.h"

static void test_what_a_status_means(void **state)
{
    static const struct {
        long status;
        enum result rc;
    } cases[] = {
        {200, OK},
        {204, OK},
        {400, ERR_INVALID},
        {401, ERR_UNAUTHENTICATED},
        {403, ERR_DENIED},
        {404, ERR_NOT_FOUND},
        {409, ERR_CONFLICT},
        {410, ERR_EXPIRED},
        {412, ERR_CONFLICT},
        {418, ERR_INVALID},
        {422, ERR_INVALID},
        {429, ERR_AGAIN},
        {500, ERR_UNAVAILABLE},
        {503, ERR_UNAVAILABLE},
        {504, ERR_TIMEOUT},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(rest_result(cases[i].status), cases[i].rc);
}

static void test_values_are_escaped(void **state)
{
    struct arena arena = {0};

    assert_string_equal(rest_escape(&arena, "a-b_c.d~9"), "a-b_c.d~9");
    assert_string_equal(rest_escape(&arena, "a/b c%\xc3\xa4*"), "a%2Fb%20c%25%C3%A4%2A");
    assert_string_equal(rest_escape(&arena, ""), "");
    arena_fini(&arena);
}

static void test_no_server_is_no_answer(void **state)
{
    struct context context = {"x", "http://127.0.0.1:1", NULL};
    struct rest_request request = {.method = "GET", .path = "/teams"};
    struct arena arena = {0};
    struct rest_client *client;
    struct rest_reply reply;

    assert_int_equal(rest_client_open(&context, &client), OK);
    assert_int_equal(rest_call(client, &request, &arena, &reply), ERR_UNAVAILABLE);
    assert_int_equal(reply.status, 0);
    assert_string_not_equal(rest_client_trouble(client), "");
    rest_client_close(client);
    arena_fini(&arena);
}

/* What is asked again is asked with the same idempotency key, so a POST is done once. */
static void test_who_is_told_to_come_back_does(void **state)
{
    static const struct cli_line lines[] = {
        {"team create a", "POST /v1/teams {\"name\":\"a\"}", 0, NULL, "POST",
         "503 {\"title\": \"Unavailable\"}", .times = 1},
        {"team update a --name b", NULL, 8, "Unavailable", "PATCH",
         "503 {\"title\": \"Unavailable\"}"},
    };

    cli_lines_run(&lines[0], 1);
    assert_string_equal(cli_lines_request(1), cli_lines_request(0));
    assert_null(cli_lines_request(2));
    cli_lines_run(&lines[1], 1); /* without a key only once */
    assert_non_null(cli_lines_request(2));
    assert_null(cli_lines_request(3));
}

static void test_pages_are_joined(void **state)
{
    static const struct cli_line lines[] = {
        {"team list -o name", "GET /v1/teams?limit=500&cursor=c%2F2", 0, "a\nonly\n",
         "GET /v1/teams?limit=500",
         "200 {\"items\": [{\"name\": \"a\"}], \"next_cursor\": \"c/2\"}", .times = 1},
    };

    cli_lines_run(lines, 1);
    assert_null(cli_lines_request(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_status_means),
        cmocka_unit_test(test_values_are_escaped),
        cmocka_unit_test(test_no_server_is_no_answer),
        cmocka_unit_test(test_who_is_told_to_come_back_does),
        cmocka_unit_test(test_pages_are_joined),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
