/*
 * jwt: tokens: decode and verify, encode and sign.
 *
 * Encoding is canonical: fixed order of members, keys of maps, signing keys, exports and imports
 * sorted; so equal claims give equal bytes.  The id (jti) is the base32 of SHA-512/256 over the
 * claims without their jti.
 *
 * Ownership  decoded claims live in the arena given.
 * Thread     any.
 * Errors     decode: ERR_LIMIT (too long), ERR_SYNTAX (not a token, or a member of a wrong type),
 *            ERR_UNSUPPORTED (algorithm, version or type), ERR_INVALID (the issuer is not of a
 *            kind that may sign this type), ERR_SIGNATURE.
 *            Whether the issuer is trusted and the claims make sense is asked elsewhere
 *            (claims_validate).
 */
#pragma once

#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/base/shape.h"
#include "api/base/slice.h"
#include "api/nats/claims.h"
#include "api/nats/nkey.h"

enum { JWT_ID_LEN = 52, JWT_ID_MAX = JWT_ID_LEN + 1 };

/* Somebody who signs: a key at hand, or one behind a vault. */
struct jwt_signer {
    char public_key[NKEY_PUBLIC_MAX];
    enum result (*sign)(struct jwt_signer *signer, struct slice data,
                        uint8_t signature[NKEY_SIGNATURE_LEN]);
};

struct jwt_key_signer {
    struct jwt_signer signer;
    const struct nkey *nkey; /* borrowed */
};
void jwt_key_signer_init(struct jwt_key_signer *signer, const struct nkey *nkey);

/* Verified with its own issuer. */
enum result jwt_decode(struct slice token, struct arena *arena, struct claims *out,
                       struct shape_error *error) MUST_CHECK;

/*
 * Sets claims->iss and claims->jti.  iat is the caller's (it must rise), not the clock's.
 * *token lives in the arena.  ERR_INVALID when the signer's kind may not sign this type,
 * ERR_LIMIT when it would be longer than JWT_LEN_MAX; else what the signer says.
 */
enum result jwt_encode(struct claims *claims, struct jwt_signer *signer, struct arena *arena,
                       struct slice *token) MUST_CHECK;

/*
 * SHA-512/256 in base32 over everything but iat, jti and iss: has anything changed?  (iss is left
 * out so that rotating the signing key is a decision and not a consequence.)
 */
void jwt_claims_hash(const struct claims *claims, char out[JWT_ID_MAX]);
/* The same digest over any bytes. */
void jwt_digest(struct slice data, char out[JWT_ID_MAX]);
