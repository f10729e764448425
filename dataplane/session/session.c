#include "dataplane/session/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/nkey.h"

_Static_assert(sizeof(struct session) <= 720, "10,000 idle ones: 4 KiB each all told");

static const char *const reason_texts[SESSION_REASONS] = {
    [SESSION_OPEN] = "",
    [SESSION_CLIENT_CLOSED] = "Client Closed",
    [SESSION_AUTH_TIMEOUT] = "Authentication Timeout",
    [SESSION_AUTH_FAILURE] = "Authentication Failure",
    [SESSION_SLOW_PENDING] = "Slow Consumer (Pending Bytes)",
    [SESSION_SLOW_DEADLINE] = "Slow Consumer (Write Deadline)",
    [SESSION_WRITE_ERROR] = "Write Error",
    [SESSION_READ_ERROR] = "Read Error",
    [SESSION_PARSE_ERROR] = "Parse Error",
    [SESSION_STALE] = "Stale Connection",
    [SESSION_PROTOCOL_VIOLATION] = "Protocol Violation",
    [SESSION_BAD_PROTOCOL_VERSION] = "Bad Client Protocol Version",
    [SESSION_MAX_CONNECTIONS] = "Maximum Connections Exceeded",
    [SESSION_MAX_ACCOUNT_CONNECTIONS] = "Maximum Account Connections Exceeded",
    [SESSION_MAX_PAYLOAD] = "Maximum Message Payload Exceeded",
    [SESSION_MAX_CONTROL_LINE] = "Maximum Control Line Exceeded",
    [SESSION_MAX_SUBSCRIPTIONS] = "Maximum Subscriptions Exceeded",
    [SESSION_SHUTDOWN] = "Server Shutdown",
    [SESSION_EXPIRED] = "Authentication Expired",
    [SESSION_MISSING_ACCOUNT] = "Missing Account",
    [SESSION_REVOKED] = "Credentials Revoked",
    [SESSION_NO_RESPONDERS] = "No Responders Requires Headers",
    [SESSION_KICKED] = "Kicked",
};

const char *session_reason_text(enum session_reason reason)
{
    return reason_texts[reason];
}

#define TO(state) (1U << (state))

/* Every move a session can make. */
static const unsigned session_moves[SESSION_STATES] = {
    [SESSION_NEW] = TO(SESSION_GREETED) | TO(SESSION_CLOSING),
    [SESSION_GREETED] = TO(SESSION_LOGIN) | TO(SESSION_CLOSING),
    [SESSION_LOGIN] = TO(SESSION_READY) | TO(SESSION_DROPPING) | TO(SESSION_CLOSING),
    [SESSION_READY] = TO(SESSION_LOGIN) | TO(SESSION_CLOSING),
    [SESSION_DROPPING] = TO(SESSION_READY) | TO(SESSION_CLOSING),
};

void session_move(struct session *session, enum session_state next)
{
    CHECK(session_moves[session->state] & TO(next));
    session->state = (uint8_t)next;
}

/* Appends at most `max` bytes of what a peer wrote; it cannot end the quotes around it. */
static void tag_add(char *out, size_t *len, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i] != '\0' && *len + 2 < SESSION_TAG_MAX; i++) {
        if (text[i] == '"' || text[i] == '\\')
            out[(*len)++] = '\\';
        out[(*len)++] = text[i];
    }
    out[*len] = '\0';
}

/* "vVERSION:LANG:NAME", of what there is. */
static void tag_add_client(char *out, size_t *len, const struct session_side *side)
{
    const char *parts[] = {side->version, side->lang, side->name};
    static const size_t max[] = {16, 16, 32};
    const char *between = side->version != NULL ? " - \"v" : " - \"";
    size_t before = *len;

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (parts[i] == NULL)
            continue;
        *len += (size_t)snprintf(out + *len, SESSION_TAG_MAX - *len, "%s", between);
        tag_add(out, len, parts[i], max[i]);
        between = ":";
    }
    if (*len > before)
        *len += (size_t)snprintf(out + *len, SESSION_TAG_MAX - *len, "\"");
}

