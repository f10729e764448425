#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dataplane/account/account_table.h"
#include "dataplane/auth/identity.h"
#include "tests/lib/on_worker.h"

struct question {
    struct account *account;
};

static void make_and_retire(struct worker *worker, void *arg)
{
    struct question *question = arg;
    char user[] = "UABC", tag[] = "team:blue";
    const char *tags[] = {tag, "b"};
    const struct permission_rules rules = {.publish_allow_set = true};
    struct identity from = {
        .account = account_ref(question->account),
        .user = user,
        .jwt = "token",
        .name_tag = "alice",
        .tags = {tags, 2},
        .subs_max = 3,
        .deadline_ns = 4,
    };
    struct identity *identity;

    assert_int_equal(permission_new(&rules, &from.permission), OK);
    identity = identity_new(&from);
    memset(user, 'x', 4);
    memset(tag, 'x', 9);
    assert_string_equal(identity->user, "UABC");
    assert_string_equal(identity->jwt, "token");
    assert_string_equal(identity->name_tag, "alice");
    assert_null(identity->issuer_key);
    assert_null(identity->label);
    assert_int_equal(identity->tags.count, 2);
    assert_string_equal(identity->tags.items[0], "team:blue");
    assert_string_equal(identity->tags.items[1], "b");
    assert_int_equal(identity->subs_max, 3);
    assert_false(permission_publish(identity->permission, SLICE("a")));
    identity_set_permission(identity, NULL, worker);
    assert_true(permission_publish(identity->permission, SLICE("a")));
    identity_retire(identity, worker);
    identity_retire(NULL, worker);
}

static void test_texts_are_copied(void **state)
{
    struct workers *workers = idle_workers(1, NULL);
    struct question question = {.account = account_new(workers, "A")};

    (void)state;
    on_worker(workers, 0, make_and_retire, &question);
    account_unref(question.account); /* the identity's reference is back */
    workers_stop(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
