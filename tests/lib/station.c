#include "tests/lib/station.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/base/mem.h"
#include "dataplane/node/option_load.h"

enum { PATH_LEN = 512 };

/* --- the node ------------------------------------------------------------------------------ */

void station_prepare(struct station *station)
{
    const char *tmp = getenv("TMPDIR");

    *station = (struct station){0};
    snprintf(station->folder, sizeof(station->folder), "%s/berth-node.XXXXXX",
             tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(station->folder));
}

void station_start(struct station *station, const char *config)
{
    static char path[PATH_LEN];
    struct buf message = {0};
    FILE *file;

    snprintf(path, sizeof(path), "%s/node.conf", station->folder);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("host: 127.0.0.1\nport: -1\n", file) >= 0 && fputs(config, file) >= 0);
    assert_int_equal(fclose(file), 0);
    station->flags = (struct flags){.program = "berth-broker", .config = path};
    if (option_load(&station->flags, &station->options, &message) != OK)
        fail_msg("%s", buf_text(&message));
    buf_fini(&message);
    assert_int_equal(node_start(&station->options, &station->node), OK);
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *item;

    if (dir == NULL)
        return;
    while ((item = readdir(dir)) != NULL) {
        char path[PATH_LEN * 2];

        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, item->d_name);
        if (unlink(path) != 0)
            remove_folder(path);
    }
    closedir(dir);
    rmdir(folder);
}

void station_stop(struct station *station)
{
    if (station->node != NULL) {
        node_stop(station->node);
        node_options_fini(&station->options);
    }
    remove_folder(station->folder);
}

/* --- guests -------------------------------------------------------------------------------- */

static void open_connection(struct station *station, struct guest *guest)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)node_port(station->node)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *guest = (struct guest){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(guest->fd >= 0);
    assert_int_equal(connect(guest->fd, (struct sockaddr *)(void *)&to, sizeof(to)), 0);
    guest_hears(guest, "INFO ");
}

void station_dial(struct station *station, struct guest *guest)
{
    open_connection(station, guest);
    guest_hears(guest, "\r\n");
}

static void introduce(struct guest *guest, const char *connect)
{
    guest_say(guest, "CONNECT ");
    guest_say(guest, connect);
    guest_say(guest, "\r\nPING\r\n");
    guest_hears(guest, "PONG\r\n");
}

void station_enter(struct station *station, struct guest *guest, const char *connect)
{
    station_dial(station, guest);
    introduce(guest, connect);
}

void station_enter_jwt(struct station *station, struct guest *guest, const char *jwt,
                       const struct nkey_pair *user)
{
    struct buf signature = {0}, connect = {0};
    char nonce[64];

    open_connection(station, guest);
    guest_hears(guest, "\"nonce\":\"");
    for (size_t len = 0; len < 15; len++) {
        char letter[2] = {0};

        while (guest->len == 0)
            guest_hears(guest, "");
        letter[0] = guest->in[0];
        nonce[len] = letter[0];
        nonce[len + 1] = '\0';
        guest_hears(guest, letter);
    }
    guest_hears(guest, "\r\n");
    nkey_pair_sign(user, slice_of(nonce), &signature);
    buf_printf(&connect, "{\"verbose\":false,\"jwt\":\"%s\",\"sig\":\"%s\"}", jwt,
               buf_text(&signature));
    introduce(guest, buf_text(&connect));
    buf_fini(&signature);
    buf_fini(&connect);
}

static void receive_until(struct guest *guest, size_t len)
{
    while (guest->len < len) {
        ssize_t got =
            recv(guest->fd, guest->in + guest->len, sizeof(guest->in) - guest->len - 1, 0);

        assert_true(got > 0);
        guest->len += (size_t)got;
        guest->in[guest->len] = '\0';
    }
}

const char *guest_takes(struct guest *guest, const char *subject)
{
    static char payload[1 << 16];
    char start[256], *end;
    size_t line, len;

    snprintf(start, sizeof(start), "MSG %s", subject);
    guest_hears(guest, start);
    while ((end = memchr(guest->in, '\n', guest->len)) == NULL)
        receive_until(guest, guest->len + 1);
    line = (size_t)(end - guest->in) + 1;
    while (end > guest->in && end[-1] != ' ')
        end--;
    len = strtoul(end, NULL, 10);
    assert_true(len < sizeof(payload));
    receive_until(guest, line + len + 2);
    memcpy(payload, guest->in + line, len);
    payload[len] = '\0';
    memmove(guest->in, guest->in + line + len + 2, guest->len - line - len - 2 + 1);
    guest->len -= line + len + 2;
    return payload;
}

