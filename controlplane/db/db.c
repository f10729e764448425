/*
 * A call binds its arguments to text in a small arena, runs the prepared statement, and turns
 * the rows into structs by their shape.  What PostgreSQL says about a failure becomes a result
 * by its SQLSTATE; its text is kept for the log and never shown to a caller: it can quote values.
 */
#include "controlplane/db/db.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "controlplane/db/row.h"

enum { ERROR_MAX = DB_MESSAGE_MAX, CONSTRAINT_MAX = 64, SERVER_VERSION_MIN = 150000 };

struct db {
    PGconn *conn;
    enum db_mode mode;
    bool in_transaction, tenant;
    unsigned service_depth; /* db_as_service calls that are open */
    char error[ERROR_MAX], constraint[CONSTRAINT_MAX];
};

/*
 * Failures.
 */

/* By the SQLSTATE, or its class: longest first. */
static const struct {
    const char *state;
    enum result result;
} states[] = {
    {"23505", ERR_EXISTS},   {"23P01", ERR_EXISTS},    {"23514", ERR_INVALID},
    {"23502", ERR_INVALID},  {"23503", ERR_STATE},     {"23001", ERR_STATE},
    {"42501", ERR_DENIED},   {"40", ERR_CONFLICT},     {"55P03", ERR_AGAIN},
    {"57014", ERR_TIMEOUT},  {"57P", ERR_UNAVAILABLE}, {"08", ERR_UNAVAILABLE},
    {"53", ERR_UNAVAILABLE}, {"22", ERR_INVALID},      {"25P03", ERR_UNAVAILABLE},
};

static enum result result_of_state(const char *state)
{
    for (size_t i = 0; state != NULL && i < COUNT_OF(states); i++) {
        if (strncmp(states[i].state, state, strlen(states[i].state)) == 0)
            return states[i].result;
    }
    return ERR_DATABASE;
}

/* The first line: what follows (DETAIL) quotes values. */
static void keep_text(char *out, size_t size, const char *text)
{
    size_t len = text != NULL ? strcspn(text, "\n") : 0;

    snprintf(out, size, "%.*s", (int)len, text != NULL ? text : "");
}

static enum result failed(struct db *db, const PGresult *result)
{
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

    keep_text(db->error, sizeof(db->error),
              result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(db->conn));
    keep_text(db->constraint, sizeof(db->constraint),
              result != NULL ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL);
    /* Without a SQLSTATE it is libpq that speaks: the server is gone. */
    if (PQstatus(db->conn) == CONNECTION_BAD || state == NULL)
        return ERR_UNAVAILABLE;
    return result_of_state(state);
}

