/*
 * node_options: what the whole node is told to be, and what it is when nobody says anything.
 *
 * What a key turns into lies in the struct of the part that uses it.  option_load fills it from
 * the file and the command line, option_checks says whether it makes sense.
 *
 * Ownership  node_options owns the arena in which every text lies; node_options_fini.
 * Thread     the main thread.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/arena.h"
#include "dataplane/auth/resolver.h"
#include "dataplane/node/option_operator.h"
#include "dataplane/node/option_users.h"

enum { OPTIONS_PORT_DEFAULT = 4222, OPTIONS_DIGEST_MAX = 80 };

struct node_options {
    struct arena arena;
    const char *program;     /* base name of argv[0] */
    const char *config_file; /* NULL: none */
    char digest[OPTIONS_DIGEST_MAX];
    bool any_key;         /* the file says something */
    const char *warnings; /* lines, "" if there are none */

    const char *host;
    int64_t port; /* 0: any free one */
    const char *client_advertise;
    const char *server_name; /* NULL: the server's id */
    struct strings tags;
    struct string_map metadata;
    int64_t workers; /* 0: usable cores */
    bool spread;     /* connections to all workers in turn, whatever their load */

    bool debug, trace, trace_verbose, trace_headers, logtime, logtime_utc;
    const char *log_file, *pid_file, *ports_file_dir;
    int64_t log_size_limit, log_files_limit; /* 0 or less: none */

    int64_t max_control_line, max_payload, max_pending;
    int64_t max_connections; /* -1: no limit */
    int64_t max_subscriptions, max_subscription_tokens, max_closed_clients;
    int64_t ping_interval_ns, ping_max;
    int64_t write_deadline_ns;
    int64_t lame_duck_duration_ns, lame_duck_grace_ns;
    int64_t auth_timeout_ns;
    bool no_header_support;

    const char *http_host; /* NULL: as host */
    int64_t http_port;     /* 0: no monitoring over HTTP, -1: any free port */
    const char *http_base_path;

    struct option_users users;
    const char *no_auth_user;
    bool no_auth_made_up;
    const char *system_account; /* NULL: none */
    bool no_system_account;

    struct option_operators operators;
    struct strings trusted_keys;
    struct strings js_domain_accounts; /* of default_js_domain */
    struct strings pinned_accounts;
    struct resolver_options resolver;
};

/* The defaults. */
void node_options_init(struct node_options *options);
void node_options_fini(struct node_options *options);

bool node_options_operator_mode(const struct node_options *options);
/* For auth_new; lists live in the options' arena. */
void node_options_auth(struct node_options *options, struct auth_options *out);
