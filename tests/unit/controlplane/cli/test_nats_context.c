#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "controlplane/cli/context.h"
#include "controlplane/cli/nats_context.h"
#include "controlplane/cli/secret_file.h"

static char folder[] = "/tmp/berth-nats.XXXXXX";
static struct arena arena;

static void holds(const char *path, const char *expected)
{
    struct buf text = {0};

    assert_int_equal(secret_file_read(path, &text), OK);
    assert_string_equal(buf_text(&text), expected);
    secret_buf_wipe(&text);
}

static void test_a_context_is_a_file_of_the_tool(void **state)
{
    struct nats_context context = {"orders", "Berth", "nats://h:4222", "/etc/o.creds"};
    const char *path;

    assert_int_equal(nats_context_write(&arena, &context, &path), OK);
    assert_string_equal(path, arena_printf(&arena, "%s/nats/context/orders.json", folder));
    holds(path, "{\"description\":\"Berth\",\"url\":\"nats://h:4222\",\"creds\":\"/etc/o.creds\"}");
    assert_int_equal(nats_context_select(&arena, "orders"), OK);
    holds(arena_printf(&arena, "%s/nats/context.txt", folder), "orders");
}

static void test_names_that_are_no_file_names(void **state)
{
    static const char *const names[] = {"", ".", "..", ".hidden", "a/b", "/"};
    const char *path;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct nats_context context = {names[i], "", "nats://h", "/c"};

        assert_int_equal(nats_context_write(&arena, &context, &path), ERR_INVALID);
    }
}

static int set_up(void **state)
{
    arena_init(&arena);
    return mkdtemp(folder) != NULL ? setenv("XDG_CONFIG_HOME", folder, 1) : -1;
}

static int tear_down(void **state)
{
    static const char *const made[] = {"nats/context/orders.json", "nats/context",
                                       "nats/context.txt", "nats", ""};

    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        if (remove(arena_printf(&arena, "%s/%s", folder, made[i])) != 0)
            return -1;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_context_is_a_file_of_the_tool),
        cmocka_unit_test(test_names_that_are_no_file_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
