#include "api/base/base64.h"

#include <sodium.h>
#include <stdbool.h>

static int value_of(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* Text without its padding. */
static enum result decode(struct slice text, bool url, void *out, size_t cap, size_t *len)
{
    unsigned char *to = out;
    unsigned bits = 0, have = 0; /* `have` low bits of `bits` wait to be written */
    size_t count = 0;

    if (text.len % 4 == 1)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.data[i], url);

        if (value < 0)
            return ERR_SYNTAX;
        bits = (bits << 6 | (unsigned)value) & 0x3fff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (count == cap)
                return ERR_LIMIT;
            to[count++] = (unsigned char)(bits >> have);
        }
    }
    if ((bits & ((1u << have) - 1)) != 0)
        return ERR_SYNTAX;
    *len = count;
    return OK;
}

void base64_encode(const void *data, size_t len, char *out)
{
    sodium_bin2base64(out, BASE64_LEN(len) + 1, data, len, sodium_base64_VARIANT_ORIGINAL);
}

void base64url_encode(const void *data, size_t len, char *out)
{
    sodium_bin2base64(out, BASE64URL_LEN(len) + 1, data, len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum result base64_decode(struct slice text, void *out, size_t cap, size_t *len)
{
    size_t padding = slice_ends(text, SLICE("==")) ? 2 : slice_ends(text, SLICE("=")) ? 1 : 0;

    if (text.len % 4 != 0)
        return ERR_SYNTAX;
    return decode(slice_make(text.data, text.len - padding), false, out, cap, len);
}

enum result base64url_decode(struct slice text, void *out, size_t cap, size_t *len)
{
    return decode(text, true, out, cap, len);
}
