/*
 * app: the parts of the control plane put together: built in order, ended in reverse.
 *
 * Ownership  the app owns its parts; options are borrowed for its life.
 * Thread     main.
 * Errors     `message` says plainly what is wrong.
 */
#pragma once

#include "api/base/result.h"
#include "controlplane/app/options.h"

enum { APP_MESSAGE_MAX = 512 };

struct app;

/* Migrates the database, starts jobs and REST API. */
enum result app_start(const struct options *options, struct app **out,
                      char message[APP_MESSAGE_MAX]) MUST_CHECK;
void app_stop(struct app *app);
uint16_t app_port(const struct app *app);
