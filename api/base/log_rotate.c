#include "api/base/log_rotate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/mem.h"

/* What stands behind the file's name and its dot; 0 is a digit. */
static const char form[] = "0000.00.00.00.00.00.000000000";

enum result log_rotate(const char *file, int64_t now_ns, char backup[LOG_ROTATE_NAME_MAX])
{
    time_t seconds = (time_t)(now_ns / NS_PER_S);
    struct tm tm;
    int len;

    CHECK(localtime_r(&seconds, &tm) != NULL);
    len = snprintf(backup, LOG_ROTATE_NAME_MAX, "%s.%04d.%02d.%02d.%02d.%02d.%02d.%09d", file,
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(now_ns % NS_PER_S));
    if (len >= LOG_ROTATE_NAME_MAX) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    return rename(file, backup) == 0 ? OK : ERR_IO;
}

/* NAME.form */
static bool is_backup(const char *entry, const char *name)
{
    size_t len = strlen(name);
    const char *stamp = entry + len + 1;

    if (strncmp(entry, name, len) != 0 || entry[len] != '.' || strlen(stamp) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == '0' ? stamp[i] < '0' || stamp[i] > '9' : stamp[i] != form[i])
            return false;
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_backups(DIR *dir, const char *name, char ***out)
{
    size_t count = 0, cap = 0;
    struct dirent *entry;
    char **names = NULL;

    while ((entry = readdir(dir)) != NULL) {
        if (!is_backup(entry->d_name, name))
            continue;
        if (count == cap) {
            cap = cap > 0 ? cap * 2 : 16;
            names = mem_realloc(names, cap * sizeof(names[0]));
        }
        names[count++] = mem_strdup(entry->d_name);
    }
    if (count > 1)
        qsort(names, count, sizeof(names[0]), compare);
    *out = names;
    return count;
}

void log_rotate_purge(const char *file, size_t keep)
{
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
    char *folder = slash != NULL ? mem_strndup(file, (size_t)(slash - file) + 1) : mem_strdup(".");
    DIR *dir = opendir(folder);
    char **names;
    size_t count;

    mem_free(folder);
    if (dir == NULL)
        return; /* what is too old is tried again at the next rotation */
    count = list_backups(dir, name, &names);
    for (size_t i = 0; i < count; i++) {
        if (i + keep < count)
            (void)unlinkat(dirfd(dir), names[i], 0);
        mem_free(names[i]);
    }
    mem_free(names);
    closedir(dir);
}
