#include "dataplane/core/machine.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a group of the kernel's is limited to: v2 and v1 say it in different files. */
struct group_limit {
    uint64_t (*v2)(const char *folder);
    uint64_t (*v1)(const char *folder);
    const char *v1_kind, *v1_root;
};

/* One line of a small file; false when it cannot be read. */
static bool read_line(const char *folder, const char *name, char *line, size_t size)
{
    char path[PATH_MAX];
    FILE *file;
    bool ok;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    ok = fgets(line, (int)size, file) != NULL;
    (void)fclose(file);
    return ok;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t by_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return UINT64_MAX;
    return (uint64_t)((quota + period - 1) / period);
}

/* "max 100000" or "150000 100000" */
static uint64_t cores_v2(const char *folder)
{
    char line[128], *rest;
    long long quota;

    if (!read_line(folder, "cpu.max", line, sizeof line) || strncmp(line, "max", 3) == 0)
        return UINT64_MAX;
    quota = strtoll(line, &rest, 10);
    return by_quota(quota, strtoll(rest, NULL, 10));
}

static uint64_t cores_v1(const char *folder)
{
    char quota[128], period[128];

    if (!read_line(folder, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_line(folder, "cpu.cfs_period_us", period, sizeof period))
        return UINT64_MAX;
    return by_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static uint64_t bytes(const char *folder, const char *name)
{
    char line[128];
    unsigned long long value;

    if (!read_line(folder, name, line, sizeof line) || strncmp(line, "max", 3) == 0)
        return UINT64_MAX;
    value = strtoull(line, NULL, 10);
    return value == 0 ? UINT64_MAX : value;
}

static uint64_t memory_v2(const char *folder)
{
    return bytes(folder, "memory.max");
}

static uint64_t memory_v1(const char *folder)
{
    return bytes(folder, "memory.limit_in_bytes");
}

static const struct group_limit cores_limit = {cores_v2, cores_v1, "cpu", "/sys/fs/cgroup/cpu"};
static const struct group_limit memory_limit = {memory_v2, memory_v1, "memory",
                                                "/sys/fs/cgroup/memory"};

/* The tightest on the way from the group up to the root. */
static uint64_t tightest(const char *root, char *group, uint64_t (*limit)(const char *folder))
{
    uint64_t value = UINT64_MAX;
    char folder[PATH_MAX];

    for (;;) {
        char *slash = strrchr(group, '/');

        if (snprintf(folder, sizeof folder, "%s%s", root, group) < (int)sizeof folder)
            value = least(value, limit(folder));
        if (slash == NULL)
            return value;
        *slash = 0;
    }
}

/* Is it one of "cpu,cpuacct"? */
static bool has_kind(const char *kinds, const char *kind)
{
    size_t len = strlen(kind);

    for (const char *at = kinds; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, kind, len) == 0 && (at[len] == 0 || at[len] == ','))
            return true;
    }
    return false;
}

/* Lines "0::/group" (v2) and "4:cpu,cpuacct:/group" (v1). */
static uint64_t by_groups(const struct group_limit *limit)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    uint64_t value = UINT64_MAX;
    char line[PATH_MAX];

    if (file == NULL)
        return value;
    while (fgets(line, sizeof line, file) != NULL) {
        char *kinds = strchr(line, ':'), *group = kinds != NULL ? strchr(kinds + 1, ':') : NULL;

        if (group == NULL)
            continue;
        *kinds++ = 0;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        if (*kinds == 0)
            value = least(value, tightest("/sys/fs/cgroup", group, limit->v2));
        else if (has_kind(kinds, limit->v1_kind))
            value = least(value, tightest(limit->v1_root, group, limit->v1));
    }
    (void)fclose(file);
    return value;
}

unsigned machine_cores(void)
{
    uint64_t cores = by_groups(&cores_limit);
    cpu_set_t set;

    /* It fails where there are more processors than the set has bits. */
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = least(cores, (uint64_t)CPU_COUNT(&set));
    return cores == UINT64_MAX || cores == 0 ? 1 : (unsigned)cores;
}

size_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t memory = by_groups(&memory_limit);

    if (pages > 0 && size > 0)
        memory = least(memory, (uint64_t)pages * (uint64_t)size);
    return memory == UINT64_MAX ? SIZE_MAX : (size_t)memory;
}
