#include "controlplane/app/bootstrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/mem.h"
#include "controlplane/domain/token.h"
#include "tests/lib/pg.h"

static char *conninfo;
static struct pool *pool;
static struct tools tools;
static _Atomic uint64_t last_id;
static char folder[] = "/tmp/berth-bootstrap.XXXXXX", file[64];

static int begin(void **state)
{
    static const unsigned char key[VAULT_KEY_LEN] = "a key of thirty-two bytes, no le";

    conninfo = pg_database_migrated();
    pool = pool_new(conninfo, 2);
    tools = (struct tools){vault_from_key(key, random_system()), clock_system(), random_system(),
                           &last_id};
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/token", folder);
    return 0;
}

static int end(void **state)
{
    unlink(file);
    rmdir(folder);
    pool_free(pool);
    vault_close(tools.vault);
    pg_drop(conninfo);
    return 0;
}

static void read_token(char out[TOKEN_TEXT_MAX])
{
    FILE *in = fopen(file, "re");

    assert_non_null(in);
    assert_non_null(fgets(out, TOKEN_TEXT_MAX, in));
    fclose(in);
    out[strcspn(out, "\n")] = '\0';
}

/* Who the token's holder is; fails if it is not valid. */
static enum result knock(const char *text, struct principal *who, struct arena *arena)
{
    struct refusal refusal = {.arena = arena};
    struct work work = {.arena = arena, .tools = &tools, .refusal = &refusal};
    enum result rc;

    assert_int_equal(pool_take(pool, 1000, &work.db), OK);
    rc = work_begin(&work);
    if (rc == OK)
        rc = work_end(&work, token_authenticate(&work, text, "127.0.0.1", who));
    pool_give(pool, work.db);
    return rc;
}

static void test_each_start_makes_one_and_ends_the_older(void **state)
{
    char first[TOKEN_TEXT_MAX], second[TOKEN_TEXT_MAX];
    struct arena arena = {0};
    struct buf message = {0};
    struct principal who;
    struct stat st;

    assert_int_equal(bootstrap_offer(pool, &tools, file, &message), OK);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    read_token(first);
    assert_int_equal(knock(first, &who, &arena), OK);
    assert_int_equal(who.role, ROLE_BOOTSTRAP);
    assert_int_equal(bootstrap_offer(pool, &tools, file, &message), OK);
    read_token(second);
    assert_string_not_equal(first, second);
    assert_int_not_equal(knock(first, &who, &arena), OK);
    assert_int_equal(knock(second, &who, &arena), OK);
    buf_fini(&message);
    arena_fini(&arena);
}

static void test_a_file_that_cannot_be_written(void **state)
{
    struct buf message = {0};

    assert_int_equal(bootstrap_offer(pool, &tools, "/nowhere/token", &message), ERR_IO);
    assert_non_null(strstr(buf_text(&message), "/nowhere/token"));
    assert_null(strstr(buf_text(&message), "berth_"));
    buf_fini(&message);
}

static void test_not_while_there_is_an_admin(void **state)
{
    char token[TOKEN_TEXT_MAX];
    struct arena arena = {0};
    struct refusal refusal = {.arena = &arena};
    struct principal who;
    struct token_settings settings = {.settings = {.name = "admin"}};
    struct token made;
    struct work work = {.arena = &arena, .tools = &tools, .who = &who, .refusal = &refusal};
    struct buf message = {0};

    assert_int_equal(bootstrap_offer(pool, &tools, file, &message), OK);
    read_token(token);
    assert_int_equal(knock(token, &who, &arena), OK);
    assert_int_equal(pool_take(pool, 1000, &work.db), OK);
    assert_int_equal(db_begin(work.db, NULL), OK);
    assert_int_equal(db_end(work.db, token_exchange(&work, &settings, &made)), OK);
    pool_give(pool, work.db);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(bootstrap_offer(pool, &tools, file, &message), OK);
    assert_int_equal(access(file, F_OK), -1);
    assert_int_not_equal(knock(token, &who, &arena), OK);
    buf_fini(&message);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_start_makes_one_and_ends_the_older),
        cmocka_unit_test(test_a_file_that_cannot_be_written),
        cmocka_unit_test(test_not_while_there_is_an_admin),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
