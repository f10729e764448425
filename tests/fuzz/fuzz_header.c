/* Header blocks: what is walked is also found, and what is built is valid. */
#include <stddef.h>
#include <stdint.h>

#include "api/base/check.h"
#include "api/nats/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct slice part, struct slice whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice block = slice_make((const char *)data, size);
    struct slice rest = block, key, value, found, description;
    struct buf built = {0};
    unsigned code;

    header_begin(&built, 0, slice_make(NULL, 0));
    while (header_next(&rest, &key, &value)) {
        CHECK(within(key, block) && within(value, block));
        if (key.len > 0 && header_valid(block) && header_get(block, key, &found) == OK)
            CHECK(within(found, block));
        header_add(&built, key, value);
    }
    header_end(&built);
    CHECK(header_valid(buf_slice(&built)));
    if (header_status(block, &code, &description) == OK)
        CHECK(code <= 999 && within(description, block));
    (void)!header_get(block, SLICE("Nats-Msg-Id"), &found);
    buf_fini(&built);
    return 0;
}
