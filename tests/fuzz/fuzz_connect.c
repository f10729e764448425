/* CONNECT and INFO: what was decoded is encoded, and that is decoded to the same again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *connect_once(struct slice text)
{
    struct handshake_connect connect;
    struct arena arena = {0};
    char *out = NULL;
    uint8_t signature[64];

    if (handshake_connect_decode(text, &arena, &connect, NULL) == OK) {
        if (connect.sig != NULL)
            (void)!handshake_signature(slice_of(connect.sig), signature);
        out = shape_encode_text(&handshake_connect_shape, &connect);
    }
    arena_fini(&arena);
    return out;
}

static char *info_once(struct slice text)
{
    struct handshake_info info;
    struct arena arena = {0};
    char *out = NULL;

    if (handshake_info_decode(text, &arena, &info, NULL) == OK)
        out = shape_encode_text(&handshake_info_shape, &info);
    arena_fini(&arena);
    return out;
}

static void twice(struct slice text, char *(*once)(struct slice text))
{
    char *first = once(text), *second;

    if (first == NULL)
        return;
    second = once(slice_of(first));
    CHECK(second != NULL && strcmp(first, second) == 0);
    mem_free(first);
    mem_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = slice_make((const char *)data, size);

    twice(text, connect_once);
    twice(text, info_once);
    return 0;
}
