/*
 * http: the documents of monitoring over HTTP.
 *
 * libmicrohttpd on a thread of its own.  A request is suspended while its document is gathered,
 * so that no thread waits and no worker is held up.
 *
 * Connections are bounded.  One more is let in and another goes: of the address
 * with the most, the one that has kept us waiting longest for its request or with its answer (see
 * crowd.h).  So half requests, however many, keep no health check out.
 *
 * Ownership  borrows the monitor.
 * Thread     http_start, http_stop: the main thread; the workers run until http_stop is through.
 * Errors     http_start: ERR_IO with a sentence.  Requests: 400 with a text, 404, 503.
 */
#pragma once

#include "api/base/result.h"
#include "dataplane/monitor/monitor.h"

struct http;

struct http_options {
    const char *host;
    int port;                 /* 0: any free one */
    const char *base_path;    /* "/": none */
    unsigned connections_max; /* 0: HTTP_CONNECTIONS_MAX */
};

enum { HTTP_MESSAGE_MAX = 256, HTTP_CONNECTIONS_MAX = 256 };

enum result http_start(const struct http_options *options, struct monitor *monitor,
                       struct http **out, char message[HTTP_MESSAGE_MAX]) MUST_CHECK;
/* As it is. */
int http_port(const struct http *http);
void http_stop(struct http *http);
