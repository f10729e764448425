/*
 * app: the control plane put together: built in order, ended in reverse.
 *
 *     vault - migrations - pool - master key proven - jobs - REST - bootstrap token
 *
 * The database must be there at start; later it may go away and come back: requests are answered
 * with 503 meanwhile and jobs repeat their passes.
 *
 * Ownership  an app owns its parts; the options are borrowed and outlive it.
 * Thread     the main thread; all others have signals blocked.
 * Errors     `message` holds sentences for a human: what is wrong and what to do.
 */
#pragma once

#include <stdint.h>

#include "api/base/buf.h"
#include "api/base/result.h"
#include "controlplane/app/options.h"

struct app;

/* Before any thread and any secret: signals blocked for app_run, no core dumps. */
void app_prepare(void);

enum result app_start(const struct app_options *options, struct app **out,
                      struct buf *message) MUST_CHECK;
/* Configuration is one thing, the world another: key file and database, nothing changed. */
enum result app_check(const struct app_options *options, struct buf *message) MUST_CHECK;
/* Until SIGTERM or SIGINT. */
void app_run(struct app *app);
void app_stop(struct app *app);

uint16_t app_port(const struct app *app);
