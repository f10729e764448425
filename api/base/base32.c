#include "api/base/base32.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void base32_encode(const void *data, size_t len, char *out)
{
    const unsigned char *in = data;
    unsigned bits = 0, have = 0; /* `have` low bits of `bits` wait to be written */

    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | in[i]) & 0xfff;
        have += 8;
        while (have >= 5) {
            have -= 5;
            *out++ = alphabet[bits >> have & 31];
        }
    }
    if (have > 0)
        *out++ = alphabet[bits << (5 - have) & 31];
    *out = '\0';
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

enum result base32_decode(struct slice text, void *out, size_t cap, size_t *len)
{
    size_t rest = text.len % 8;
    unsigned char *to = out;
    unsigned bits = 0, have = 0;
    size_t count = 0;

    if (rest == 1 || rest == 3 || rest == 6)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            return ERR_SYNTAX;
        bits = (bits << 5 | (unsigned)value) & 0xfff;
        have += 5;
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
