#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/account_life.h"
#include "tests/lib/scene.h"

static struct scene scene;

static int64_t touch(struct scene *from)
{
    int64_t revision = 0;
    struct account account;

    scene_as_tenant(from);
    assert_int_equal(account_lock(&from->work, from->account_id, 0, &account), OK);
    assert_int_equal(account_changed(&from->work, from->account_id, "test", &revision), OK);
    assert_int_equal(scene_end(from, OK), OK);
    return revision;
}

/* JWT-02: equal claims make no new revision and no push. */
static void test_equal_claims_make_no_revision(void **state)
{
    struct account before = scene_account(&scene);

    assert_int_equal(touch(&scene), before.revision);
    assert_int_equal(scene_account(&scene).iat, before.iat);
}

static void describe(struct scene *from, const char *text)
{
    struct account account, out;
    struct account_settings settings;

    scene_as_tenant(from);
    assert_int_equal(account_lock(&from->work, from->account_id, 0, &account), OK);
    settings = account_settings_of(&account);
    settings.settings.description = text;
    assert_int_equal(account_update(&from->work, &account, &settings, &out), OK);
    assert_int_equal(scene_end(from, OK), OK);
}

static void *write_many(void *arg)
{
    struct scene *from = arg;
    char text[32];

    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "%p %d", arg, i);
        describe(from, text);
    }
    return NULL;
}

/* API-32, JWT-01: writers of one account wait for one another; iat rises with each revision. */
static void test_iat_rises_strictly_under_two_writers(void **state)
{
    struct scene second;
    pthread_t thread;
    struct account before = scene_account(&scene), after;
    int64_t rows;

    scene_second(&second, &scene);
    assert_int_equal(pthread_create(&thread, NULL, write_many, &second), 0);
    write_many(&scene);
    pthread_join(thread, NULL);
    after = scene_account(&scene);
    assert_int_equal(after.revision, before.revision + 40);
    assert_true(after.iat >= before.iat + 40);
    scene_sql(&scene, "DO $$BEGIN IF EXISTS (SELECT FROM (SELECT iat, lag(iat) OVER"
                      " (PARTITION BY account_id ORDER BY revision) AS last"
                      " FROM account_revision) r WHERE iat <= last)"
                      " THEN RAISE 'iat does not rise'; END IF;"
                      " IF (SELECT count(*) FROM account_jwt j JOIN account a USING (account_id)"
                      " WHERE j.active AND NOT a.is_system) <> 1"
                      " THEN RAISE 'not one active'; END IF; END$$");
    scene_as_machine(&scene);
    assert_int_equal(
        db_get_int(scene.work.db, SQL_account_count, DB_ARGS(db_text(scene.team_id)), &rows), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    scene_stop(&second);
}

static void test_a_new_operator_key_signs_all_again(void **state)
{
    struct account before = scene_account(&scene), after;
    const char *last;
    int64_t count;

    scene_as_admin(&scene);
    assert_int_equal(account_resign(&scene.work, scene.system_id, NULL, 10, &last, &count), OK);
    assert_int_equal(scene_end(&scene, OK), OK);
    after = scene_account(&scene);
    assert_int_equal(count, 1);
    assert_int_equal(after.revision, before.revision + 1);
    assert_true(after.iat > before.iat);
    assert_string_equal(after.claims_hash, before.claims_hash);
}

static int set_up(void **state)
{
    scene_start(&scene);
    return 0;
}

static int tear_down(void **state)
{
    scene_stop(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_claims_make_no_revision),
        cmocka_unit_test(test_iat_rises_strictly_under_two_writers),
        cmocka_unit_test(test_a_new_operator_key_signs_all_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
