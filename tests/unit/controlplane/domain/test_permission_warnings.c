#include "controlplane/domain/permission_warnings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "api/base/check.h"
#include "controlplane/domain/account_life.h"
#include "controlplane/domain/nats_user.h"
#include "controlplane/domain/signing_key.h"
#include "tests/lib/scene.h"

static struct scene scene;

static int begin(void **state)
{
    scene_start(&scene);
    return 0;
}

static int end(void **state)
{
    scene_stop(&scene);
    return 0;
}

static void read_rules(const char *permissions, struct user_rules *out)
{
    char text[512];
    struct shape_error error;
    size_t len;

    snprintf(text, sizeof(text), "{'permissions':%s}", permissions);
    len = strlen(text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    if (shape_decode_text(&user_rules_template_shape, slice_of(text), SHAPE_STRICT, &scene.arena,
                          out, &error) != OK)
        fail_msg("%s: %s", text, error.message);
}

/* The reasons, blank between them. */
static const char *reasons_of(const json_t *list)
{
    const char *text = "";
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        text = arena_printf(&scene.arena, "%s%s%s", text, i > 0 ? " " : "",
                            json_string_value(json_object_get(item, "reason")));
        assert_string_equal(json_string_value(json_object_get(item, "status")), "false");
        assert_true(json_is_string(json_object_get(item, "type")) &&
                    json_is_string(json_object_get(item, "message")));
        assert_int_equal(json_string_length(json_object_get(item, "last_transition_at")),
                         strlen("2026-11-23T01:40:00.000Z"));
    }
    return text;
}

static void test_what_is_warned_of(void **state)
{
    static const struct {
        const char *permissions, *reasons;
    } cases[] = {
        {"{}", ""},
        {"{'pub':{'allow':['a.>']},'sub':{'allow':['b.>','_INBOX.>']}}", ""},
        {"{'pub':{'allow':['>']}}", "everything_allowed"},
        {"{'sub':{'allow':['> workers']}}", "everything_allowed"},
        {"{'pub':{'allow':['>'],'deny':['secret.>']},'sub':{'allow':['>']}}", "everything_allowed"},
        {"{'sub':{'allow':['orders.>']}}", "no_inbox"},
        {"{'pub':{'allow':['a']},'sub':{'allow':['orders.>']}}", "no_inbox"},
        {"{'pub':{'deny':['>']},'sub':{'allow':['orders.>']}}", ""},
        {"{'sub':{'allow':['orders.>']},'resp':{'max':1,'ttl_ns':0}}", ""},
        {"{'pub':{'allow':['a']},'sub':{'allow':['orders.>']},'resp':{'max':1,'ttl_ns':0}}",
         "no_inbox"},
        {"{'sub':{'allow':['_INBOX_mine.>']}}", ""},
        {"{'sub':{'allow':['*.a.*']}}", ""},
        {"{'sub':{'allow':['{{tag(inbox)}}.>']}}", ""},
        {"{'sub':{'allow':['x.{{name()}}.>']}}", "no_inbox"},
        {"{'sub':{'allow':['a'],'deny':['>']}}", ""},
        {"{'pub':{'allow':['$JS.API.CONSUMER.MSG.NEXT.s.c']}}", "no_ack_subject"},
        {"{'pub':{'allow':['$JS.API.CONSUMER.>','$JS.ACK.s.>']}}", ""},
        {"{'pub':{'allow':['$JS.API.CONSUMER.>','$JS.>']}}", ""},
        {"{'pub':{'allow':['$JS.API.STREAM.INFO.s']}}", ""},
        {"{'pub':{'allow':['$JS.API.CONSUMER.>']},'sub':{'allow':['a']}}",
         "no_inbox no_ack_subject"},
    };

    scene_as_admin(&scene);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct user_rules rules;
        const char *reasons;

        read_rules(cases[i].permissions, &rules);
        reasons = reasons_of(permission_warnings(&scene.work, &rules.permissions, NULL));
        if (strcmp(reasons, cases[i].reasons) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].permissions, reasons, cases[i].reasons);
    }
    assert_int_equal(scene_end(&scene, OK), OK);
}

static struct nats_user change_user(const struct nats_user *old, const char *permissions)
{
    struct account account = scene_account(&scene);
    struct nats_user_settings settings = {.settings = {.name = "warned"}};
    struct nats_user user;

    read_rules(permissions, &settings.rules);
    scene_as_tenant(&scene);
    assert_int_equal(
        scene_end(&scene, old == NULL
                              ? nats_user_create(&scene.work, &account, &settings, &user)
                              : nats_user_update(&scene.work, &account, old, &settings, &user)),
        OK);
    return user;
}

static const char *since(const struct nats_user *user, size_t i)
{
    return json_string_value(
        json_object_get(json_array_get(user->resource.conditions, i), "last_transition_at"));
}

/* As long as it stands its time stays; it goes with what it was about. */
static void test_a_user_carries_its_warnings(void **state)
{
    struct nats_user user, later;

    user = change_user(NULL, "{'pub':{'allow':['>']}}");
    assert_string_equal(reasons_of(user.resource.conditions), "everything_allowed");
    scene_sql(&scene, "UPDATE nats_user SET conditions = jsonb_set(conditions,"
                      " '{0,last_transition_at}', '\"2026-01-02T03:04:05.006Z\"')");
    scene_as_tenant(&scene);
    assert_int_equal(
        scene_end(&scene, nats_user_by_ref(&scene.work, scene.account_id, user.resource.id, &user)),
        OK);
    later = change_user(&user, "{'pub':{'allow':['>']},'sub':{'allow':['orders']}}");
    assert_string_equal(reasons_of(later.resource.conditions), "everything_allowed no_inbox");
    assert_string_equal(since(&later, 0), "2026-01-02T03:04:05.006Z");
    assert_string_not_equal(since(&later, 1), "2026-01-02T03:04:05.006Z");
    later = change_user(&later, "{'pub':{'allow':['orders']}}");
    assert_int_equal(json_array_size(later.resource.conditions), 0);
}

static void test_so_do_roles_and_accounts(void **state)
{
    struct account account = scene_account(&scene), changed;
    struct account_settings settings = account_settings_of(&account);
    struct scoped_role_settings role_settings = {.settings = {.name = "broad"}};
    struct scoped_role role, other;
    struct user_rules rules;

    read_rules("{'sub':{'allow':['>']}}", &rules);
    settings.default_permissions = role_settings.rules.permissions = rules.permissions;
    scene_as_tenant(&scene);
    assert_int_equal(scoped_role_create(&scene.work, &account, &role_settings, &role), OK);
    assert_string_equal(reasons_of(role.resource.conditions), "everything_allowed");
    read_rules("{'sub':{'allow':['a']}}", &role_settings.rules);
    assert_int_equal(scoped_role_update(&scene.work, &role, &role_settings, &other), OK);
    assert_string_equal(reasons_of(other.resource.conditions), "no_inbox");
    assert_int_equal(account_update(&scene.work, &account, &settings, &changed), OK);
    assert_string_equal(reasons_of(changed.resource.conditions), "everything_allowed");
    settings.settings.name = "another";
    assert_int_equal(account_create(&scene.work, &settings, &account), OK);
    assert_string_equal(reasons_of(account.resource.conditions), "everything_allowed");
    assert_int_equal(scene_end(&scene, OK), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_warned_of),
        cmocka_unit_test(test_a_user_carries_its_warnings),
        cmocka_unit_test(test_so_do_roles_and_accounts),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
