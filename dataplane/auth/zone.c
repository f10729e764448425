/*
 * A zone file: a header and data with 32-bit times, the same again with 64-bit times, and a
 * line with the rule for all times after the last transition:
 *
 *     "TZif" version 15 zeroes, then six counts of 4 bytes:
 *     isutcnt isstdcnt leapcnt timecnt typecnt charcnt
 *     timecnt times, timecnt type indexes, typecnt x {offset 4, is_dst 1, name 1}, ...
 *     "\n" rule "\n"          such as  CET-1CEST,M3.5.0,M10.5.0/3
 */
#include "dataplane/auth/zone.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/base/mem.h"
#include "api/base/slice.h"

enum { HEADER = 44, FILE_MAX = 64 << 10, NAME_MAX_LEN = 128 };

#define DAY INT64_C(86400)

struct counts {
    size_t isut, isstd, leap, time, type, chars;
};

static int64_t big_endian(const unsigned char *p, size_t len)
{
    uint64_t value = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | p[i];
    return (int64_t)value;
}

static bool read_header(const unsigned char *data, size_t len, struct counts *out)
{
    if (len < HEADER || memcmp(data, "TZif", 4) != 0)
        return false;
    out->isut = (size_t)big_endian(data + 20, 4);
    out->isstd = (size_t)big_endian(data + 24, 4);
    out->leap = (size_t)big_endian(data + 28, 4);
    out->time = (size_t)big_endian(data + 32, 4);
    out->type = (size_t)big_endian(data + 36, 4);
    out->chars = (size_t)big_endian(data + 40, 4);
    return out->isut < FILE_MAX && out->isstd < FILE_MAX && out->leap < FILE_MAX &&
           out->time < FILE_MAX && out->type < FILE_MAX && out->chars < FILE_MAX && out->type > 0;
}

static size_t body_len(const struct counts *counts, size_t time_len)
{
    return counts->time * (time_len + 1) + counts->type * 6 + counts->chars +
           counts->leap * (time_len + 4) + counts->isstd + counts->isut;
}

/* --- the rule of the last line --------------------------------------------------------------- */

/* A moment of the year: month, week (5: the last), day of the week, seconds of that day. */
struct moment {
    int month, week, weekday;
    int64_t second;
};

struct rule {
    int64_t standard_s, summer_s; /* offsets from UTC */
    bool has_summer;
    struct moment begins, ends;
};

/* "CET" or "<+03>" */
static bool skip_name(const char **at)
{
    const char *p = *at;

    if (*p == '<') {
        while (*p != '>' && *p != '\0')
            p++;
        if (*p == '\0')
            return false;
        *at = p + 1;
        return true;
    }
    while (isalpha((unsigned char)*p))
        p++;
    if (p - *at < 3)
        return false;
    *at = p;
    return true;
}

static bool read_number(const char **at, int64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)**at))
        return false;
    *out = strtol(*at, &end, 10);
    *at = end;
    return *out < 1000;
}

/* "[-]h[:m[:s]]" */
static bool read_time(const char **at, int64_t *out)
{
    int64_t sign = **at == '-' ? -1 : 1, unit = 3600, part;

    if (**at == '-' || **at == '+')
        (*at)++;
    *out = 0;
    for (;;) {
        if (!read_number(at, &part))
            return false;
        *out += part * unit;
        unit /= 60;
        if (**at != ':' || unit == 0)
            break;
        (*at)++;
    }
    *out *= sign;
    return true;
}

/* ",Mm.w.d[/time]" */
static bool read_moment(const char **at, struct moment *out)
{
    int64_t month, week, weekday;

    if (strncmp(*at, ",M", 2) != 0)
        return false;
    *at += 2;
    if (!read_number(at, &month) || *(*at)++ != '.' || !read_number(at, &week) || *(*at)++ != '.' ||
        !read_number(at, &weekday))
        return false;
    *out = (struct moment){(int)month, (int)week, (int)weekday, 2 * 3600};
    if (**at == '/') {
        (*at)++;
        return read_time(at, &out->second);
    }
    return month >= 1 && month <= 12 && week >= 1 && week <= 5 && weekday <= 6;
}

static bool read_rule(const char *text, struct rule *out)
{
    *out = (struct rule){0};
    if (!skip_name(&text) || !read_time(&text, &out->standard_s))
        return false;
    out->standard_s = -out->standard_s;
    if (*text == '\0')
        return true;
    if (!skip_name(&text))
        return false;
    out->has_summer = true;
    out->summer_s = out->standard_s + 3600;
    if (*text != ',') {
        if (!read_time(&text, &out->summer_s))
            return false;
        out->summer_s = -out->summer_s;
    }
    return read_moment(&text, &out->begins) && read_moment(&text, &out->ends);
}

