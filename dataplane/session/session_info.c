#include "dataplane/session/session_info.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/nats/handshake.h"
#include "dataplane/session/session_set.h"

const char *session_tag(const struct session *session, char out[SESSION_TAG_MAX])
{
    const struct session_side *side = session->side;
    bool six = strchr(side->host, ':') != NULL;
    int len = snprintf(out, SESSION_TAG_MAX, "%s%.46s%s:%u - cid:%" PRIu64, six ? "[" : "",
                       side->host, six ? "]" : "", side->port, session->cid);

    if (side->version != NULL || side->lang != NULL || side->name != NULL)
        snprintf(out + len, SESSION_TAG_MAX - (size_t)len, " - \"%s%.16s%s%.16s%s%.32s\"",
                 side->version != NULL ? "v" : "", side->version != NULL ? side->version : "",
                 side->lang != NULL ? ":" : "", side->lang != NULL ? side->lang : "",
                 side->name != NULL ? ":" : "", side->name != NULL ? side->name : "");
    return out;
}

static void fill(const struct session *session, struct handshake_info *info)
{
    const struct session_table *table = session->set->table;
    const struct session_options *options = &table->options;
    const struct auth *auth = table->parts.auth;

    *info = (struct handshake_info){
        .server_id = options->server_id,
        .server_name = options->server_name,
        .version = options->version,
        .proto = 1,
        .git_commit = options->git_commit,
        .go = options->go,
        .host = options->host,
        .port = options->port,
        .headers = !options->headers_off,
        .auth_required = auth_announced(auth),
        .max_payload = session->parser.payload_max,
        .jetstream = options->jetstream,
        .client_id = (int64_t)session->cid,
        .client_ip = session->side->host,
        .nonce = session->side->nonce[0] != '\0' ? session->side->nonce : NULL,
        .cluster = options->cluster,
        .domain = options->domain,
        .connect_urls = options->connect_urls,
        .api_lvl = options->api_level,
        .xkey = options->xkey,
    };
}

static void send_info(struct session *session, const struct handshake_info *info)
{
    struct buf buf = {0};

    handshake_info_write(&buf, info);
    conn_write(&session->conn, buf.data, buf.len);
    buf_fini(&buf);
}

void session_info_greet(struct session *session)
{
    struct handshake_info info;

    fill(session, &info);
    send_info(session, &info);
}

void session_info_connected(struct session *session)
{
    struct handshake_info info;

    fill(session, &info);
    info.connect_info = true;
    info.remote_account = session->account->name;
    info.acc_is_sys = session->account->system;
    send_info(session, &info);
}

void session_info_leave(struct session *session)
{
    struct handshake_info info;

    fill(session, &info);
    info.ldm = true;
    info.connect_urls = (struct strings){0};
    send_info(session, &info);
}

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
