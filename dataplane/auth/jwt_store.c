#include "dataplane/auth/jwt_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/map.h"
#include "api/base/mem.h"
#include "api/nats/limits.h"
#include "api/nats/nkey.h"

#define SUFFIX ".jwt"
#define NEW_SUFFIX ".jwt.new"

_Static_assert(JWT_STORE_HASH_LEN == crypto_hash_sha256_BYTES, "SHA-256");

struct entry {
    struct map_link link;
    char key[NKEY_PUBLIC_MAX];
    bool hashed;
    uint8_t hash[JWT_STORE_HASH_LEN];
    char *jwt; /* memory only */
    size_t jwt_len;
};

struct jwt_store {
    char *dir; /* NULL: in memory */
    int dir_fd;
    size_t limit;
    pthread_mutex_t mutex; /* over what follows; never held during I/O */
    struct map entries;
    bool hash_known;
    uint8_t hash[JWT_STORE_HASH_LEN];
};

static void mix(uint8_t sum[JWT_STORE_HASH_LEN], const uint8_t hash[JWT_STORE_HASH_LEN])
{
    for (size_t i = 0; i < JWT_STORE_HASH_LEN; i++)
        sum[i] ^= hash[i];
}

static void lock(struct jwt_store *store)
{
    CHECK(pthread_mutex_lock(&store->mutex) == 0);
}

static void unlock(struct jwt_store *store)
{
    CHECK(pthread_mutex_unlock(&store->mutex) == 0);
}

static struct entry *find(struct jwt_store *store, struct slice key)
{
    struct map_link *link = map_find(&store->entries, key);

    return link != NULL ? map_entry(link, struct entry, link) : NULL;
}

static struct entry *add(struct jwt_store *store, struct slice key)
{
    struct entry *entry = mem_alloc(sizeof(*entry));

    CHECK(key.len < sizeof(entry->key));
    memcpy(entry->key, key.data, key.len);
    CHECK(map_insert(&store->entries, &entry->link, slice_of(entry->key)));
    return entry;
}

static void entry_free(struct entry *entry)
{
    mem_free(entry->jwt);
    mem_free(entry);
}

/* --- files --------------------------------------------------------------------------------- */

static enum result write_all(int fd, struct slice data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.data, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        data = slice_from(data, (size_t)n);
    }
    return OK;
}

static enum result write_file(struct jwt_store *store, const char *key, struct slice jwt)
{
    char name[NAME_MAX], new_name[NAME_MAX];
    enum result rc;
    int fd, saved;

    snprintf(name, sizeof(name), "%s" SUFFIX, key);
    snprintf(new_name, sizeof(new_name), "%s" NEW_SUFFIX, key);
    fd = openat(store->dir_fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_IO;
    rc = write_all(fd, jwt);
    if (rc == OK && fsync(fd) != 0)
        rc = ERR_IO;
    saved = errno;
    if (close(fd) != 0 && rc == OK) {
        rc = ERR_IO;
        saved = errno;
    }
    if (rc == OK && renameat(store->dir_fd, new_name, store->dir_fd, name) != 0) {
        rc = ERR_IO;
        saved = errno;
    }
    if (rc != OK) {
        unlinkat(store->dir_fd, new_name, 0);
        errno = saved;
        return rc;
    }
    return fsync(store->dir_fd) == 0 ? OK : ERR_IO;
}

static enum result read_file(struct jwt_store *store, const char *key, struct buf *out)
{
    char name[NAME_MAX];
    ssize_t n;
    int fd;

    snprintf(name, sizeof(name), "%s" SUFFIX, key);
    fd = openat(store->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    do {
        char piece[4096];

        n = read(fd, piece, sizeof(piece));
        if (n > 0)
            buf_add(out, piece, (size_t)n);
    } while ((n > 0 && out->len <= JWT_LEN_MAX) || (n < 0 && errno == EINTR));
    close(fd);
    if (n < 0)
        return ERR_IO;
    return out->len <= JWT_LEN_MAX ? OK : ERR_LIMIT;
}

static enum result remove_file(struct jwt_store *store, const char *key, bool hard)
{
    char name[NAME_MAX], deleted[NAME_MAX];
    int rc;

    snprintf(name, sizeof(name), "%s" SUFFIX, key);
    snprintf(deleted, sizeof(deleted), "%s" SUFFIX ".deleted", key);
    rc = hard ? unlinkat(store->dir_fd, name, 0)
              : renameat(store->dir_fd, name, store->dir_fd, deleted);
    if (rc != 0 && errno != ENOENT)
        return ERR_IO;
    return fsync(store->dir_fd) == 0 ? OK : ERR_IO;
}

/* --- opening ------------------------------------------------------------------------------- */

static enum result list_folder(struct jwt_store *store)
{
    DIR *dir = opendir(store->dir);
    struct dirent *item;

