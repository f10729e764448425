#include "dataplane/auth/jwt_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/nats/limits.h"
#include "tests/lib/nkey_pair.h"

static char folder[] = "/tmp/berth-store.XXXXXX";
static char dir[64];
static char keys[3][64];

static int set_up(void **state)
{
    static const char *const names[] = {"one", "two", "three"};

    if (mkdtemp(folder) == NULL)
        return -1;
    for (int i = 0; i < 3; i++) {
        struct nkey_pair pair;
        struct buf text = {0};

        nkey_pair_derive(&pair, 'A', slice_of(names[i]));
        nkey_pair_public(&pair, &text);
        snprintf(keys[i], sizeof(keys[i]), "%s", buf_text(&text));
        buf_fini(&text);
    }
    snprintf(dir, sizeof(dir), "%s/a/b", folder);
    return 0;
}

/* Removes what a test left: files of the store, then the folders. */
static void clear_folder(void)
{
    DIR *open_dir = opendir(dir);
    struct dirent *item;

    while (open_dir != NULL && (item = readdir(open_dir)) != NULL)
        if (item->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(open_dir), item->d_name, 0), 0);
    if (open_dir != NULL)
        closedir(open_dir);
}

static int tear_down(void **state)
{
    char path[64];

    clear_folder();
    rmdir(dir);
    snprintf(path, sizeof(path), "%s/a", folder);
    rmdir(path);
    return rmdir(folder);
}

static void expect(struct jwt_store *store, const char *key, const char *text)
{
    struct buf jwt = {0};

    assert_int_equal(jwt_store_load(store, slice_of(key), &jwt), OK);
    assert_string_equal(buf_text(&jwt), text);
    buf_fini(&jwt);
}

static void expect_absent(struct jwt_store *store, const char *key)
{
    struct buf jwt = {0};

    assert_int_equal(jwt_store_load(store, slice_of(key), &jwt), ERR_NOT_FOUND);
    buf_fini(&jwt);
}

static void save(struct jwt_store *store, const char *key, const char *text)
{
    assert_int_equal(jwt_store_save(store, slice_of(key), slice_of(text)), OK);
}

static void both_kinds(const char *where)
{
    struct arena arena = {0};
    struct jwt_store *store;
    struct strings list;

    assert_int_equal(jwt_store_open(where, 2, &store), OK);
    expect_absent(store, keys[0]);
    save(store, keys[0], "first");
    save(store, keys[0], "second");
    save(store, keys[1], "other");
    expect(store, keys[0], "second");
    expect(store, keys[1], "other");
    assert_int_equal(jwt_store_count(store), 2);
    /* full, but not for what is there */
    assert_int_equal(jwt_store_save(store, slice_of(keys[2]), SLICE("third")), ERR_LIMIT);
    save(store, keys[0], "again");
    jwt_store_keys(store, &arena, &list);
    assert_int_equal(list.count, 2);
    assert_true(strcmp(list.items[0], list.items[1]) < 0);
    assert_int_equal(jwt_store_remove(store, slice_of(keys[0]), true), OK);
    assert_int_equal(jwt_store_remove(store, slice_of(keys[0]), true), ERR_NOT_FOUND);
    expect_absent(store, keys[0]);
    assert_int_equal(jwt_store_count(store), 1);
    jwt_store_close(store);
    arena_fini(&arena);
}

static void test_what_is_saved_is_there(void **state)
{
    both_kinds(NULL);
    both_kinds(dir);
    clear_folder();
}

static void test_only_keys_of_accounts(void **state)
{
    static const char *const bad[] = {"", "../../../../etc/passwd",
                                      "UD5M2IIXNPVRN7XDJI7F6ZLVPOGCKT5PJJDJILVGPODXB5XX5HEFPAXF"};
    struct jwt_store *store;
    struct buf jwt = {0};

    assert_int_equal(jwt_store_open(dir, 0, &store), OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(jwt_store_save(store, slice_of(bad[i]), SLICE("x")), ERR_INVALID);
        assert_int_equal(jwt_store_load(store, slice_of(bad[i]), &jwt), ERR_INVALID);
        assert_int_equal(jwt_store_remove(store, slice_of(bad[i]), true), ERR_INVALID);
    }
    jwt_store_close(store);
}

