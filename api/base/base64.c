#include "api/base/base64.h"

#include <errno.h>
#include <sodium.h>

static enum result decode(struct slice text, void *out, size_t cap, size_t *len, int variant)
{
    const char *end;

    if (text.len == 0) {
        *len = 0;
        return OK;
    }
    /* libsodium's is strict: alphabet, padding, left-over bits. */
    errno = 0;
    if (sodium_base642bin(out, cap, text.data, text.len, NULL, len, &end, variant) != 0)
        return errno == ERANGE ? ERR_LIMIT : ERR_SYNTAX;
    return end == text.data + text.len ? OK : ERR_SYNTAX;
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
    return decode(text, out, cap, len, sodium_base64_VARIANT_ORIGINAL);
}

enum result base64url_decode(struct slice text, void *out, size_t cap, size_t *len)
{
    return decode(text, out, cap, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
