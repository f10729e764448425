#include "api/nats/handshake.h"

#include "api/base/base64.h"
#include "api/base/mem.h"

#define T struct handshake_info
static const struct field info_fields[] = {
    {"server_id", STRING_AT(T, server_id)},
    {"server_name", STRING_AT(T, server_name)},
    {"version", STRING_AT(T, version)},
    {"proto", INT_AT(T, proto)},
    {"git_commit", STRING_AT(T, git_commit), FIELD_OMIT_EMPTY},
    {"go", STRING_AT(T, go)},
    {"host", STRING_AT(T, host)},
    {"port", INT_AT(T, port)},
    {"headers", BOOL_AT(T, headers)},
    {"auth_required", BOOL_AT(T, auth_required), FIELD_OMIT_EMPTY},
    {"tls_required", BOOL_AT(T, tls_required), FIELD_OMIT_EMPTY},
    {"tls_verify", BOOL_AT(T, tls_verify), FIELD_OMIT_EMPTY},
    {"tls_available", BOOL_AT(T, tls_available), FIELD_OMIT_EMPTY},
    {"max_payload", INT_AT(T, max_payload)},
    {"jetstream", BOOL_AT(T, jetstream), FIELD_OMIT_EMPTY},
    {"ip", STRING_AT(T, ip), FIELD_OMIT_EMPTY},
    {"client_id", INT_AT(T, client_id), FIELD_OMIT_EMPTY},
    {"client_ip", STRING_AT(T, client_ip), FIELD_OMIT_EMPTY},
    {"nonce", STRING_AT(T, nonce), FIELD_OMIT_EMPTY},
    {"cluster", STRING_AT(T, cluster), FIELD_OMIT_EMPTY},
    {"cluster_dynamic", BOOL_AT(T, cluster_dynamic), FIELD_OMIT_EMPTY},
    {"domain", STRING_AT(T, domain), FIELD_OMIT_EMPTY},
    {"connect_urls", STRINGS_AT(T, connect_urls), FIELD_OMIT_EMPTY},
    {"ws_connect_urls", STRINGS_AT(T, ws_connect_urls), FIELD_OMIT_EMPTY},
    {"ldm", BOOL_AT(T, ldm), FIELD_OMIT_EMPTY},
    {"compression", STRING_AT(T, compression), FIELD_OMIT_EMPTY},
    {"connect_info", BOOL_AT(T, connect_info), FIELD_OMIT_EMPTY},
    {"remote_account", STRING_AT(T, remote_account), FIELD_OMIT_EMPTY},
    {"acc_is_sys", BOOL_AT(T, acc_is_sys), FIELD_OMIT_EMPTY},
    {"api_lvl", INT_AT(T, api_lvl), FIELD_OMIT_EMPTY},
    {"xkey", STRING_AT(T, xkey), FIELD_OMIT_EMPTY},
};
#undef T
const struct shape handshake_info_shape = SHAPE(struct handshake_info, info_fields);

#define T struct handshake_connect
static const struct field connect_fields[] = {
    {"echo", BOOL_AT(T, echo)},
    {"verbose", BOOL_AT(T, verbose)},
    {"pedantic", BOOL_AT(T, pedantic)},
    {"tls_required", BOOL_AT(T, tls_required)},
    {"nkey", STRING_AT(T, nkey), FIELD_OMIT_EMPTY},
    {"jwt", STRING_AT(T, jwt), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"sig", STRING_AT(T, sig), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"auth_token", STRING_AT(T, auth_token), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"user", STRING_AT(T, user), FIELD_OMIT_EMPTY},
    {"pass", STRING_AT(T, pass), FIELD_OMIT_EMPTY | FIELD_SECRET},
    {"name", STRING_AT(T, name), FIELD_OMIT_EMPTY},
    {"lang", STRING_AT(T, lang), FIELD_OMIT_EMPTY},
    {"version", STRING_AT(T, version), FIELD_OMIT_EMPTY},
    {"protocol", INT_AT(T, protocol)},
    {"account", STRING_AT(T, account), FIELD_OMIT_EMPTY},
    {"new_account", BOOL_AT(T, new_account), FIELD_OMIT_EMPTY},
    {"headers", BOOL_AT(T, headers), FIELD_OMIT_EMPTY},
    {"no_responders", BOOL_AT(T, no_responders), FIELD_OMIT_EMPTY},
    {"proxy_sig", STRING_AT(T, proxy_sig), FIELD_OMIT_EMPTY | FIELD_SECRET},
};
#undef T
const struct shape handshake_connect_shape = SHAPE(struct handshake_connect, connect_fields);

void handshake_info_write(struct buf *buf, const struct handshake_info *info)
{
    char *text = shape_encode_text(&handshake_info_shape, info);

    buf_add_text(buf, "INFO ");
    buf_add_text(buf, text);
    buf_add_text(buf, " \r\n");
    mem_free(text);
}

/* What a shape cannot say: absent is true.  A null counts as absent. */
static bool absent(const json_t *tree, const char *name)
{
    const json_t *value = json_object_get(tree, name);

    return value == NULL || json_is_null(value);
}

enum result handshake_connect_decode(struct slice text, struct arena *arena,
                                     struct handshake_connect *out, struct shape_error *error)
{
    json_t *tree;
    enum result rc;

    rc = shape_parse_lenient(text, &tree, error);
    if (rc != OK)
        return rc;
    if (json_is_null(tree)) { /* nothing is said: as with {} */
        json_decref(tree);
        tree = json_object();
    }
    rc = shape_decode(&handshake_connect_shape, tree, SHAPE_LENIENT, arena, out, error);
    if (rc == OK) {
        out->verbose |= absent(tree, "verbose");
        out->pedantic |= absent(tree, "pedantic");
        out->echo |= absent(tree, "echo");
    }
    json_decref(tree);
    return rc;
}

enum result handshake_info_decode(struct slice text, struct arena *arena,
                                  struct handshake_info *out, struct shape_error *error)
{
    return shape_decode_text(&handshake_info_shape, text, SHAPE_LENIENT, arena, out, error);
}

enum result handshake_signature(struct slice text, uint8_t out[64])
{
    size_t len;

    if (base64url_decode(text, out, 64, &len) == OK && len == 64)
        return OK;
    if (base64_decode(text, out, 64, &len) == OK && len == 64)
        return OK;
    return ERR_SYNTAX;
}
