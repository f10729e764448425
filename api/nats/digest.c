#include "api/nats/digest.h"

#include <openssl/evp.h>

#include "api/base/check.h"

static void digest(const EVP_MD *method, const void *data, size_t len, uint8_t *out)
{
    unsigned got = DIGEST_LEN;

    CHECK(EVP_MD_size(method) == DIGEST_LEN);
    CHECK(EVP_Digest(data, len, out, &got, method, NULL) == 1);
}

void digest_sha512_256(const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
    digest(EVP_sha512_256(), data, len, out);
}

void digest_sha256(const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
    digest(EVP_sha256(), data, len, out);
}
