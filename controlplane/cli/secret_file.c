#include "controlplane/cli/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/random.h"

enum { ROOM = 64 << 10 }; /* the longest credentials file, and more */

static enum result failed(struct secret_file *file, int error)
{
    secret_file_drop(file);
    file->error = error;
    return ERR_IO;
}

/* Where the file really is: a link stays a link. */
static int find_place(struct secret_file *file, const char *path)
{
    struct stat stat_buf;
    char *real;

    if (stat(path, &stat_buf) != 0) {
        buf_add_text(&file->path, path);
        return errno == ENOENT ? 0 : errno;
    }
    if (!S_ISREG(stat_buf.st_mode))
        return S_ISDIR(stat_buf.st_mode) ? EISDIR : EEXIST;
    real = realpath(path, NULL);
    if (real == NULL)
        return errno;
    buf_add_text(&file->path, real);
    free(real);
    return 0;
}

enum result secret_file_open(struct secret_file *file, const char *path)
{
    int error;

    *file = (struct secret_file){.fd = -1};
    error = find_place(file, path);
    if (error != 0)
        return failed(file, error);
    buf_printf(&file->beside, "%s.%016llx.tmp", buf_text(&file->path),
               (unsigned long long)random_u64(random_system()));
    file->fd = open(buf_text(&file->beside), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        error = errno;
        buf_fini(&file->beside); /* nothing to remove */
        return failed(file, error);
    }
    error = posix_fallocate(file->fd, 0, ROOM);
    return error == 0 ? OK : failed(file, error);
}

static bool write_all(int fd, struct slice text)
{
    size_t len = text.len;

    while (text.len > 0) {
        ssize_t done = write(fd, text.data, text.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        text = slice_from(text, (size_t)done);
    }
    return ftruncate(fd, (off_t)len) == 0 && fsync(fd) == 0;
}

/* The name is durable when its folder is. */
static void sync_folder(const struct buf *path)
{
    struct slice name = buf_slice(path);
    struct buf folder = {0};
    int fd;

    while (name.len > 0 && name.data[name.len - 1] != '/')
        name.len--;
    buf_add_slice(&folder, name.len > 0 ? name : SLICE("."));
    fd = open(buf_text(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_fini(&folder);
    if (fd < 0)
        return; /* a folder that may be written and not read */
    (void)fsync(fd);
    close(fd);
}

enum result secret_file_keep(struct secret_file *file, struct slice text)
{
    int fd = file->fd;

    if (!write_all(fd, text))
        return failed(file, errno);
    file->fd = -1;
    if (close(fd) != 0 || rename(buf_text(&file->beside), buf_text(&file->path)) != 0)
        return failed(file, errno);
    sync_folder(&file->path);
    buf_fini(&file->beside);
    buf_fini(&file->path);
    return OK;
}

void secret_file_drop(struct secret_file *file)
{
    if (file->beside.len > 0) {
        (void)unlink(buf_text(&file->beside));
        if (file->fd >= 0)
            close(file->fd);
    }
    buf_fini(&file->beside);
    buf_fini(&file->path);
}

enum result secret_file_write(const char *path, struct slice text)
{
    struct secret_file file;
    enum result rc = secret_file_open(&file, path);

    return rc == OK ? secret_file_keep(&file, text) : rc;
}

enum result secret_file_read(const char *path, struct buf *buf)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    char piece[4096];
    ssize_t got;

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    do {
        got = read(fd, piece, sizeof(piece));
        if (got > 0)
            buf_add(buf, piece, (size_t)got);
    } while (got > 0 && !buf->full);
    close(fd);
    sodium_memzero(piece, sizeof(piece));
    if (buf->full)
        return ERR_LIMIT;
    return got < 0 ? ERR_IO : OK;
}

void secret_buf_wipe(struct buf *buf)
{
    if (buf->data != NULL)
        sodium_memzero(buf->data, buf->cap);
    buf_fini(buf);
}
