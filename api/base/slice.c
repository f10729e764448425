#include "api/base/slice.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool slice_cut(struct slice *rest, char separator, struct slice *part)
{
    const char *end;

    if (rest->data == NULL)
        return false;
    end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    if (end == NULL) {
        *part = *rest;
        *rest = (struct slice){NULL, 0};
        return true;
    }
    *part = slice_make(rest->data, (size_t)(end - rest->data));
    *rest = slice_make(end + 1, rest->len - part->len - 1);
    return true;
}

bool slice_uint(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.data[i] - '0';

        if (digit > 9 || digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

size_t slice_utf8(struct slice s)
{
    const unsigned char *in = (const unsigned char *)s.data;
    size_t len;

    if (s.len == 0)
        return 0;
    len = in[0] < 0x80                     ? 1
          : in[0] >= 0xc2 && in[0] <= 0xdf ? 2
          : in[0] >= 0xe0 && in[0] <= 0xef ? 3
          : in[0] >= 0xf0 && in[0] <= 0xf4 ? 4
                                           : 0;
    if (len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((in[i] & 0xc0) != 0x80)
            return 0;
    if ((in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xed && in[1] > 0x9f) ||
        (in[0] == 0xf0 && in[1] < 0x90) || (in[0] == 0xf4 && in[1] > 0x8f))
        return 0; /* longer than need be, a surrogate, beyond Unicode */
    return len;
}