const char *guest_asks(struct guest *guest, const char *subject, const char *body)
{
    struct buf text = {0};
    const char *answer;

    buf_printf(&text, "SUB _INBOX.ask 900\r\nPUB %s _INBOX.ask %zu\r\n%s\r\n", subject,
               strlen(body), body);
    guest_say(guest, buf_text(&text));
    buf_fini(&text);
    answer = guest_takes(guest, "_INBOX.ask ");
    guest_say(guest, "UNSUB 900\r\n");
    return answer;
}

void guest_is_told(struct guest *guest, const char *subject, const char *body, const char *part)
{
    const char *answer = guest_asks(guest, subject, body);

    if (strstr(answer, part) == NULL)
        fail_msg("%s: %s is not in %s", subject, part, answer);
}

/* --- keys ---------------------------------------------------------------------------------- */

void station_account_token(const struct nkey_pair *signer, const struct buf *id, const char *limits,
                           int64_t iat_after_s, struct buf *out)
{
    struct buf claims = {0};

    buf_printf(&claims,
               "{\"jti\":\"J\",\"iat\":%" PRId64
               ",\"name\":\"acc\",\"sub\":\"%s\",\"nats\":{\"limits\":{"
               "\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,"
               "\"wildcards\":true,\"leaf\":-1,%s},\"type\":\"account\",\"version\":2}}",
               (int64_t)time(NULL) + iat_after_s, buf_text(id),
               limits[0] != '\0' ? limits : "\"conn\":-1");
    buf_clear(out);
    assert_true(nkey_pair_token(signer, buf_text(&claims), out));
    buf_fini(&claims);
}

void station_user_token(const struct nkey_pair *account, const struct nkey_pair *user,
                        struct buf *out)
{
    struct buf claims = {0}, id = {0};

    nkey_pair_public(user, &id);
    buf_printf(&claims,
               "{\"iat\":%" PRId64 ",\"name\":\"usr\",\"sub\":\"%s\",\"nats\":{\"pub\":{},"
               "\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\","
               "\"version\":2}}",
               (int64_t)time(NULL), buf_text(&id));
    buf_clear(out);
    assert_true(nkey_pair_token(account, buf_text(&claims), out));
    buf_fini(&claims);
    buf_fini(&id);
}

void station_keys_init(struct station_keys *keys, const char *folder)
{
    struct buf claims = {0}, operator= {0}, system = {0};

    *keys = (struct station_keys){0};
    nkey_pair_derive(&keys->operator, 'O', SLICE("operator"));
    nkey_pair_derive(&keys->system, 'A', SLICE("system"));
    nkey_pair_derive(&keys->account, 'A', SLICE("account"));
    nkey_pair_public(&keys->operator, & keys->operator_id);
    nkey_pair_public(&keys->system, &keys->system_id);
    nkey_pair_public(&keys->account, &keys->account_id);
    buf_printf(&claims,
               "{\"iat\":1,\"name\":\"op\",\"sub\":\"%s\",\"nats\":{\"system_account\":\"%s\","
               "\"type\":\"operator\",\"version\":2}}",
               buf_text(&keys->operator_id), buf_text(&keys->system_id));
    assert_true(nkey_pair_token(&keys->operator, buf_text(&claims), &operator));
    station_account_token(&keys->operator, & keys->system_id, "", -1000, &system);
    buf_printf(&keys->config,
               "operator: %s\nresolver { type: full, dir: \"%s/jwt\", allow_delete: true }\n"
               "resolver_preload { %s: %s }\n",
               buf_text(&operator), folder, buf_text(&keys->system_id), buf_text(&system));
    buf_fini(&claims);
    buf_fini(&operator);
    buf_fini(&system);
}

void station_keys_fini(struct station_keys *keys)
{
    buf_fini(&keys->operator_id);
    buf_fini(&keys->system_id);
    buf_fini(&keys->account_id);
    buf_fini(&keys->config);
}
