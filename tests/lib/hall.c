#include "tests/lib/hall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/nats/limits.h"
#include "tests/lib/on_worker.h"

enum { WAIT_MS = 60000 };

void hall_init(struct hall *hall)
{
    *hall = (struct hall){.options = {
                              .server_id = "NHALL",
                              .server_name = "hall",
                              .version = "2.14.3",
                              .go = "c11",
                              .host = "127.0.0.1",
                              .port = 4222,
                              .api_level = 4,
                              .max_payload = PAYLOAD_DEFAULT,
                              .max_control_line = CONTROL_LINE_DEFAULT,
                              .max_pending = PENDING_DEFAULT,
                              .max_connections = -1,
                              .write_deadline_ns = 60 * NS_PER_S,
                              .ping_interval_ns = 120 * NS_PER_S,
                              .ping_max = 2,
                              .auth_timeout_ns = 60 * NS_PER_S,
                              .closed_max = 100,
                              .spread = true,
                          }};
}

static int64_t by_hand(struct clock *clock)
{
    return atomic_load(&container_of(clock, struct hall, hand)->hand_ns);
}

static int64_t of_the_machine(struct clock *clock)
{
    (void)clock;
    return clock_wall_ns(clock_system());
}

void hall_hold_time(struct hall *hall)
{
    hall->hand = (struct clock){of_the_machine, by_hand};
    atomic_init(&hall->hand_ns, clock_mono_ns(clock_system()));
    hall->clock = &hall->hand;
}

void hall_pass(struct hall *hall, int64_t ns)
{
    atomic_fetch_add(&hall->hand_ns, ns);
}

static void on_start(struct worker *worker, void *arg)
{
    static const struct deliver_options options;

    (void)arg;
    deliver_start(worker, &options);
}

static void on_stop(struct worker *worker, void *arg)
{
    (void)arg;
    deliver_stop(worker);
}

static void start_table(struct worker *worker, void *arg)
{
    session_table_start(arg, worker);
}

void hall_start(struct hall *hall, unsigned workers)
{
    struct worker_options options = {
        .count = workers,
        .clock = hall->clock != NULL ? hall->clock : clock_system(),
        .on_start = on_start,
        .on_stop = on_stop,
        .arg = hall,
    };
    char message[AUTH_MESSAGE_MAX];
    struct auth_parts auth_parts;
    struct session_parts parts;

    assert_int_equal(workers_start(&options, &hall->workers), OK);
    hall->accounts = account_table_new(hall->workers);
    hall->blocking = blocking_new(2, hall->workers);
    auth_parts = (struct auth_parts){
        .workers = hall->workers,
        .blocking = hall->blocking,
        .accounts = hall->accounts,
        .lookup = hall->lookup,
        .clock = clock_system(),
    };
    assert_int_equal(auth_new(&hall->auth_options, &auth_parts, &hall->auth, message), OK);
    parts = (struct session_parts){
        .workers = hall->workers,
        .auth = hall->auth,
        .accounts = hall->accounts,
        .hooks = hall->hooks,
    };
    hall->table = session_table_new(&hall->options, &parts);
    for (unsigned i = 0; i < workers; i++)
        on_worker(hall->workers, i, start_table, hall->table);
}

static void stop_table(struct worker *worker, void *arg)
{
    session_table_stop(arg, worker);
}

void hall_stop(struct hall *hall)
{
    for (unsigned i = 0; i < workers_count(hall->workers); i++)
        on_worker(hall->workers, i, stop_table, hall->table);
    blocking_free(hall->blocking);
    workers_stop(hall->workers);
    session_table_free(hall->table);
    auth_free(hall->auth);
    account_table_free(hall->accounts);
}

int hall_set_up(void **state)
{
    struct hall *hall = test_calloc(1, sizeof(*hall));

    hall_init(hall);
    hall_start(hall, HALL_WORKERS);
    *state = hall;
    return 0;
}

int hall_tear_down(void **state)
{
    hall_stop(*state);
    test_free(*state);
    return 0;
}

struct entry {
    struct hall *hall;
    int fd;
};

static void accept_one(struct worker *worker, void *arg)
{
    struct entry *entry = arg;
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&peer;

    in->sin_family = AF_INET;
    in->sin_port = htons(1234);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    session_table_accept(worker, entry->fd, &peer, entry->hall->table);
}

