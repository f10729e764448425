/*
 * hall: sessions on workers without a node: guests come in over socket pairs.
 *
 * Ownership  the hall's parts are its own; guests are the test's.
 * Thread     the test's main thread.
 * Errors     none; what goes wrong stops the test.
 */
#pragma once

#include <stdatomic.h>

#include "dataplane/core/blocking.h"
#include "dataplane/session/session_table.h"

struct hall {
    struct workers *workers;
    struct account_table *accounts;
    struct blocking *blocking;
    struct auth *auth;
    struct session_table *table;
    /* What the test may set before hall_start. */
    struct auth_options auth_options;
    struct auth_accounts lookup;
    struct session_options options;
    struct session_hooks hooks;
    struct clock *clock; /* of the workers; NULL: the machine's */
    /* hall_hold_time's. */
    struct clock hand;
    _Atomic int64_t hand_ns;
};

/* The options of an ordinary node; then change some, then start. */
void hall_init(struct hall *hall);
void hall_start(struct hall *hall, unsigned workers);
void hall_stop(struct hall *hall);

/* Before hall_start: no time passes but what hall_pass lets pass. */
void hall_hold_time(struct hall *hall);
void hall_pass(struct hall *hall, int64_t ns);

/* For cmocka: *state is an ordinary hall with so many workers. */
enum { HALL_WORKERS = 3 };
int hall_set_up(void **state);
int hall_tear_down(void **state);

struct guest {
    int fd;
    char in[1 << 16];
    size_t len;
};

/* Comes in and reads INFO away; `info` (may be NULL) gets it. */
void guest_enter(struct hall *hall, struct guest *guest, char info[1024]);
void guest_say(struct guest *guest, const char *text);
void guest_say_bytes(struct guest *guest, const void *data, size_t len);
/* Exactly so many. */
void guest_hears_bytes(struct guest *guest, char *out, size_t len);
/* Reads until the text has come; what came before it and itself are gone then. */
void guest_hears(struct guest *guest, const char *text);
/* The next that comes is that text, exactly, but for PINGs of the server that are not in it. */
void guest_hears_only(struct guest *guest, const char *text);
/* Nothing is waiting after a PING and its PONG. */
void guest_hears_nothing(struct guest *guest);
void guest_sees_end(struct guest *guest);
void guest_leave(struct guest *guest);
