/* Keys in print: what is accepted is printed the same. */
#include <stddef.h>
#include <stdint.h>

#include "api/base/base32.h"
#include "api/base/check.h"
#include "api/base/crc.h"
#include "api/nats/nkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_text(struct slice text)
{
    char public[NKEY_PUBLIC_MAX], seed[NKEY_SEED_MAX];
    struct nkey nkey, again;
    enum nkey_kind kind;

    if (nkey_from_public(&nkey, text) == OK) {
        nkey_public(&nkey, public);
        CHECK(slice_equal(slice_of(public), text));
        CHECK(nkey_kind_of(text, &kind) == OK && kind == nkey.kind && nkey_is(text, kind));
    }
    if (nkey_from_seed(&nkey, text) == OK) {
        nkey_seed(&nkey, seed);
        CHECK(slice_equal(slice_of(seed), text));
        nkey_public(&nkey, public);
        CHECK(nkey_from_public(&again, slice_of(public)) == OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[64];
    char text[BASE32_LEN(sizeof(bytes)) + 1];
    uint16_t crc;

    try_text(slice_make((const char *)data, size));
    if (size + 2 > sizeof(bytes) || size == 0)
        return 0;
    /* The same with a good checksum. */
    __builtin_memcpy(bytes, data, size);
    crc = crc16(data, size);
    bytes[size] = (uint8_t)(crc & 0xff);
    bytes[size + 1] = (uint8_t)(crc >> 8);
    base32_encode(bytes, size + 2, text);
    try_text(slice_of(text));
    return 0;
}
