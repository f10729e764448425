#include "controlplane/app/app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/mem.h"
#include "controlplane/db/db.h"
#include "tests/lib/control_plane.h"
#include "tests/lib/pg.h"

static void test_bootstrap_to_a_team(void **state)
{
    struct control_plane *control = control_plane_start(NULL);
    const char *admin = control_plane_admin(control);
    struct control_team team;
    char account[40];

    control_want(control, 200, admin, "GET", "/v1/whoami", NULL);
    assert_string_equal(control_text(control, "role"), "operator_admin");
    control_world(control, "[]");
    control_team_make(control, "payments", &team);
    control_account_make(control, &team, "orders", account);
    control_plane_restart(control);
    control_want(control, 200, team.token, "GET", "/v1/accounts", NULL);
    assert_string_equal(control_text(control, "items/0/id"), account);
    control_plane_stop(control);
}

static void test_two_on_one_database(void **state)
{
    struct control_plane *first = control_plane_start(NULL);
    struct control_plane *second = control_plane_second(first, NULL);
    struct control_team team;
    char account[40];

    control_world(first, "[]");
    control_team_make(second, "payments", &team);
    control_account_make(first, &team, "orders", account);
    control_want(second, 200, team.token, "GET", control_format(second, "/v1/accounts/%s", account),
                 NULL);
    control_plane_stop(second);
    control_want(first, 200, team.token, "GET", "/v1/accounts", NULL);
    control_plane_stop(first);
}

/* --- what is wrong is said ---------------------------------------------------------------- */

static char *conninfo;
static char folder[] = "/tmp/berth-app.XXXXXX", key_file[64], other_key[64], bootstrap[64];

static void write_key(const char *path, char fill, mode_t mode)
{
    char key[32];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);

    memset(key, fill, sizeof(key));
    assert_int_equal(write(fd, key, sizeof(key)), sizeof(key));
    close(fd);
}

static int make_folder(void **state)
{
    assert_non_null(mkdtemp(folder));
    snprintf(key_file, sizeof(key_file), "%s/key", folder);
    snprintf(other_key, sizeof(other_key), "%s/other", folder);
    snprintf(bootstrap, sizeof(bootstrap), "%s/bootstrap", folder);
    write_key(key_file, 'k', 0400);
    write_key(other_key, 'o', 0400);
    conninfo = pg_database();
    return 0;
}

static int remove_folder(void **state)
{
    unlink(key_file);
    unlink(other_key);
    unlink(bootstrap);
    rmdir(folder);
    pg_drop(conninfo);
    return 0;
}

static struct app_options options_here(void)
{
    return (struct app_options){
        .database = conninfo,
        .listen = "127.0.0.1:0",
        .master_key_file = key_file,
        .bootstrap_file = bootstrap,
        .log_level = LOG_FATAL,
        .http_threads = 2,
        .http_queue = 16,
        .http_connections = 16,
        .database_connections = 8,
        .read_per_minute = 1000,
        .write_per_minute = 1000,
        .expensive_per_minute = 1000,
    };
}

static void refuse(const struct app_options *options, enum result wanted, const char *said)
{
    struct buf message = {0};
    struct app *app = NULL;

    assert_int_equal(app_start(options, &app, &message), wanted);
    assert_null(app);
    if (strstr(buf_text(&message), said) == NULL)
        fail_msg("%s, not %s", buf_text(&message), said);
    buf_fini(&message);
}

static void test_no_key_no_start(void **state)
{
    struct app_options options = options_here();

    options.master_key_file = "/nowhere/key";
    refuse(&options, ERR_NOT_FOUND, "/nowhere/key cannot be read");
    options.master_key_file = key_file;
    assert_int_equal(chmod(key_file, 0644), 0);
    refuse(&options, ERR_DENIED, "mode 0400");
    assert_int_equal(chmod(key_file, 0400), 0);
}

static void test_no_database_no_start(void **state)
{
    struct app_options options = options_here();
    struct buf message = {0};

    options.database = "host=/nowhere dbname=x";
    refuse(&options, ERR_UNAVAILABLE, "the database cannot be reached");
    assert_int_equal(app_check(&options, &message), ERR_UNAVAILABLE);
    buf_clear(&message);
    options.database = conninfo;
    assert_int_equal(app_check(&options, &message), OK);
    buf_fini(&message);
}

static void test_the_port_is_named(void **state)
{
    struct app_options options = options_here();
    char listen[32];
    struct buf message = {0};
    struct app *app = NULL;
    struct stat before, after;

    assert_int_equal(app_start(&options, &app, &message), OK);
    assert_int_equal(stat(bootstrap, &before), 0);
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", (int)app_port(app));
    options.listen = listen;
    refuse(&options, ERR_IO, listen);
    /* The token of the one that serves is as it was. */
    assert_int_equal(stat(bootstrap, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    app_stop(app);
    options.listen = "nowhere";
    refuse(&options, ERR_IO, "\"nowhere\" is not an address");
    buf_fini(&message);
}

static void test_another_key_is_told(void **state)
{
    struct app_options options = options_here();

    options.master_key_file = other_key;
    refuse(&options, ERR_CORRUPT, "is not the one that this database was sealed with");
}

static void run_sql(const char *sql)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;

    assert_int_equal(db_open(conninfo, DB_PLAIN, &db, message), OK);
    if (db_script(db, sql) != OK)
        fail_msg("%s", db_error(db));
    db_close(db);
}

static void test_a_newer_schema_is_left_alone(void **state)
{
    struct app_options options = options_here();

    run_sql("INSERT INTO schema_version (version, name, digest) VALUES (999, '0999_later', 'x')");
    refuse(&options, ERR_UNSUPPORTED, "newer");
    run_sql("DELETE FROM schema_version WHERE version = 999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bootstrap_to_a_team),
        cmocka_unit_test(test_two_on_one_database),
        cmocka_unit_test(test_no_key_no_start),
        cmocka_unit_test(test_no_database_no_start),
        cmocka_unit_test(test_the_port_is_named),
        cmocka_unit_test(test_another_key_is_told),
        cmocka_unit_test(test_a_newer_schema_is_left_alone),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