    if (dir == NULL)
        return ERR_IO;
    while ((item = readdir(dir)) != NULL) {
        struct slice name = slice_of(item->d_name), key;

        if (slice_ends(name, SLICE(NEW_SUFFIX))) {
            unlinkat(store->dir_fd, item->d_name, 0); /* a save that did not end */
            continue;
        }
        if (!slice_ends(name, SLICE(SUFFIX)))
            continue;
        key = slice_make(name.data, name.len - (sizeof(SUFFIX) - 1));
        if (nkey_is(key, NKEY_ACCOUNT))
            add(store, key);
    }
    closedir(dir);
    return OK;
}

/* Parents too: the reference server makes them all. */
static enum result make_folder(const char *path)
{
    char *copy = mem_strdup(path);
    enum result rc = OK;

    for (char *at = copy + 1;; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            rc = ERR_IO;
        *at = end;
        if (end == '\0' || rc != OK)
            break;
    }
    mem_free(copy);
    return rc;
}

enum result jwt_store_open(const char *dir, size_t limit, struct jwt_store **out)
{
    struct jwt_store *store;
    enum result rc = OK;

    if (dir != NULL && dir[0] == '\0')
        return ERR_IO;
    store = mem_alloc(sizeof(*store));
    store->limit = limit;
    store->dir_fd = -1;
    store->hash_known = dir == NULL;
    map_init(&store->entries);
    CHECK(pthread_mutex_init(&store->mutex, NULL) == 0);
    if (dir != NULL) {
        store->dir = mem_strdup(dir);
        rc = make_folder(dir);
        if (rc == OK) {
            store->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            rc = store->dir_fd >= 0 ? list_folder(store) : ERR_IO;
        }
    }
    if (rc != OK) {
        int saved = errno;

        jwt_store_close(store);
        errno = saved;
        return rc;
    }
    *out = store;
    return OK;
}

void jwt_store_close(struct jwt_store *store)
{
    struct map_iter iter = {0};
    struct map_link *link;

    if (store == NULL)
        return;
    while ((link = map_next(&store->entries, &iter)) != NULL) {
        map_remove(&store->entries, link);
        entry_free(map_entry(link, struct entry, link));
    }
    map_fini(&store->entries);
    if (store->dir_fd >= 0)
        close(store->dir_fd);
    CHECK(pthread_mutex_destroy(&store->mutex) == 0);
    mem_free(store->dir);
    mem_free(store);
}

/* --- texts --------------------------------------------------------------------------------- */

static bool copy_key(struct slice key, char out[NKEY_PUBLIC_MAX])
{
    if (!nkey_is(key, NKEY_ACCOUNT))
        return false;
    memcpy(out, key.data, NKEY_PUBLIC_LEN);
    out[NKEY_PUBLIC_LEN] = '\0';
    return true;
}

enum result jwt_store_load(struct jwt_store *store, struct slice key, struct buf *jwt)
{
    char name[NKEY_PUBLIC_MAX];
    struct entry *entry;
    enum result rc = OK;

    buf_clear(jwt);
    if (!copy_key(key, name))
        return ERR_INVALID;
    lock(store);
    entry = find(store, key);
    if (entry == NULL || (store->dir == NULL && entry->jwt == NULL))
        rc = ERR_NOT_FOUND;
    else if (store->dir == NULL)
        buf_add(jwt, entry->jwt, entry->jwt_len);
    unlock(store);
    if (rc != OK || store->dir == NULL)
        return rc;
    return read_file(store, name, jwt);
}

/* A new key takes its place before the file is written, so that the limit holds. */
static enum result reserve(struct jwt_store *store, struct slice key, bool *fresh)
{
    enum result rc = OK;