static void test_files_outlive_the_store(void **state)
{
    struct jwt_store *store;
    char path[160];
    struct stat stat_of;
    FILE *file;

    assert_int_equal(jwt_store_open(dir, 0, &store), OK);
    save(store, keys[0], "kept");
    save(store, keys[1], "deleted");
    assert_int_equal(jwt_store_remove(store, slice_of(keys[1]), false), OK);
    jwt_store_close(store);
    snprintf(path, sizeof(path), "%s/%s.jwt", dir, keys[0]);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    assert_int_equal(stat(dir, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0700);
    snprintf(path, sizeof(path), "%s/%s.jwt.deleted", dir, keys[1]);
    assert_int_equal(access(path, R_OK), 0);
    /* A save that did not end leaves nothing behind; other files are nobody's accounts. */
    snprintf(path, sizeof(path), "%s/%s.jwt.new", dir, keys[2]);
    file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(jwt_store_open(dir, 0, &store), OK);
    assert_int_not_equal(access(path, R_OK), 0);
    assert_int_equal(jwt_store_count(store), 1);
    expect(store, keys[0], "kept");
    expect_absent(store, keys[1]);
    jwt_store_close(store);
    clear_folder();
}

static void hash_of(struct jwt_store *store, uint8_t out[JWT_STORE_HASH_LEN])
{
    assert_int_equal(jwt_store_hash(store, out), OK);
}

/* XOR of SHA-256, the same whether worked out at once or kept up to date. */
static void test_the_digest(void **state)
{
    uint8_t wanted[JWT_STORE_HASH_LEN] = {0}, got[JWT_STORE_HASH_LEN], one[JWT_STORE_HASH_LEN];
    static const char *const texts[] = {"x", "yy"};
    struct jwt_store *memory, *files, *again;

    for (int i = 0; i < 2; i++) {
        crypto_hash_sha256(one, (const uint8_t *)texts[i], strlen(texts[i]));
        for (size_t j = 0; j < sizeof(one); j++)
            wanted[j] ^= one[j];
    }
    assert_int_equal(jwt_store_open(NULL, 0, &memory), OK);
    assert_int_equal(jwt_store_open(dir, 0, &files), OK);
    hash_of(files, got);
    assert_true(sodium_is_zero(got, sizeof(got)));
    for (int i = 0; i < 2; i++) {
        save(memory, keys[i], "will go");
        save(memory, keys[i], texts[i]);
        save(files, keys[i], "will go");
        save(files, keys[i], texts[i]);
    }
    save(files, keys[2], "gone");
    assert_int_equal(jwt_store_remove(files, slice_of(keys[2]), true), OK);
    hash_of(memory, got);
    assert_memory_equal(got, wanted, sizeof(got));
    hash_of(files, got);
    assert_memory_equal(got, wanted, sizeof(got));
    assert_int_equal(jwt_store_open(dir, 0, &again), OK);
    save(again, keys[0], texts[0]); /* known before the others were read */
    hash_of(again, got);
    assert_memory_equal(got, wanted, sizeof(got));
    jwt_store_close(again);
    jwt_store_close(files);
    jwt_store_close(memory);
    clear_folder();
}

static void test_what_cannot_be(void **state)
{
    struct jwt_store *store;
    char path[80];
    char *huge = malloc(JWT_LEN_MAX + 2);

    assert_int_equal(jwt_store_open("", 0, &store), ERR_IO);
    snprintf(path, sizeof(path), "%s/file", folder);
    fclose(fopen(path, "we"));
    assert_int_equal(jwt_store_open(path, 0, &store), ERR_IO);
    unlink(path);
    assert_non_null(huge);
    memset(huge, 'x', JWT_LEN_MAX + 1);
    assert_int_equal(jwt_store_open(NULL, 0, &store), OK);
    assert_int_equal(jwt_store_save(store, slice_of(keys[0]), slice_make(huge, JWT_LEN_MAX + 1)),
                     ERR_LIMIT);
    jwt_store_close(store);
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_saved_is_there),
        cmocka_unit_test(test_only_keys_of_accounts),
        cmocka_unit_test(test_files_outlive_the_store),
        cmocka_unit_test(test_the_digest),
        cmocka_unit_test(test_what_cannot_be),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
