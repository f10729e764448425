#include "controlplane/db/migrate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/log.h"

/* sql/migrations, linked into the program; each file behind a line "-- migration: NNNN_name". */
extern const char _binary_migrations_sql_start[], _binary_migrations_sql_end[];

enum { DIGEST_LEN = 64, MIGRATIONS_MAX = 200 };

static const struct slice mark = {"-- migration: ", sizeof("-- migration: ") - 1};

struct migration {
    int64_t version;
    const char *name, *digest;
    struct slice text;
};
#define T struct migration
static const struct field migration_fields[] = {
    {"version", INT_AT(T, version)},
    {"name", STRING_AT(T, name)},
    {"digest", STRING_AT(T, digest)},
};
#undef T
static const struct shape migration_shape = SHAPE(struct migration, migration_fields);

static const char *digest_of(struct slice text, struct arena *arena)
{
    unsigned char hash[DIGEST_LEN / 2];
    char *hex = arena_alloc(arena, DIGEST_LEN + 1);

    CHECK(crypto_generichash(hash, sizeof(hash), (const unsigned char *)text.data, text.len, NULL,
                             0) == 0);
    sodium_bin2hex(hex, DIGEST_LEN + 1, hash, sizeof(hash));
    return hex;
}

/* Where the next migration begins, or the end. */
static size_t next_mark(struct slice text)
{
    size_t at = 0;

    while (at < text.len && !slice_starts(slice_from(text, at), mark)) {
        const char *end = memchr(text.data + at, '\n', text.len - at);

        at = end != NULL ? (size_t)(end - text.data) + 1 : text.len;
    }
    return at;
}

/* All there are, in the order of their names; count of them. */
static size_t list_all(struct arena *arena, struct migration *out)
{
    struct slice rest =
        slice_make(_binary_migrations_sql_start,
                   (size_t)(_binary_migrations_sql_end - _binary_migrations_sql_start));
    size_t count = 0;

    while (!slice_empty(rest)) {
        struct slice name, text;
        const char *end = memchr(rest.data, '\n', rest.len);

        CHECK(slice_starts(rest, mark) && end != NULL && count < MIGRATIONS_MAX);
        name = slice_make(rest.data + mark.len, (size_t)(end - rest.data) - mark.len);
        rest = slice_from(rest, (size_t)(end - rest.data) + 1);
        text = slice_make(rest.data, next_mark(rest));
        rest = slice_from(rest, text.len);
        out[count].name = arena_copy(arena, name);
        out[count].version = strtoll(out[count].name, NULL, 10);
        out[count].digest = digest_of(text, arena);
        out[count].text = text;
        CHECK(out[count].version == (int64_t)count + 1);
        count++;
    }
    return count;
}

int64_t migrate_version(void)
{
    struct arena arena = {0};
    struct migration *all = arena_alloc_array(&arena, MIGRATIONS_MAX, sizeof(*all));
    size_t count = list_all(&arena, all);

    arena_fini(&arena);
    return (int64_t)count;
}

enum result migrate_level(struct db *db, int64_t *out)
{
    return db_get_int(db, SQL_migrate_level, DB_NO_ARGS, out);
}

/* What has run must be what we have, from the beginning. */
static enum result compare(const struct db_rows *done, const struct migration *all, size_t count,
                           char message[DB_MESSAGE_MAX])
{
    const struct migration *ran = done->items;

    if (done->count > count) {
        snprintf(message, DB_MESSAGE_MAX,
                 "the database has schema version %zu, this program knows %zu: a newer "
                 "berth-control has been here",
                 done->count, count);
        return ERR_UNSUPPORTED;
    }
    for (size_t i = 0; i < done->count; i++) {
        if (strcmp(ran[i].name, all[i].name) != 0 || strcmp(ran[i].digest, all[i].digest) != 0) {
            snprintf(message, DB_MESSAGE_MAX,
                     "migration %s has run as something else in this database", all[i].name);
            return ERR_UNSUPPORTED;
        }
    }
    return OK;
}

static enum result run_one(struct db *db, const struct migration *migration, struct arena *arena)
{
    enum result rc = db_begin(db, NULL);

    if (rc != OK)
        return rc;
    rc = db_script(db, arena_copy(arena, migration->text));
    if (rc == OK)
        rc = db_exec(db, SQL_migrate_note,
                     DB_ARGS(db_integer(migration->version), db_text(migration->name),
                             db_text(migration->digest)));
    if (rc != OK)
        log_error(LOG_DB, "migration failed name=%s error=%s", migration->name, db_error(db));
    else
        log_info(LOG_DB, "migration done name=%s", migration->name);
    return db_end(db, rc);
}

static enum result run_all(struct db *db, struct arena *arena, char message[DB_MESSAGE_MAX])
{
    struct migration *all = arena_alloc_array(arena, MIGRATIONS_MAX, sizeof(*all));
    size_t count = list_all(arena, all);
    struct db_rows done;
    int64_t begun = 0;
    enum result rc;

    rc = db_exec(db, SQL_migrate_lock, DB_NO_ARGS);
    if (rc == OK)
        rc = db_get_int(db, SQL_migrate_begun, DB_NO_ARGS, &begun);
    if (rc == OK && begun == 0)
        rc = db_exec(db, SQL_migrate_table, DB_NO_ARGS);
    if (rc == OK)
        rc = db_all(db, SQL_migrate_done, DB_NO_ARGS, &migration_shape, arena, &done);
    if (rc == OK)
        rc = compare(&done, all, count, message);
    for (size_t i = rc == OK ? done.count : count; i < count && rc == OK; i++)
        rc = run_one(db, &all[i], arena);
    if (rc != OK && message[0] == '\0')
        snprintf(message, DB_MESSAGE_MAX, "%s", db_error(db));
    return rc;
}

enum result migrate_run(const char *conninfo, char message[DB_MESSAGE_MAX])
{
    struct arena arena = {0};
    struct db *db;
    enum result rc;

    message[0] = '\0';
    rc = db_open(conninfo, DB_PLAIN, &db, message);
    if (rc != OK)
        return rc;
    rc = run_all(db, &arena, message);
    db_close(db);
    arena_fini(&arena);
    return rc;
}
