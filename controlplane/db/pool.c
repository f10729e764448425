#include "controlplane/db/pool.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t given;
    char *conninfo;
    size_t size, in_use;
    struct db **idle; /* a stack: the one used last is warmest */
    size_t idle_count;
};

struct pool *pool_new(const char *conninfo, size_t size)
{
    struct pool *pool = mem_alloc(sizeof(*pool));
    pthread_condattr_t attr;

    CHECK(size > 0);
    CHECK(pthread_mutex_init(&pool->mutex, NULL) == 0);
    CHECK(pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&pool->given, &attr) == 0);
    pthread_condattr_destroy(&attr);
    pool->conninfo = mem_strdup(conninfo);
    pool->size = size;
    pool->idle = mem_alloc_array(size, sizeof(pool->idle[0]));
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    CHECK(pool->in_use == 0);
    while (pool->idle_count > 0)
        db_close(pool->idle[--pool->idle_count]);
    pthread_cond_destroy(&pool->given);
    pthread_mutex_destroy(&pool->mutex);
    mem_free(pool->idle);
    mem_free(pool->conninfo);
    mem_free(pool);
}

/* A place among the size that may be open; *out NULL: open a new one.  The mutex is not held. */
static enum result take_place(struct pool *pool, int wait_ms, struct db **out)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (wait_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    CHECK(pthread_mutex_lock(&pool->mutex) == 0);
    while (pool->in_use == pool->size && err == 0)
        err = pthread_cond_timedwait(&pool->given, &pool->mutex, &until);
    if (pool->in_use < pool->size) {
        pool->in_use++;
        *out = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
        err = 0;
    }
    CHECK(pthread_mutex_unlock(&pool->mutex) == 0);
    return err == 0 ? OK : ERR_TIMEOUT;
}

static void give_place(struct pool *pool, struct db *db)
{
    CHECK(pthread_mutex_lock(&pool->mutex) == 0);
    CHECK(pool->in_use > 0);
    pool->in_use--;
    if (db != NULL)
        pool->idle[pool->idle_count++] = db;
    CHECK(pthread_cond_signal(&pool->given) == 0);
    CHECK(pthread_mutex_unlock(&pool->mutex) == 0);
}

enum result pool_take(struct pool *pool, int wait_ms, struct db **out)
{
    char message[DB_MESSAGE_MAX];
    struct db *db;
    enum result rc = take_place(pool, wait_ms, &db);

    if (rc != OK)
        return rc;
    /* A server that was restarted is noticed here rather than in the middle of a request. */
    if (db != NULL && db_exec(db, SQL_db_ping, DB_NO_ARGS) != OK) {
        db_close(db);
        db = NULL;
    }
    if (db == NULL) {
        rc = db_open(pool->conninfo, DB_PREPARED, &db, message);
        if (rc != OK) {
            log_every(1000, LOG_ERROR, LOG_DB, "no connection to the database error=%s", message);
            give_place(pool, NULL);
            return ERR_UNAVAILABLE;
        }
    }
    *out = db;
    return OK;
}

void pool_give(struct pool *pool, struct db *db)
{
    CHECK(!db_in_transaction(db));
    if (!db_usable(db)) {
        db_close(db);
        db = NULL;
    }
    give_place(pool, db);
}

size_t pool_in_use(struct pool *pool)
{
    size_t count;

    CHECK(pthread_mutex_lock(&pool->mutex) == 0);
    count = pool->in_use;
    CHECK(pthread_mutex_unlock(&pool->mutex) == 0);
    return count;
}

const char *pool_conninfo(const struct pool *pool)
{
    return pool->conninfo;
}
