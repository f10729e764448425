#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/base/check.h"
#include "api/nats/nkey.h"
#include "controlplane/cli/secret_file.h"
#include "tests/lib/cli_lines.h"

static void test_users_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"user create w --account orders --pub-allow jobs.> --sub-allow _INBOX.>",
         "POST /v1/accounts/id-orders/users "
         "{\"name\":\"w\",\"permissions\":{\"pub\":{\"allow\":[\"jobs.>\"]},\"sub\":{\"allow\":[\"_"
         "INBOX.>\"]}}}",
         0},
        {"user create w --account orders --role device --default-ttl 90d",
         "POST /v1/accounts/id-orders/users "
         "{\"name\":\"w\",\"role_id\":\"id-device\",\"default_ttl_s\":7776000}",
         0},
        {"user list --account orders", "GET /v1/accounts/id-orders/users?limit=500", 0,
         "SUBSCRIBE"},
        {"user create w --account orders --role device", NULL, 0, "active  device ", "POST",
         "201 {\"name\": \"w\", \"state\": \"active\", \"role_id\": \"rol_1\", "
         "\"role_name\": \"device\", \"id\": \"usr_1\"}"},
        {"user update w --account orders --disabled",
         "PATCH /v1/accounts/id-orders/users/id-w If-Match: \"7\" {\"disabled\":true}", 0},
        {"user delete w --account orders --yes",
         "DELETE /v1/accounts/id-orders/users/id-w If-Match: \"7\"", 0},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

static void test_credentials_are_kept_and_not_shown(void **state)
{
    char words[256], shows[256], path[128], old[128];
    const struct cli_line lines[] = {
        {words, NULL, 0, shows, "POST", "201 {\"id\": \"crd_1\", \"jwt\": \"eyJ0\"}"},
        {words, NULL, 6, NULL, "POST", "403 {\"title\": \"Forbidden\"}"},
    };
    struct buf text = {0};
    struct stat info;

    snprintf(path, sizeof(path), "%s/w.creds", cli_lines_folder());
    snprintf(words, sizeof(words), "creds issue w --account orders --out %s", path);
    snprintf(shows, sizeof(shows), "the credentials file is in %s\nID ", path);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        cli_lines_run(&lines[i], 1);
        buf_clear(&text);
        assert_int_equal(secret_file_read(path, &text), OK);
        assert_non_null(strstr(buf_text(&text), "-----BEGIN USER NKEY SEED-----\nSU"));
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        /* A refusal leaves what was there. */
        if (i > 0)
            assert_memory_equal(strstr(buf_text(&text), "\nSU"), old, NKEY_SEED_LEN);
        snprintf(old, sizeof(old), "%s", strstr(buf_text(&text), "\nSU"));
    }
    secret_buf_wipe(&text);
}

static void test_credentials_become_requests(void **state)
{
    static const struct cli_line lines[] = {
        {"creds issue w --account orders --public-key UKEY --ttl 1h --out -",
         "POST /v1/accounts/id-orders/users/id-w/credentials "
         "{\"public_key\":\"UKEY\",\"format\":\"jwt\",\"ttl_s\":3600}",
         0, "eyJ0", "POST", "201 {\"jwt\": \"eyJ0\"}"},
        {"creds issue w --account orders --out -", NULL, 0, "-----BEGIN USER NKEY SEED-----",
         "POST", "201 {\"jwt\": \"eyJ0\"}"},
        {"creds issue w --account orders --out -", NULL, 1, "holds no JWT", "POST", "201 {}"},
        {"creds issue w --account orders --ttl x", "", 2, "--ttl wants a time"},
        {"creds issue w --account orders --out - --nats-context c", "", 2, "in a file"},
        {"creds issue w --account orders --out /nonexistent/w.creds", "", 1,
         "/nonexistent/w.creds cannot be written: No such file or directory; nothing was done"},
        {"creds issue w --account orders --out /tmp", "", 1, "/tmp cannot be written: Is a dir"},
        {"creds issue w --account orders --out /dev/null", "", 1, "for stdout, give -"},
        {"token create t --out /nonexistent/t.token", "", 1, "nothing was done"},
        {"login --url http://127.0.0.1:1 --bootstrap b --out /nonexistent/t.token", "", 1,
         "nothing was done"},
        {"creds list --account orders", "GET /v1/accounts/id-orders/credentials?limit=500", 0,
         "LAST SEEN"},
        {"creds history w --account orders",
         "GET /v1/accounts/id-orders/users/id-w/credentials?limit=500", 0},
        {"creds revoke crd_01JD0000000000000000000000 --account orders --yes --reason lost",
         "POST /v1/accounts/id-orders/credentials/crd_01JD0000000000000000000000:revoke "
         "{\"reason\":\"lost\"}",
         0},
        {"creds context c", "", 2, "give --creds FILE"},
        {"creds context c --creds /nonexistent", NULL, 2, "is not there"},
    };

    cli_lines_run(lines, COUNT_OF(lines));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_become_requests),
        cmocka_unit_test(test_credentials_are_kept_and_not_shown),
        cmocka_unit_test(test_credentials_become_requests),
    };
    return cmocka_run_group_tests(tests, cli_lines_start, cli_lines_stop);
}
