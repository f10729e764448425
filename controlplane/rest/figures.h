/*
 * figures: what the REST API counts about itself: requests by route and status, and their time.
 *
 * Ownership  route ids are borrowed: they are literals of the tables.
 * Thread     any.
 * Errors     none; beyond FIGURES_MAX pairs of route and status the rest is counted as "other".
 */
#pragma once

#include <stdint.h>

#include "api/base/buf.h"

enum { FIGURES_MAX = 1024 };

struct figures;

struct figures *figures_new(void);
void figures_free(struct figures *figures);
void figures_count(struct figures *figures, const char *route, int status, int64_t ns);
/* Prometheus text: cp_http_requests_total, cp_http_duration_seconds. */
void figures_write(struct figures *figures, struct buf *out);