void guest_enter(struct hall *hall, struct guest *guest, char info[1024])
{
    struct entry entry = {.hall = hall};
    int pair[2];

    *guest = (struct guest){.fd = -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    guest->fd = pair[0];
    entry.fd = pair[1];
    on_worker(hall->workers, 0, accept_one, &entry);
    guest_hears(guest, "INFO ");
    while (memchr(guest->in, '\n', guest->len) == NULL) {
        ssize_t got = recv(guest->fd, guest->in + guest->len, sizeof(guest->in) - guest->len, 0);

        assert_true(got > 0);
        guest->len += (size_t)got;
    }
    if (info != NULL)
        snprintf(info, 1024, "%.*s", (int)guest->len, guest->in);
    guest_hears(guest, "} \r\n");
}

void guest_say(struct guest *guest, const char *text)
{
    guest_say_bytes(guest, text, strlen(text));
}

void guest_say_bytes(struct guest *guest, const void *data, size_t len)
{
    assert_int_equal(send(guest->fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* False at the end. */
static bool receive(struct guest *guest)
{
    struct pollfd poll_fd = {.fd = guest->fd, .events = POLLIN};
    ssize_t got;

    assert_true(guest->len < sizeof(guest->in) - 1);
    if (poll(&poll_fd, 1, WAIT_MS) != 1)
        fail_msg("nothing came behind \"%.*s\"", (int)guest->len, guest->in);
    got = recv(guest->fd, guest->in + guest->len, sizeof(guest->in) - guest->len - 1, 0);
    if (got <= 0)
        return false;
    guest->len += (size_t)got;
    guest->in[guest->len] = '\0';
    return true;
}

static void drop(struct guest *guest, size_t len)
{
    memmove(guest->in, guest->in + len, guest->len - len + 1);
    guest->len -= len;
}

void guest_hears(struct guest *guest, const char *text)
{
    const char *found;

    while ((found = strstr(guest->in, text)) == NULL) {
        if (!receive(guest))
            fail_msg("the end instead of \"%s\", behind \"%s\"", text, guest->in);
    }
    drop(guest, (size_t)(found - guest->in) + strlen(text));
}

/* Is what has come the text, or as far as it has come? */
static bool begins(const struct guest *guest, const char *text, size_t len)
{
    return memcmp(guest->in, text, guest->len < len ? guest->len : len) == 0;
}

/* One line.  The server's PINGs are passed over: they come when a test is held up. */
static void hear_line(struct guest *guest, const char *line, size_t len)
{
    static const char ping[] = "PING\r\n";
    const size_t ping_len = sizeof(ping) - 1;
    bool wanted = len == ping_len && memcmp(line, ping, len) == 0;

    while (guest->len < len || !begins(guest, line, len)) {
        bool is_ping = !wanted && guest->len > 0 && begins(guest, ping, ping_len);

        if (is_ping && guest->len >= ping_len)
            drop(guest, ping_len);
        else if (!is_ping && !begins(guest, line, len))
            fail_msg("\"%s\" instead of \"%s\"", guest->in, line);
        else if (!receive(guest))
            fail_msg("the end instead of \"%s\"", line);
    }
    drop(guest, len);
}

void guest_hears_only(struct guest *guest, const char *text)
{
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        size_t len = end != NULL ? (size_t)(end + 1 - text) : strlen(text);

        hear_line(guest, text, len);
        text += len;
    }
}

void guest_hears_nothing(struct guest *guest)
{
    guest_say(guest, "PING\r\n");
    guest_hears_only(guest, "PONG\r\n");
}

void guest_sees_end(struct guest *guest)
{
    while (receive(guest))
        drop(guest, guest->len);
}

void guest_leave(struct guest *guest)
{
    if (guest->fd >= 0)
        close(guest->fd);
    guest->fd = -1;
}

void guest_hears_bytes(struct guest *guest, char *out, size_t len)
{
    size_t got = 0;

    while (got < len) {
        size_t part = guest->len < len - got ? guest->len : len - got;

        memcpy(out + got, guest->in, part);
        drop(guest, part);
        got += part;
        if (got < len && !receive(guest))
            fail_msg("the end after %zu bytes of %zu", got, len);
    }
}
