#include "controlplane/domain/secret.h"

#include <sodium.h>
#include <string.h>

#include "controlplane/domain/resource.h"
#include "controlplane/vault/issuer.h"

enum { KEY_VERSION = 1 };

struct sealed {
    const char *data_key_id, *owner_id, *wrapped;
    const char *secret_id, *purpose, *ciphertext;
    int64_t key_version;
};
#define T struct sealed
static const struct field sealed_fields[] = {
    {"data_key_id", STRING_AT(T, data_key_id)}, {"owner_id", STRING_AT(T, owner_id)},
    {"wrapped", STRING_AT(T, wrapped)},         {"secret_id", STRING_AT(T, secret_id)},
    {"purpose", STRING_AT(T, purpose)},         {"ciphertext", STRING_AT(T, ciphertext)},
    {"key_version", INT_AT(T, key_version)},
};
#undef T
static const struct shape sealed_shape = SHAPE(struct sealed, sealed_fields);

static struct vault_place key_place(const struct sealed *sealed)
{
    return (struct vault_place){"data_key", sealed->data_key_id, "wrap", sealed->owner_id,
                                sealed->key_version};
}

static struct vault_place secret_place(const struct sealed *sealed)
{
    return (struct vault_place){"secret", sealed->secret_id, sealed->purpose, sealed->owner_id,
                                sealed->key_version};
}

/* The owner's data key; made if there is none. */
static enum result owner_key(struct work *work, const char *team_id, const char *owner_id,
                             struct sealed *out)
{
    struct vault_place place;
    enum result rc = db_one(work->db, SQL_secret_key_find, DB_ARGS(db_text(owner_id)),
                            &sealed_shape, work->arena, out);

    if (rc != ERR_NOT_FOUND)
        return rc;
    *out = (struct sealed){.data_key_id = resource_id_new(work, "dek"),
                           .owner_id = owner_id,
                           .key_version = KEY_VERSION};
    place = key_place(out);
    out->wrapped = vault_new_key(work->tools->vault, &place, work->arena);
    return db_exec(work->db, SQL_secret_key_insert,
                   DB_ARGS(db_text(out->data_key_id), db_text(team_id), db_text(owner_id),
                           db_integer(out->key_version), db_text(out->wrapped)));
}

enum result secret_put(struct work *work, const char *team_id, const char *owner_id,
                       const char *purpose, const struct vault_secret *secret,
                       const char **secret_id)
{
    struct vault_place key, place;
    struct sealed sealed;
    enum result rc = owner_key(work, team_id, owner_id, &sealed);

    if (rc != OK)
        return rc;
    sealed.secret_id = resource_id_new(work, "sec");
    sealed.purpose = purpose;
    key = key_place(&sealed);
    place = secret_place(&sealed);
    rc = vault_seal(work->tools->vault, &key, sealed.wrapped, &place,
                    slice_make((const char *)secret->data, secret->len), work->arena,
                    &sealed.ciphertext);
    if (rc != OK)
        return refusal_set(work->refusal, REFUSAL_signer_unavailable,
                           "A secret cannot be sealed under this master key.");
    rc = db_exec(work->db, SQL_secret_insert,
                 DB_ARGS(db_text(sealed.secret_id), db_text(team_id), db_text(sealed.data_key_id),
                         db_text(purpose), db_text(sealed.ciphertext)));
    if (rc == OK)
        *secret_id = sealed.secret_id;
    return rc;
}

enum result secret_new_key(struct work *work, const char *team_id, const char *owner_id,
                           const char *purpose, char public_key[NKEY_PUBLIC_MAX],
                           const char **secret_id)
{
    struct vault_secret seed = {0};
    enum result rc;

    issuer_new_key(work->tools->random, NKEY_ACCOUNT, public_key, &seed);
    rc = secret_put(work, team_id, owner_id, purpose, &seed, secret_id);
    vault_secret_wipe(&seed);
    return rc;
}

enum result secret_get(struct work *work, const char *secret_id, struct vault_secret *out)
{
    struct vault_place key, place;
    struct sealed sealed;
    enum result rc = db_one(work->db, SQL_secret_find, DB_ARGS(db_text(secret_id)), &sealed_shape,
                            work->arena, &sealed);

    if (rc != OK)
        return rc;
    key = key_place(&sealed);
    place = secret_place(&sealed);
    rc = vault_unseal(work->tools->vault, &key, sealed.wrapped, &place, sealed.ciphertext, out);
    if (rc != OK)
        return refusal_set(work->refusal, REFUSAL_signer_unavailable,
                           "A secret does not open under this master key.");
    return OK;
}

enum result secret_destroy(struct work *work, const char *owner_id)
{
    return db_exec(work->db, SQL_secret_destroy, DB_ARGS(db_text(owner_id)));
}

enum result secret_check_master(struct work *work)
{
    const char *proof;
    enum result rc;

    rc = db_exec(
        work->db, SQL_secret_master_insert,
        DB_ARGS(db_integer(KEY_VERSION), db_text(vault_proof(work->tools->vault, work->arena))));
    if (rc == OK)
        rc = db_get_text(work->db, SQL_secret_master_find, DB_ARGS(db_integer(KEY_VERSION)),
                         work->arena, &proof);
    return rc == OK ? vault_check_proof(work->tools->vault, proof) : rc;
}

static void wipe(void *text)
{
    sodium_memzero(text, strlen(text));
}

const char *secret_show(struct work *work, const struct vault_secret *secret)
{
    char *text = arena_copy(work->arena, slice_make((const char *)secret->data, secret->len));

    arena_on_free(work->arena, wipe, text);
    return text;
}