static bool went_well(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/*
 * Arguments.
 */

struct bound {
    const char *values[DB_ARGS_MAX];
    int count;
    struct arena arena;
};

static const char *bind_strings(const struct strings *strings, struct arena *arena)
{
    struct buf buf = {0};
    const char *text;

    buf_add_char(&buf, '{');
    for (size_t i = 0; i < strings->count; i++) {
        buf_add_text(&buf, i > 0 ? ",\"" : "\"");
        for (const char *p = strings->items[i]; *p != '\0'; p++) {
            if (*p == '"' || *p == '\\')
                buf_add_char(&buf, '\\');
            buf_add_char(&buf, *p);
        }
        buf_add_char(&buf, '"');
    }
    buf_add_char(&buf, '}');
    text = arena_copy(arena, buf_slice(&buf));
    buf_fini(&buf);
    return text;
}

static const char *bind_json(const json_t *json, struct arena *arena)
{
    char *text = shape_dump(json);
    const char *copy = arena_strdup(arena, text);

    mem_free(text);
    return copy;
}

static const char *bind_value(const struct db_value *value, struct arena *arena)
{
    char time[CLOCK_TEXT_MAX];

    switch (value->kind) {
    case DB_TEXT:
        return value->text;
    case DB_INT:
        return arena_printf(arena, "%" PRId64, value->integer);
    case DB_BOOL:
        return value->boolean ? "t" : "f";
    case DB_TIME:
        clock_format(value->integer, 6, time);
        return arena_strdup(arena, time);
    case DB_STRINGS:
        return bind_strings(value->strings, arena);
    case DB_JSON:
        return bind_json(value->json, arena);
    default:
        return NULL;
    }
}

static void bind(struct bound *bound, struct db_args args)
{
    CHECK(args.count <= DB_ARGS_MAX);
    arena_init(&bound->arena);
    bound->count = (int)args.count;
    for (size_t i = 0; i < args.count; i++)
        bound->values[i] = bind_value(&args.values[i], &bound->arena);
}

static enum result run(struct db *db, enum statement statement, struct db_args args, PGresult **out)
{
    struct bound bound;
    PGresult *result;
    enum result rc = OK;

    bind(&bound, args);
    /* A plan that serves every choice of filters serves none: a list gets one for those it has. */
    if (db->mode == DB_PREPARED && !statement_is_list(statement)) {
        result = PQexecPrepared(db->conn, statement_name(statement), bound.count, bound.values,
                                NULL, NULL, 0);
    } else {
        const char *text = arena_copy(&bound.arena, statement_text(statement));

        result = PQexecParams(db->conn, text, bound.count, NULL, bound.values, NULL, NULL, 0);
    }
    arena_fini(&bound.arena);
    if (!went_well(result)) {
        rc = failed(db, result);
        log_debug(LOG_DB, "statement failed name=%s result=%s error=%s", statement_name(statement),
                  result_name(rc), db->error);
        if (rc == ERR_DATABASE || rc == ERR_DENIED)
            log_error(LOG_DB, "statement failed name=%s error=%s", statement_name(statement),
                      db->error);
        PQclear(result);
        return rc;
    }
    *out = result;
    return OK;
}

/*
 * Connections.
 */

static void on_notice(void *arg, const PGresult *result)
{
    char text[ERROR_MAX];

    keep_text(text, sizeof(text), PQresultErrorMessage(result));
    log_debug(LOG_DB, "notice text=%s", text);
}

/* All in one go: a round trip for each would take longer than the rest of the start. */
static enum result prepare_all(struct db *db)
{
    struct slice rest = {0}, name, text;
    struct arena arena = {0};
    enum result rc = OK;
    PGresult *result;

    CHECK(PQenterPipelineMode(db->conn) == 1);
    while (statement_next(&rest, &name, &text)) {
        if (PQsendPrepare(db->conn, arena_copy(&arena, name), arena_copy(&arena, text), 0, NULL) !=
            1)
            rc = failed(db, NULL);
    }
    if (rc == OK && PQpipelineSync(db->conn) != 1)
        rc = failed(db, NULL);
    for (int i = 0; rc == OK && i < STATEMENTS; i++) {
        result = PQgetResult(db->conn);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            rc = failed(db, result);
            log_error(LOG_DB, "a statement cannot be prepared name=%s error=%s",
                      statement_name((enum statement)i), db->error);
        }
        PQclear(result);
        PQclear(PQgetResult(db->conn)); /* the NULL between two */
    }
    arena_fini(&arena);
    if (rc != OK)
        return rc;
    PQclear(PQgetResult(db->conn)); /* the sync */
    return PQexitPipelineMode(db->conn) == 1 ? OK : failed(db, NULL);
}

static enum result set_up(struct db *db)
{
    enum result rc;

    if (PQserverVersion(db->conn) < SERVER_VERSION_MIN) {
        snprintf(db->error, sizeof(db->error), "PostgreSQL 15 or later is needed, this is %d",
                 PQserverVersion(db->conn) / 10000);
        return ERR_UNSUPPORTED;
    }
    if (db->mode == DB_PLAIN)
        return OK;
    rc = prepare_all(db);
    if (rc != OK)
        return rc;
    return db_exec(db, SQL_db_session, DB_NO_ARGS);
}

