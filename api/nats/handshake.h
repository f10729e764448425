/*
 * handshake: INFO and CONNECT as structs.
 *
 * Ownership  decoded strings live in the arena.
 * Thread     any.
 * Errors     as shape_decode.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "api/base/buf.h"
#include "api/base/result.h"
#include "api/base/shape.h"
#include "api/base/slice.h"

struct handshake_info {
    const char *server_id, *server_name, *version;
    int64_t proto;
    const char *git_commit, *go, *host;
    int64_t port;
    bool headers;
    bool auth_required, tls_required, tls_verify, tls_available;
    int64_t max_payload;
    bool jetstream;
    const char *ip;
    int64_t client_id;
    const char *client_ip, *nonce, *cluster;
    bool cluster_dynamic;
    const char *domain;
    struct strings connect_urls, ws_connect_urls;
    bool ldm;
    const char *compression;
    bool connect_info;
    const char *remote_account;
    bool acc_is_sys;
    int64_t api_lvl;
    const char *xkey;
};
extern const struct shape handshake_info_shape;

/* Appends "INFO {...} \r\n", members in the order of the reference server. */
void handshake_info_write(struct buf *buf, const struct handshake_info *info);

struct handshake_connect {
    bool echo, verbose, pedantic; /* true when absent */
    bool tls_required;
    const char *nkey, *jwt, *sig;
    const char *auth_token, *user, *pass;
    const char *name, *lang, *version;
    int64_t protocol;
    const char *account;
    bool new_account;
    bool headers, no_responders;
    const char *proxy_sig;
};
extern const struct shape handshake_connect_shape;

/* The argument of CONNECT. */
enum result handshake_connect_decode(struct slice text, struct arena *arena,
                                     struct handshake_connect *out,
                                     struct shape_error *error) MUST_CHECK;
/* The argument of INFO, for those who connect to a server. */
enum result handshake_info_decode(struct slice text, struct arena *arena,
                                  struct handshake_info *out, struct shape_error *error) MUST_CHECK;

/* A signature of the nonce: base64url without padding, else plain base64. */
enum result handshake_signature(struct slice text, uint8_t out[64]) MUST_CHECK;
