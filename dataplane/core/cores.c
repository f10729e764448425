#include "dataplane/core/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line of a small file; false when it cannot be read. */
static bool read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool ok;

    if (file == NULL)
        return false;
    ok = fgets(line, (int)size, file) != NULL;
    (void)fclose(file);
    return ok;
}

static unsigned by_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    quota = (quota + period - 1) / period;
    return quota < UINT_MAX ? (unsigned)quota : UINT_MAX;
}

/* cpu.max of a group: "max 100000" or "150000 100000". */
static unsigned quota_v2(const char *root, const char *group)
{
    char path[PATH_MAX], line[128];
    long long quota, period;
    char *rest;

    if (snprintf(path, sizeof path, "%s%s/cpu.max", root, group) >= (int)sizeof path ||
        !read_line(path, line, sizeof line) || strncmp(line, "max", 3) == 0)
        return UINT_MAX;
    quota = strtoll(line, &rest, 10);
    period = strtoll(rest, NULL, 10);
    return by_quota(quota, period);
}

static unsigned quota_v1(const char *root, const char *group)
{
    char path[PATH_MAX], line[128];
    long long quota;

    if (snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", root, group) >= (int)sizeof path ||
        !read_line(path, line, sizeof line))
        return UINT_MAX;
    quota = strtoll(line, NULL, 10);
    if (snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", root, group) >= (int)sizeof path ||
        !read_line(path, line, sizeof line))
        return UINT_MAX;
    return by_quota(quota, strtoll(line, NULL, 10));
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The tightest quota on the way from the group up to the root. */
static unsigned quota_of(char *group, unsigned (*quota)(const char *root, const char *group),
                         const char *root)
{
    unsigned cores = UINT_MAX;

    for (;;) {
        char *slash = strrchr(group, '/');

        cores = least(cores, quota(root, group));
        if (slash == NULL)
            return cores;
        *slash = 0;
    }
}

/* Lines "0::/group" (v2) and "4:cpu,cpuacct:/group" (v1). */
static unsigned by_groups(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX];
    unsigned cores = UINT_MAX;

    if (file == NULL)
        return cores;
    while (fgets(line, sizeof line, file) != NULL) {
        char *kinds = strchr(line, ':'), *group = kinds ? strchr(kinds + 1, ':') : NULL;

        if (group == NULL)
            continue;
        *kinds++ = 0;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        if (*kinds == 0)
            cores = least(cores, quota_of(group, quota_v2, "/sys/fs/cgroup"));
        else if (strcmp(kinds, "cpu") == 0 || strncmp(kinds, "cpu,", 4) == 0 ||
                 strstr(kinds, ",cpu") != NULL)
            cores = least(cores, quota_of(group, quota_v1, "/sys/fs/cgroup/cpu"));
    }
    (void)fclose(file);
    return cores;
}

static unsigned by_affinity(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return UINT_MAX; /* more processors than the set has bits */
    return (unsigned)CPU_COUNT(&set);
}

unsigned cores_usable(void)
{
    unsigned cores = least(by_affinity(), by_groups());

    return cores == UINT_MAX || cores == 0 ? 1 : cores;
}
