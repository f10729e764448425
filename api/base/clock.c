#include "api/base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/base/check.h"

static int64_t now(clockid_t id)
{
    struct timespec t;

    CHECK(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t system_wall(struct clock *clock)
{
    return now(CLOCK_REALTIME);
}

static int64_t system_mono(struct clock *clock)
{
    return now(CLOCK_MONOTONIC);
}

struct clock *clock_system(void)
{
    static struct clock system = {.wall_ns = system_wall, .mono_ns = system_mono};

    return &system;
}

void clock_format(int64_t wall_ns, unsigned digits, char out[CLOCK_TEXT_MAX])
{
    int64_t ns = wall_ns % NS_PER_S;
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    char fraction[11] = "", text[96];
    struct tm tm;

    CHECK(digits <= 9);
    if (ns < 0) {
        ns += NS_PER_S;
        seconds--;
    }
    CHECK(gmtime_r(&seconds, &tm) != NULL);
    if (digits > 0) {
        snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)ns);
        fraction[digits + 1] = '\0';
    }
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%sZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
    snprintf(out, CLOCK_TEXT_MAX, "%.*s", CLOCK_TEXT_MAX - 1, text);
}

/* count digits off the front of *text, then the character `end` (0: none). */
static bool take(const char **text, int count, char end, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return false;
        *out = *out * 10 + (**text - '0');
    }
    if (end == '\0')
        return true;
    return *(*text)++ == end;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool take_fraction(const char **text, int64_t *ns)
{
    int64_t unit = NS_PER_S / 10;

    *ns = 0;
    if (**text != '.')
        return true;
    for ((*text)++; isdigit((unsigned char)**text); (*text)++, unit /= 10) {
        if (unit == 0)
            return false;
        *ns += (**text - '0') * unit;
    }
    return (*text)[-1] != '.';
}

/* Z or +hh:mm to the end of the text. */
static bool take_offset(const char **text, int64_t *seconds)
{
    int sign, hours, minutes;

    *seconds = 0;
    if (**text == 'Z')
        return (*text)[1] == '\0';
    if (**text != '+' && **text != '-')
        return false;
    sign = *(*text)++ == '-' ? -1 : 1;
    if (!take(text, 2, ':', &hours) || !take(text, 2, '\0', &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60 && **text == '\0';
}

int clock_parse(const char *text, int64_t *wall_ns)
{
    int year, month, day, hour, minute, second;
    int64_t ns, offset, seconds;
    struct tm tm = {0};

    if (!take(&text, 4, '-', &year) || !take(&text, 2, '-', &month) || !take(&text, 2, 'T', &day) ||
        !take(&text, 2, ':', &hour) || !take(&text, 2, ':', &minute) ||
        !take(&text, 2, '\0', &second) || !take_fraction(&text, &ns) ||
        !take_offset(&text, &offset))
        return -1;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return -1;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    seconds = (int64_t)timegm(&tm) - offset;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &seconds) ||
        __builtin_add_overflow(seconds, ns, wall_ns))
        return -1;
    return 0;
}
