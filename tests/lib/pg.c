#include "tests/lib/pg.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "controlplane/db/migrate.h"

enum { FOLDER_MAX = 64, TEXT_MAX = 512, SCRIPT_MAX = 2048 };

/* Of the private server; empty when there is none. */
static char folder[FOLDER_MAX];
static pid_t owner;
static atomic_uint made;

static int shell(const char *script)
{
    int status = system(script);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stop_server(void)
{
    char script[SCRIPT_MAX];

    if (folder[0] == '\0' || getpid() != owner)
        return;
    snprintf(script, sizeof(script),
             "cd '%s' && kill -QUIT \"$(head -1 data/postmaster.pid)\" 2>/dev/null; rm -rf '%s'",
             folder, folder);
    (void)shell(script);
}

/* PostgreSQL refuses to run as root: then as the user postgres, from a folder that he may enter. */
static void start_server(void)
{
    const char *as =
        geteuid() == 0 ? "setpriv --reuid postgres --regid postgres --init-groups" : "";
    char script[SCRIPT_MAX];

    snprintf(folder, sizeof(folder), "/tmp/berth-unit-pg.XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    owner = getpid();
    snprintf(script, sizeof(script),
             "set -e; cd '%s'; [ \"$(id -u)\" != 0 ] || chown postgres .\n"
             "for bin in /usr/lib/postgresql/*/bin; do :; done\n"
             "%s $bin/initdb -D data -U berth -A trust -E UTF8 --locale=C --no-sync >log 2>&1\n"
             "%s $bin/pg_ctl -D data -l '%s/data/log' -w -o \"-c listen_addresses='' "
             "-c unix_socket_directories='%s' -c fsync=off\" start >>log 2>&1",
             folder, as, as, folder, folder);
    if (shell(script) != 0) {
        fprintf(stderr, "the test database server did not start: see %s/log\n", folder);
        abort();
    }
    CHECK(atexit(stop_server) == 0);
}

static const char *server(char *buffer, size_t size)
{
    const char *env = getenv("BERTH_TEST_PG");

    if (env != NULL && env[0] != '\0')
        return env;
    if (folder[0] == '\0')
        start_server();
    snprintf(buffer, size, "host=%s user=berth dbname=postgres", folder);
    return buffer;
}

static void command(const char *sql)
{
    char buffer[TEXT_MAX];
    PGconn *conn = PQconnectdb(server(buffer, sizeof(buffer)));
    PGresult *result;

    if (PQstatus(conn) != CONNECTION_OK)
        fprintf(stderr, "%s", PQerrorMessage(conn));
    CHECK(PQstatus(conn) == CONNECTION_OK);
    result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fprintf(stderr, "%s", PQresultErrorMessage(result));
    CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);
}

char *pg_database(void)
{
    char buffer[TEXT_MAX], sql[TEXT_MAX], conninfo[2 * TEXT_MAX];
    unsigned number = atomic_fetch_add(&made, 1);

    snprintf(sql, sizeof(sql), "CREATE DATABASE t_%ld_%u", (long)getpid(), number);
    command(sql);
    snprintf(conninfo, sizeof(conninfo), "%s dbname=t_%ld_%u", server(buffer, sizeof(buffer)),
             (long)getpid(), number);
    return mem_strdup(conninfo);
}

char *pg_database_migrated(void)
{
    char message[DB_MESSAGE_MAX], *conninfo = pg_database();

    if (migrate_run(conninfo, message) != OK) {
        fprintf(stderr, "%s\n", message);
        abort();
    }
    return conninfo;
}

void pg_drop(char *conninfo)
{
    char sql[TEXT_MAX];
    const char *name = strstr(conninfo, "dbname=t_");

    CHECK(name != NULL);
    snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", name + strlen("dbname="));
    command(sql);
    mem_free(conninfo);
}