    lock(store);
    *fresh = find(store, key) == NULL;
    if (*fresh && store->limit > 0 && store->entries.count >= store->limit)
        rc = ERR_LIMIT;
    else if (*fresh)
        add(store, key);
    unlock(store);
    return rc;
}

static void drop(struct jwt_store *store, struct slice key)
{
    struct entry *entry;

    lock(store);
    entry = find(store, key);
    if (entry != NULL) {
        if (entry->hashed && store->hash_known)
            mix(store->hash, entry->hash);
        map_remove(&store->entries, &entry->link);
        entry_free(entry);
    }
    unlock(store);
}

static void note(struct jwt_store *store, struct slice key, struct slice jwt)
{
    uint8_t hash[JWT_STORE_HASH_LEN];
    struct entry *entry;

    crypto_hash_sha256(hash, (const uint8_t *)jwt.data, jwt.len);
    lock(store);
    entry = find(store, key);
    CHECK(entry != NULL);
    if (store->hash_known) {
        if (entry->hashed)
            mix(store->hash, entry->hash);
        mix(store->hash, hash);
    }
    memcpy(entry->hash, hash, sizeof(hash));
    entry->hashed = true;
    if (store->dir == NULL) {
        mem_free(entry->jwt);
        entry->jwt = mem_strndup(jwt.data, jwt.len);
        entry->jwt_len = jwt.len;
    }
    unlock(store);
}

enum result jwt_store_save(struct jwt_store *store, struct slice key, struct slice jwt)
{
    char name[NKEY_PUBLIC_MAX];
    enum result rc;
    bool fresh;

    if (!copy_key(key, name))
        return ERR_INVALID;
    if (jwt.len > JWT_LEN_MAX)
        return ERR_LIMIT;
    rc = reserve(store, key, &fresh);
    if (rc != OK)
        return rc;
    if (store->dir != NULL)
        rc = write_file(store, name, jwt);
    if (rc == OK)
        note(store, key, jwt);
    else if (fresh)
        drop(store, key);
    return rc;
}

enum result jwt_store_remove(struct jwt_store *store, struct slice key, bool hard)
{
    char name[NKEY_PUBLIC_MAX];
    enum result rc = OK;
    bool there;

    if (!copy_key(key, name))
        return ERR_INVALID;
    lock(store);
    there = find(store, key) != NULL;
    unlock(store);
    if (!there)
        return ERR_NOT_FOUND;
    if (store->dir != NULL)
        rc = remove_file(store, name, hard);
    if (rc == OK)
        drop(store, key);
    return rc;
}

/* --- all of them --------------------------------------------------------------------------- */

size_t jwt_store_count(struct jwt_store *store)
{
    size_t count;

    lock(store);
    count = store->entries.count;
    unlock(store);
    return count;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void jwt_store_keys(struct jwt_store *store, struct arena *arena, struct strings *out)
{
    struct map_iter iter = {0};
    struct map_link *link;

    lock(store);
    out->items = arena_alloc_array(arena, store->entries.count + 1, sizeof(*out->items));
    out->count = 0;
    while ((link = map_next(&store->entries, &iter)) != NULL)
        out->items[out->count++] = arena_strdup(arena, map_entry(link, struct entry, link)->key);
    unlock(store);
    qsort(out->items, out->count, sizeof(*out->items), compare);
}

/* Reads what has never been hashed; what is saved meanwhile hashes itself. */
static enum result hash_files(struct jwt_store *store)
{
    struct arena arena = {0};
    struct strings keys;
    struct buf jwt = {0};
    enum result rc = OK;

    jwt_store_keys(store, &arena, &keys);
    for (size_t i = 0; i < keys.count && (rc == OK || rc == ERR_NOT_FOUND); i++) {
        uint8_t hash[JWT_STORE_HASH_LEN];
        struct entry *entry;

        buf_clear(&jwt);
        rc = read_file(store, keys.items[i], &jwt);
        if (rc != OK)
            continue;
        crypto_hash_sha256(hash, (const uint8_t *)buf_text(&jwt), jwt.len);
        lock(store);
        entry = find(store, slice_of(keys.items[i]));
        if (entry != NULL && !entry->hashed) {
            memcpy(entry->hash, hash, sizeof(hash));
            entry->hashed = true;
        }
        unlock(store);
    }
    buf_fini(&jwt);
    arena_fini(&arena);
    return rc == ERR_NOT_FOUND ? OK : rc;
}

static void sum_hashes(struct jwt_store *store)
{
    struct map_iter iter = {0};
    struct map_link *link;

    memset(store->hash, 0, sizeof(store->hash));
    while ((link = map_next(&store->entries, &iter)) != NULL) {
        const struct entry *entry = map_entry(link, struct entry, link);

        if (entry->hashed)
            mix(store->hash, entry->hash);
    }
    store->hash_known = true;
}

enum result jwt_store_hash(struct jwt_store *store, uint8_t out[JWT_STORE_HASH_LEN])
{
    enum result rc = OK;
    bool known;

    lock(store);
    known = store->hash_known;
    unlock(store);
    if (!known)
        rc = hash_files(store);
    if (rc != OK)
        return rc;
    lock(store);
    if (!store->hash_known)
        sum_hashes(store);
    memcpy(out, store->hash, JWT_STORE_HASH_LEN);
    unlock(store);
    return OK;
}
