/*
 * figures: what the REST API counts about itself: requests by route and status, and their time;
 * and what the database last counted.
 *
 * Ownership  route ids are borrowed: they are literals of the tables.
 * Thread     any.
 * Errors     none; beyond FIGURES_MAX pairs of route and status the rest is counted as "other".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/base/buf.h"

enum {
    FIGURES_MAX = 1024,
    FIGURES_KEPT = 10, /* times what it took: how long the database's answer is good */
};

struct figures;

struct figures *figures_new(void);
void figures_free(struct figures *figures);
void figures_count(struct figures *figures, const char *route, int status, int64_t ns);
/* Prometheus text: cp_http_requests_total, cp_http_duration_seconds. */
void figures_write(struct figures *figures, struct buf *out);

/*
 * What the database counts takes a second where there are 100,000 accounts, and everybody may ask
 * for it.  True: the last answer was added, because it is good still or somebody asks for the next
 * one now.  False: the caller asks, and says what he was told, "" if nothing.
 */
bool figures_kept(struct figures *figures, int64_t now_ns, struct buf *out);
void figures_keep(struct figures *figures, struct slice text, int64_t asked_ns, int64_t now_ns);
