#include "dataplane/session/session_info.h"

#include "api/nats/handshake.h"
#include "dataplane/session/session_set.h"

static void fill(const struct session *session, struct handshake_info *info)
{
    const struct session_table *table = session->set->table;
    const struct session_options *options = &table->options;

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
        .auth_required = auth_required(table->parts.auth),
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
    info.auth_required = auth_announced(session->set->table->parts.auth);
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

bool session_info_leave(struct session *session)
{
    struct handshake_info info;

    if (session->protocol < 1 || (session->flags & SESSION_FIRST_PONG) == 0)
        return false;
    fill(session, &info);
    info.ldm = true;
    info.connect_urls = (struct strings){0};
    send_info(session, &info);
    return true;
}
