#include "api/base/files.h"

#include <sys/resource.h>

int64_t files_raise_limit(void)
{
    struct rlimit limit, highest;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return INT64_MAX;
    highest = (struct rlimit){limit.rlim_max, limit.rlim_max};
    if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &highest) == 0)
        limit = highest;
    return limit.rlim_cur < (rlim_t)INT64_MAX ? (int64_t)limit.rlim_cur : INT64_MAX;
}
