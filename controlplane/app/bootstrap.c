#include "controlplane/app/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/log.h"
#include "controlplane/domain/token.h"

enum { DB_WAIT_MS = 5000, FILE_MODE = 0600 };

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Beside its place first, so that nobody reads half of it or through somebody else's file. */
static enum result write_file(const char *file, const char *token, struct arena *arena,
                              struct buf *message)
{
    const char *beside = arena_printf(arena, "%s.new", file);
    int fd;
    bool written;

    unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    written =
        fd >= 0 && write_all(fd, token, strlen(token)) && write_all(fd, "\n", 1) && fsync(fd) == 0;
    if (!written || rename(beside, file) != 0) {
        buf_printf(message, "the bootstrap token cannot be written to %s: %s\n", file,
                   strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(beside);
        }
        return ERR_IO;
    }
    close(fd);
    log_info(LOG_MAIN, "there is no operator admin yet; the bootstrap token is written file=%s",
             file);
    return OK;
}

static enum result tell(const char *token, const char *file, struct arena *arena,
                        struct buf *message)
{
    if (file != NULL)
        return write_file(file, token, arena, message);
    printf("There is no operator admin yet.  To become one, exchange this token (once):\n"
           "    berth login --bootstrap %s\n",
           token);
    return fflush(stdout) == 0 ? OK : ERR_IO;
}

enum result bootstrap_offer(struct pool *pool, const struct tools *tools, const char *file,
                            struct buf *message)
{
    struct arena arena = {0};
    struct refusal refusal = {.arena = &arena};
    struct work work = {.arena = &arena, .tools = tools, .refusal = &refusal};
    const char *token = NULL;
    enum result rc = pool_take(pool, DB_WAIT_MS, &work.db);

    if (rc == OK) {
        rc = work_begin(&work);
        if (rc == OK)
            rc = work_end(&work, token_bootstrap(&work, &token));
        pool_give(pool, work.db);
    }
    if (rc != OK)
        buf_printf(message, "the bootstrap token cannot be made: %s\n", result_text(rc));
    if (rc == OK && token != NULL)
        rc = tell(token, file, &arena, message);
    if (token != NULL)
        sodium_memzero((char *)(uintptr_t)token, strlen(token));
    arena_fini(&arena);
    return rc;
}
