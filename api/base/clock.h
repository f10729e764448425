/*
 * clock: what time it is, as an interface.
 *
 * Ownership  whoever makes a clock owns it; users borrow it for their lifetime.
 * Thread     any (the system clock); a manual clock says what its test does.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*wall_ns)(struct clock *clock); /* Unix time: timestamps, expiry */
    int64_t (*mono_ns)(struct clock *clock); /* never goes back: timeouts */
};

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* The machine's. */
struct clock *clock_system(void);

static inline int64_t clock_wall_ns(struct clock *clock)
{
    return clock->wall_ns(clock);
}

static inline int64_t clock_mono_ns(struct clock *clock)
{
    return clock->mono_ns(clock);
}

/* a + b, of which b is not negative; what is too far away is INT64_MAX. */
static inline int64_t clock_after(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* A point in time that others name in seconds: 0, never, when it is none (negative). */
static inline int64_t clock_deadline_ns(int64_t unix_s)
{
    if (unix_s <= 0)
        return 0;
    return unix_s > INT64_MAX / NS_PER_S ? INT64_MAX : unix_s * NS_PER_S;
}

enum { CLOCK_TEXT_MAX = 40 };

/* RFC 3339 UTC with `digits` (0 to 9) of the second: "2026-11-23T01:40:00.000Z". */
void clock_format(int64_t wall_ns, unsigned digits, char out[CLOCK_TEXT_MAX]);

/* RFC 3339, any offset, up to nine digits; 0 on success, -1 if malformed. */
int clock_parse(const char *text, int64_t *wall_ns);
