#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controlplane/domain/metrics.h"
#include "tests/lib/world.h"

static void assert_has(const struct buf *out, const char *line)
{
    if (strstr(buf_text(out), line) == NULL)
        fail_msg("no '%s' in:\n%s", line, buf_text(out));
}

/* Each figure has its lines together, behind one head, and none is there twice. */
static void assert_well_formed(const struct buf *out)
{
    char *text = strdup(buf_text(out)), *rest = text, *line;
    const char *lines[200];
    size_t count = 0, name_len = 0;
    const char *name = "";

    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        if (strncmp(line, "# HELP ", 7) == 0) {
            name = line + 7;
            name_len = strcspn(name, " ");
            assert_true(strlen(name) > name_len + 8);
            for (size_t i = 0; i < count; i++)
                assert_false(strncmp(lines[i], name, name_len) == 0 &&
                             strchr(" {", lines[i][name_len]) != NULL);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_memory_equal(line + 7, name, name_len + 1);
        } else {
            assert_memory_equal(line, name, name_len);
            for (size_t i = 0; i < count; i++)
                assert_false(strncmp(lines[i], line, (size_t)(strrchr(line, ' ') - line)) == 0 &&
                             lines[i][strrchr(line, ' ') - line] == ' ');
            assert_true(count < sizeof(lines) / sizeof(lines[0]));
            lines[count++] = line;
        }
    }
    assert_true(count > 0);
    free(text);
}

static void test_of_the_service(void **state)
{
    static const char *const lines[] = {
        "# TYPE cp_outbox_depth gauge\ncp_outbox_depth 0\n",
        "# TYPE cp_usage_gap_seconds_total counter\ncp_usage_gap_seconds_total 0\n",
        "cp_accounts_by_state{state=\"active\"} 2\n",
        "cp_accounts_by_state{state=\"suspended\"} 1\n",
        "cp_accounts{sync_state=\"",
        "cp_node_up{node=\"a\\\"b\\\\c\",system=\"s\"} 1\n",
        "cp_credentials_expiring{days=\"7\"} 0\n",
    };
    struct world *world = *state;
    struct buf out = {0};

    world_sql(world, "UPDATE account SET state = 'suspended' WHERE account_id = 'acc_2';"
                     "UPDATE node SET name = 'a\"b\\c'");
    world_ok(world->work, metrics_of_service(world->work, &out));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_has(&out, lines[i]);
    assert_well_formed(&out);
    buf_fini(&out);
}

/* Their nodes are told apart by the system. */
static void test_systems_with_nodes_of_one_name(void **state)
{
    struct world *world = *state;
    struct buf out = {0};

    world_sql(world, "INSERT INTO system (system_id, name, operator_id, urls, state) VALUES"
                     " ('sys_2', 'other', 'opr_1', '{nats://127.0.0.1:4223}', 'ready');"
                     "UPDATE node SET name = 'n1';"
                     "INSERT INTO node (node_id, name, system_id, server_id, state) VALUES"
                     " ('nod_2', 'n1', 'sys_2', '', 'lost')");
    world_ok(world->work, metrics_of_service(world->work, &out));
    assert_has(&out, "cp_node_up{node=\"n1\",system=\"s\"} 1\n");
    assert_has(&out, "cp_node_up{node=\"n1\",system=\"other\"} 0\n");
    assert_well_formed(&out);
    buf_fini(&out);
}

static void use(struct world *world, const char *server, const char *account, int msgs,
                const char *closed)
{
    world_sql(world,
              "INSERT INTO usage_epoch (system_id, node_id, server_id, account_id, started_at,"
              " sampled_at, msgs_in, connections, closed_at)"
              " SELECT system_id, node_id, '%s', '%s', now(), now(), %d, 1, %s FROM node",
              server, account, msgs, closed);
}

static void test_of_accounts(void **state)
{
    struct world *world = *state;
    struct buf out = {0};

    use(world, "N1", "acc_1", 900, "now()"); /* a start that is over */
    use(world, "N2", "acc_1", 500, "NULL");  /* one whose end was not seen yet */
    use(world, "N3", "acc_1", 7, "NULL");
    use(world, "N3", "acc_2", 5, "NULL");
    use(world, "N3", "acc_3", 6, "NULL");
    world_ok(world->work, metrics_of_accounts(world->work, 2, &out));
    assert_well_formed(&out);
    assert_has(&out, "cp_account_messages_in_total{account=\"");
    assert_has(&out, "\",account_id=\"acc_1\",team=\"");
    assert_has(&out, "system=\"s\"} 7\n");
    assert_has(&out, "system=\"s\"} 6\n");
    assert_null(strstr(buf_text(&out), "acc_2"));
    assert_has(&out, "cp_account_series_left_out 1\n");
    buf_fini(&out);
}

/* Whose epochs are open still, but of whom nothing will be said. */
static void test_not_of_nodes_that_are_gone_and_accounts_that_are_deleted(void **state)
{
    static const char *const gone[] = {"UPDATE node SET state = 'retired'",
                                       "UPDATE node SET state = 'lost'"};
    struct world *world = *state;
    struct buf out = {0};

    use(world, "N1", "acc_1", 9, "NULL");
    use(world, "N1", "acc_2", 5, "NULL");
    world_sql(world, "UPDATE account SET state = 'deleted' WHERE account_id = 'acc_1'");
    world_ok(world->work, metrics_of_accounts(world->work, 1, &out));
    assert_has(&out, "account_id=\"acc_2\"");
    assert_null(strstr(buf_text(&out), "acc_1"));
    assert_has(&out, "cp_account_series_left_out 0\n");
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
        world_sql(world, "%s", gone[i]);
        buf_clear(&out);
        world_ok(world->work, metrics_of_accounts(world->work, 1, &out));
        assert_null(strstr(buf_text(&out), "{"));
    }
    buf_fini(&out);
}

static void test_of_accounts_without_any(void **state)
{
    struct world *world = *state;
    struct buf out = {0};

    world_ok(world->work, metrics_of_accounts(world->work, 2, &out));
    assert_has(&out, "cp_account_series_left_out 0\n");
    assert_null(strstr(buf_text(&out), "{"));
    buf_fini(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of_the_service),
        TEST(test_systems_with_nodes_of_one_name),
        TEST(test_of_accounts),
        TEST(test_not_of_nodes_that_are_gone_and_accounts_that_are_deleted),
        TEST(test_of_accounts_without_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