/* "ACCOUNT/user:NAME", once it is known. */
static void tag_add_user(char *out, size_t *len, const struct session *session)
{
    const struct identity *identity = session->identity;
    const char *kind = "user:";

    if (identity == NULL || !slice_given(identity->user))
        return;
    if (strcmp(identity->user, "[REDACTED]") == 0)
        kind = "token";
    else if (identity->jwt == NULL && nkey_is(slice_of(identity->user), NKEY_USER))
        kind = "nkey:";
    *len += (size_t)snprintf(out + *len, SESSION_TAG_MAX - *len, " - \"");
    tag_add(out, len, session->account->name, 64);
    *len += (size_t)snprintf(out + *len, SESSION_TAG_MAX - *len, "/%s", kind);
    if (strcmp(kind, "token") != 0)
        tag_add(out, len, identity->label != NULL ? identity->label : identity->user, 64);
    *len += (size_t)snprintf(out + *len, SESSION_TAG_MAX - *len, "\"");
}

const char *session_tag(const struct session *session, char out[SESSION_TAG_MAX])
{
    const struct session_side *side = session->side;
    bool six = strchr(side->host, ':') != NULL;
    size_t len =
        (size_t)snprintf(out, SESSION_TAG_MAX, "%s%.46s%s:%u - cid:%" PRIu64, six ? "[" : "",
                         side->host, six ? "]" : "", side->port, session->cid);

    tag_add_client(out, &len, side);
    tag_add_user(out, &len, session);
    return out;
}

/* --- saying things --------------------------------------------------------------------------- */

void session_error(struct session *session, const char *format, ...)
{
    struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    conn_write(&session->conn, "-ERR '", 6);
    conn_write(&session->conn, text.data, text.len);
    conn_write(&session->conn, "'\r\n", 3);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "-ERR %.256s", buf_text(&text));
    buf_fini(&text);
}

void session_ok(struct session *session)
{
    if ((session->flags & SESSION_VERBOSE) == 0)
        return;
    conn_write(&session->conn, "+OK\r\n", 5);
    if (session->flags & SESSION_TRACE)
        session_trace_out(session, "OK");
}

/* --- the trace log -------------------------------------------------------------------------- */

static bool secret(const char *key)
{
    static const char *const keys[] = {"pass", "auth_token", "sig", "jwt", "nkey", "proxy_sig"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (strncmp(key, keys[i], strlen(keys[i])) == 0)
            return true;
    }
    return false;
}

/* CONNECT's argument with its secrets taken out; mem_free. */
static char *redact(struct slice text)
{
    struct shape_error error;
    const char *key;
    json_t *tree, *value;
    char *out;

    if (shape_parse_lenient(text, &tree, &error) != OK)
        return mem_strdup("...");
    json_object_foreach(tree, key, value)
    {
        if (secret(key))
            (void)json_object_set_new(tree, key, json_string("[REDACTED]"));
    }
    out = shape_dump(tree);
    json_decref(tree);
    return out;
}

void session_trace_in(const struct session *session, enum verb verb, struct slice text)
{
    char tag[SESSION_TAG_MAX];
    const char *word = verb_specs[verb].word;

    session_tag(session, tag);
    if (verb == VERB_CONNECT) {
        char *safe = redact(text);

        log_trace(LOG_SESSION, "%s - <<- [CONNECT %s]", tag, safe);
        mem_free(safe);
    } else if (text.len == 0 || verb == VERB_PING || verb == VERB_PONG || verb == VERB_OK) {
        log_trace(LOG_SESSION, "%s - <<- [%s]", tag, verb == VERB_OK ? "OK" : word);
    } else {
        log_trace(LOG_SESSION, "%s - <<- [%s %.*s]", tag, word, (int)text.len, text.data);
    }
}

void session_trace_out(const struct session *session, const char *format, ...)
{
    char tag[SESSION_TAG_MAX], line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log_trace(LOG_SESSION, "%s - ->> [%s]", session_tag(session, tag), line);
}
