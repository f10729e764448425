/*
 * limits: bounds of the protocol that no configuration exceeds, and the defaults that every
 * client assumes.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     none.
 */
#pragma once

enum {
    CONTROL_LINE_DEFAULT = 4096,     /* the argument part of a control line */
    CONTROL_LINE_PEER_FACTOR = 16,   /* leaf nodes, routes: that many times longer */
    CONTROL_LINE_LIMIT = 1 << 24,    /* what a configuration may ask for at most */
    SUBJECT_TOKENS_MAX = 2048,       /* a token and its dot on a default control line */
    PAYLOAD_DEFAULT = 1 << 20,       /* max_payload unless configured */
    PAYLOAD_WARN = 8 << 20,          /* larger is said at start */
    PAYLOAD_LIMIT = 64 << 20,        /* what a configuration may ask for at most */
    PAYLOAD_DIGITS_MAX = 9,          /* a longer size is malformed */
    PENDING_DEFAULT = 64 << 20,      /* max_pending unless configured */
    CONNECTIONS_DEFAULT = 65536,     /* max_connections unless configured */
    PING_MAX_DEFAULT = 2,            /* unanswered PINGs */
    NONCE_LEN = 15,                  /* base64url of 11 bytes */
    NONCE_BYTES = 11,                /* as the reference server */
    JWT_LEN_MAX = 1 << 20,           /* as the reference server */
    CLAIMS_TEXT_MAX = 8 << 10,       /* description, info_url */
    CLAIMS_LIST_MAX = 65536,         /* items of any list or map in claims */
    TEMPLATE_EXPANSIONS_MAX = 4096,  /* of one list of a scope, as the reference server */
    MESSAGE_HEADER_STATUS_MAX = 999, /* three digits */
};

_Static_assert(PAYLOAD_LIMIT < 1000000000, "nine digits can say it");
