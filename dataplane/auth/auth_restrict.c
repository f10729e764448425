#include "dataplane/auth/auth_restrict.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/slice.h"
#include "dataplane/auth/zone.h"

enum { ADDRESS_MAX = 16 };

/* Bytes of an address: 4 or 16; 0 when it is none.  An IPv4 one mapped to IPv6 counts as IPv4. */
static size_t address_of(struct slice text, unsigned char out[ADDRESS_MAX])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[64];

    if (text.len >= sizeof(copy))
        return 0;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, out) == 1)
        return 4;
    if (inet_pton(AF_INET6, copy, out) != 1)
        return 0;
    if (memcmp(out, mapped, sizeof(mapped)) != 0)
        return 16;
    memmove(out, out + 12, 4);
    return 4;
}

/* "10.0.0.0/8": 1 inside, 0 outside, -1 no range. */
static int range_has(struct slice range, const unsigned char *address, size_t len)
{
    unsigned char base[ADDRESS_MAX];
    struct slice rest = range, text, bits_text;
    uint64_t bits;
    size_t base_len;
    bool mapped;

    if (!slice_cut(&rest, '/', &text) || !slice_cut(&rest, '/', &bits_text))
        return -1;
    base_len = address_of(text, base);
    mapped = base_len == 4 && memchr(text.data, ':', text.len) != NULL;
    if (base_len == 0 || !slice_uint(bits_text, mapped ? 128 : base_len * 8, &bits))
        return -1;
    if (base_len != len || (mapped && bits < 96))
        return 0;
    if (mapped)
        bits -= 96; /* what marks an IPv4 address in IPv6 */
    for (size_t i = 0; i < bits; i++) {
        unsigned mask = 0x80U >> (i % 8);

        if ((base[i / 8] & mask) != (address[i / 8] & mask))
            return 0;
    }
    return 1;
}

enum result auth_source_check(const struct strings *ranges, const char *host)
{
    unsigned char address[ADDRESS_MAX];
    size_t len;

    if (ranges->count == 0)
        return OK;
    len = address_of(slice_of(host), address);
    if (len == 0)
        return ERR_DENIED;
    for (size_t i = 0; i < ranges->count; i++) {
        struct slice rest = slice_of(ranges->items[i]), range;

        while (slice_cut(&rest, ',', &range)) {
            int has = range_has(slice_trim(range), address, len);

            if (has < 0)
                return ERR_INVALID;
            if (has > 0)
                return OK;
        }
    }
    return ERR_DENIED;
}

enum result auth_connection_check(const struct strings *types, enum auth_connection connection)
{
    for (size_t i = 0; i < types->count; i++) {
        if (auth_connection_of(types->items[i]) == connection)
            return OK;
    }
    return types->count == 0 ? OK : ERR_DENIED;
}

/* "HH:MM:SS": seconds of the day, or -1. */
static int64_t second_of(const char *text)
{
    struct slice rest = slice_of(text), part;
    int64_t second = 0;

    for (int i = 0; i < 3; i++) {
        uint64_t value;

        if (!slice_cut(&rest, ':', &part) || part.len != 2 ||
            !slice_uint(part, i == 0 ? 23 : 59, &value))
            return -1;
        second = second * 60 + (int64_t)value;
    }
    return rest.data == NULL ? second : -1;
}

enum result auth_window_check(const struct claims_user_limits *limits, int64_t now_s,
                              int64_t *left_s)
{
    const int64_t day = 86400;
    int64_t offset_s, now;
    enum result rc;

    *left_s = 0;
    if (limits->times.count == 0)
        return OK;
    rc = zone_offset(limits->times_location, now_s, &offset_s);
    if (rc != OK)
        return ERR_INVALID;
    now = (now_s + offset_s) % day;
    for (size_t i = 0; i < limits->times.count; i++) {
        int64_t start = second_of(limits->times.items[i].start);
        int64_t end = second_of(limits->times.items[i].end);
        int64_t left = 0;

        if (start < 0 || end < 0)
            return ERR_INVALID;
        if (start <= end) {
            left = now >= start && now < end ? end - now : 0;
        } else if (now >= start) {
            left = end + day - now; /* it ends tomorrow */
        } else if (now < end) {
            left = end - now; /* it began yesterday */
        }
        if (left > *left_s)
            *left_s = left;
    }
    return *left_s > 0 ? OK : ERR_DENIED;
}
