#include "dataplane/monitor/throttle.h"

bool throttle_allows(struct throttle *throttle, uint64_t key, int64_t now_ns, int64_t every_ns,
                     unsigned burst)
{
    int64_t *whole_at =
        &throttle->whole_at_ns[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (THROTTLE_SLOTS - 1)];

    if (*whole_at < now_ns)
        *whole_at = now_ns;
    if (*whole_at + every_ns > now_ns + every_ns * (int64_t)burst)
        return false;
    *whole_at += every_ns;
    return true;
}
