/* Credential files: what is found is in the text, and is found again in a file of ours. */
#include <stddef.h>
#include <stdint.h>

#include "api/base/check.h"
#include "api/nats/creds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = slice_make((const char *)data, size);
    struct slice jwt, seed, found;
    struct buf buf = {0};

    if (creds_jwt(text, &jwt) != OK || creds_seed(text, &seed) != OK)
        return 0;
    CHECK(jwt.data >= text.data && jwt.data + jwt.len <= text.data + text.len);
    CHECK(seed.data >= text.data && seed.data + seed.len <= text.data + text.len);
    creds_format(&buf, jwt, seed);
    CHECK(creds_jwt(buf_slice(&buf), &found) == OK && slice_equal(found, jwt));
    CHECK(creds_seed(buf_slice(&buf), &found) == OK && slice_equal(found, seed));
    buf_fini(&buf);
    return 0;
}