enum result db_open(const char *conninfo, enum db_mode mode, struct db **out,
                    char message[DB_MESSAGE_MAX])
{
    /* What stands in front of conninfo gives way to it.  A machine that vanished is given up soon
     * after the 20 s that a statement may take; the system would wait for hours. */
    static const char *const names[] = {"keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "dbname",
                                        "application_name",
                                        "client_encoding",
                                        "connect_timeout",
                                        NULL};
    const char *values[] = {"10", "5", "4", "30000", conninfo, "berth-control", "UTF8", "5", NULL};
    struct db *db = mem_alloc(sizeof(*db));
    enum result rc;

    db->mode = mode;
    db->conn = PQconnectdbParams(names, values, 1);
    CHECK(db->conn != NULL);
    if (PQstatus(db->conn) != CONNECTION_OK) {
        (void)failed(db, NULL);
        rc = ERR_UNAVAILABLE;
    } else {
        PQsetNoticeReceiver(db->conn, on_notice, NULL);
        rc = set_up(db);
    }
    if (rc != OK) {
        snprintf(message, DB_MESSAGE_MAX, "%s", db->error);
        db_close(db);
        return rc;
    }
    *out = db;
    return OK;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    PQfinish(db->conn);
    mem_free(db);
}

bool db_usable(const struct db *db)
{
    return PQstatus(db->conn) == CONNECTION_OK && PQtransactionStatus(db->conn) == PQTRANS_IDLE;
}

const char *db_error(const struct db *db)
{
    return db->error;
}

const char *db_constraint(const struct db *db)
{
    return db->constraint;
}

/*
 * Transactions.
 */

enum result db_script(struct db *db, const char *sql)
{
    PGresult *result = PQexec(db->conn, sql);
    enum result rc = went_well(result) ? OK : failed(db, result);

    PQclear(result);
    return rc;
}

enum result db_begin(struct db *db, const char *team)
{
    enum result rc;

    CHECK(!db->in_transaction);
    rc = db_script(db, "BEGIN");
    if (rc != OK)
        return rc;
    db->in_transaction = true;
    db->tenant = team != NULL;
    db->service_depth = 0;
    if (team == NULL)
        return OK;
    rc = db_exec(db, SQL_db_tenant, DB_ARGS(db_text(team)));
    return rc == OK ? OK : db_end(db, rc);
}

enum result db_end(struct db *db, enum result rc)
{
    PGresult *result;

    CHECK(db->in_transaction);
    db->in_transaction = false;
    result = PQexec(db->conn, rc == OK ? "COMMIT" : "ROLLBACK");
    if (!went_well(result)) {
        enum result failure = failed(db, result);

        rc = rc == OK ? failure : rc;
    } else if (rc == OK && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        rc = ERR_DATABASE; /* a statement had failed before, and somebody went on */
    }
    PQclear(result);
    return rc;
}

bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

enum result db_as_service(struct db *db)
{
    if (!db->tenant || !db->in_transaction || db->service_depth++ > 0)
        return OK;
    return db_exec(db, SQL_db_role, DB_ARGS(db_text("berth_service")));
}

enum result db_as_tenant(struct db *db)
{
    if (!db->tenant || !db->in_transaction)
        return OK;
    CHECK(db->service_depth > 0);
    if (--db->service_depth > 0)
        return OK;
    return db_exec(db, SQL_db_role, DB_ARGS(db_text("berth_tenant")));
}

/*
 * Statements.
 */

enum result db_exec(struct db *db, enum statement statement, struct db_args args)
{
    PGresult *result;
    enum result rc = run(db, statement, args, &result);

    if (rc == OK)
        PQclear(result);
    return rc;
}

enum result db_change(struct db *db, enum statement statement, struct db_args args)
{
    PGresult *result;
    enum result rc = run(db, statement, args, &result);