/* Days since 1970 of a date. */
static int64_t days_of(int64_t year, int month, int day)
{
    struct tm tm = {.tm_year = (int)(year - 1900), .tm_mon = month - 1, .tm_mday = day};

    return (int64_t)timegm(&tm) / DAY;
}

/* Local seconds since 1970 of a moment in a year. */
static int64_t moment_in(int64_t year, const struct moment *moment)
{
    int64_t first = days_of(year, moment->month, 1);
    int64_t next =
        moment->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, moment->month + 1, 1);
    int64_t weekday = (first % 7 + 4 + 7) % 7; /* 1970 began on a Thursday */
    int64_t day = first + (moment->weekday - weekday + 7) % 7 + 7 * (moment->week - 1);

    while (day >= next)
        day -= 7;
    return day * DAY + moment->second;
}

static int64_t rule_offset(const struct rule *rule, int64_t at_s)
{
    time_t local = (time_t)(at_s + rule->standard_s);
    int64_t begins, ends;
    struct tm tm;
    bool summer;

    if (!rule->has_summer || gmtime_r(&local, &tm) == NULL)
        return rule->standard_s;
    begins = moment_in(tm.tm_year + 1900, &rule->begins) - rule->standard_s;
    ends = moment_in(tm.tm_year + 1900, &rule->ends) - rule->summer_s;
    if (begins < ends)
        summer = at_s >= begins && at_s < ends;
    else
        summer = at_s >= begins || at_s < ends;
    return summer ? rule->summer_s : rule->standard_s;
}

/* --- the file -------------------------------------------------------------------------------- */

/* Of the transitions in a body with 64-bit times. */
static enum result table_offset(const unsigned char *body, const struct counts *counts,
                                int64_t at_s, int64_t *offset_s)
{
    const unsigned char *types = body + counts->time * 9;
    size_t i = counts->time, type = 0;

    while (i > 0 && big_endian(body + (i - 1) * 8, 8) > at_s)
        i--;
    if (i > 0)
        type = body[counts->time * 8 + i - 1];
    if (type >= counts->type)
        return ERR_CORRUPT;
    *offset_s = big_endian(types + type * 6, 4);
    return OK;
}

enum result zone_offset_of(const unsigned char *data, size_t len, int64_t at_s, int64_t *offset_s)
{
    struct counts counts;
    const unsigned char *body, *footer;
    char text[NAME_MAX_LEN];
    struct rule rule;
    size_t skip, left;

    if (!read_header(data, len, &counts) || data[4] < '2')
        return ERR_CORRUPT;
    skip = HEADER + body_len(&counts, 4);
    if (skip > len || !read_header(data + skip, len - skip, &counts))
        return ERR_CORRUPT;
    body = data + skip + HEADER;
    left = len - skip - HEADER;
    if (body_len(&counts, 8) > left)
        return ERR_CORRUPT;
    footer = body + body_len(&counts, 8);
    left -= body_len(&counts, 8);
    if (left > 2 && left < sizeof(text) &&
        (counts.time == 0 || big_endian(body + (counts.time - 1) * 8, 8) <= at_s)) {
        memcpy(text, footer + 1, left - 2);
        text[left - 2] = '\0';
        if (read_rule(text, &rule)) {
            *offset_s = rule_offset(&rule, at_s);
            return OK;
        }
    }
    return table_offset(body, &counts, at_s, offset_s);
}

/* Letters, digits and a few marks: no way out of the folder. */
static bool name_clean(const char *name)
{
    size_t len = strlen(name);

    if (len > NAME_MAX_LEN || name[0] == '/' || strstr(name, "..") != NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("/_+-", name[i]) == NULL)
            return false;
    }
    return true;
}

enum result zone_offset(const char *name, int64_t at_s, int64_t *offset_s)
{
    char path[NAME_MAX_LEN + 32];
    unsigned char *data;
    enum result rc = ERR_CORRUPT;
    ssize_t len;
    int fd;

    if (!slice_given(name) || strcmp(name, "Local") == 0) {
        time_t at = (time_t)at_s;
        struct tm tm;

        if (localtime_r(&at, &tm) == NULL)
            return ERR_INVALID;
        *offset_s = tm.tm_gmtoff;
        return OK;
    }
    if (!name_clean(name))
        return ERR_NOT_FOUND;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    data = mem_alloc(FILE_MAX);
    len = read(fd, data, FILE_MAX);
    close(fd);
    if (len > 0)
        rc = zone_offset_of(data, (size_t)len, at_s, offset_s);
    mem_free(data);
    return rc;
}