    if (rc != OK)
        return rc;
    if (strcmp(PQcmdTuples(result), "0") == 0)
        rc = ERR_NOT_FOUND;
    PQclear(result);
    return rc;
}

static enum result decode(struct db *db, enum statement statement, const PGresult *result, int row,
                          const struct shape *shape, struct arena *arena, void *out)
{
    enum result rc = row_decode(shape, result, row, arena, out);

    if (rc != OK) {
        snprintf(db->error, sizeof(db->error), "a row of %s does not fit its struct",
                 statement_name(statement));
        log_error(LOG_DB, "a row does not fit its struct name=%s", statement_name(statement));
    }
    return rc;
}

enum result db_one(struct db *db, enum statement statement, struct db_args args,
                   const struct shape *shape, struct arena *arena, void *out)
{
    PGresult *result;
    enum result rc = run(db, statement, args, &result);

    if (rc != OK)
        return rc;
    rc =
        PQntuples(result) > 0 ? decode(db, statement, result, 0, shape, arena, out) : ERR_NOT_FOUND;
    PQclear(result);
    return rc;
}

enum result db_all(struct db *db, enum statement statement, struct db_args args,
                   const struct shape *shape, struct arena *arena, struct db_rows *out)
{
    struct db_rows rows = {0};
    PGresult *result;
    enum result rc = run(db, statement, args, &result);

    if (rc != OK)
        return rc;
    rows.count = (size_t)PQntuples(result);
    rows.items = rows.count > 0 ? arena_alloc_array(arena, rows.count, shape->size) : NULL;
    for (size_t i = 0; rc == OK && i < rows.count; i++)
        rc = decode(db, statement, result, (int)i, shape, arena,
                    (char *)rows.items + i * shape->size);
    PQclear(result);
    if (rc == OK)
        *out = rows;
    return rc;
}

enum result db_get_text(struct db *db, enum statement statement, struct db_args args,
                        struct arena *arena, const char **out)
{
    PGresult *result;
    enum result rc = run(db, statement, args, &result);

    if (rc != OK)
        return rc;
    if (PQntuples(result) == 0)
        rc = ERR_NOT_FOUND;
    else
        *out = PQgetisnull(result, 0, 0) ? NULL : arena_strdup(arena, PQgetvalue(result, 0, 0));
    PQclear(result);
    return rc;
}

enum result db_get_int(struct db *db, enum statement statement, struct db_args args, int64_t *out)
{
    struct arena arena = {0};
    const char *text = NULL;
    enum result rc = db_get_text(db, statement, args, &arena, &text);

    if (rc == OK && (text == NULL || sscanf(text, "%" SCNd64, out) != 1))
        rc = text == NULL ? ERR_NOT_FOUND : ERR_CORRUPT;
    arena_fini(&arena);
    return rc;
}

enum result db_wait(struct db *db, int timeout_ms, int wake_fd)
{
    struct pollfd fds[2] = {{PQsocket(db->conn), POLLIN, 0}, {wake_fd, POLLIN, 0}};
    PGnotify *news = PQnotifies(db->conn);
    bool any = news != NULL;
    int n;

    if (!any) {
        n = poll(fds, wake_fd >= 0 ? 2 : 1, timeout_ms);
        if (n == 0 || (n < 0 && errno == EINTR))
            return ERR_TIMEOUT;
        if (n < 0)
            return ERR_IO;
        if (fds[0].revents != 0 && PQconsumeInput(db->conn) != 1)
            return failed(db, NULL);
        news = PQnotifies(db->conn);
        any = news != NULL;
    }
    for (; news != NULL; news = PQnotifies(db->conn))
        PQfreemem(news);
    if (any)
        return OK;
    return wake_fd >= 0 && fds[1].revents != 0 ? ERR_AGAIN : ERR_TIMEOUT;
}
