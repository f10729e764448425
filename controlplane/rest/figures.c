#include "controlplane/rest/figures.h"

#include <pthread.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/exposition.h"
#include "api/base/histogram.h"
#include "api/base/mem.h"

static const int64_t bounds_ms[] = {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000};

struct figure {
    const char *route;
    int status;
    uint64_t count;
};

struct figures {
    pthread_mutex_t mutex;
    struct figure items[FIGURES_MAX];
    size_t count;
    struct histogram duration;
    struct buf kept; /* from the database */
    int64_t good_until_ns;
    bool asking;
};

struct figures *figures_new(void)
{
    struct figures *figures = mem_alloc(sizeof(*figures));

    pthread_mutex_init(&figures->mutex, NULL);
    histogram_init(&figures->duration, bounds_ms, COUNT_OF(bounds_ms));
    return figures;
}

void figures_free(struct figures *figures)
{
    if (figures == NULL)
        return;
    pthread_mutex_destroy(&figures->mutex);
    buf_fini(&figures->kept);
    mem_free(figures);
}

static struct figure *obtain(struct figures *figures, const char *route, int status)
{
    for (size_t i = 0; i < figures->count; i++) {
        if (figures->items[i].status == status && strcmp(figures->items[i].route, route) == 0)
            return &figures->items[i];
    }
    if (figures->count == FIGURES_MAX - 1) {
        route = "other";
        status = 0;
    }
    if (figures->count == FIGURES_MAX)
        return &figures->items[FIGURES_MAX - 1];
    figures->items[figures->count] = (struct figure){route, status, 0};
    return &figures->items[figures->count++];
}

void figures_count(struct figures *figures, const char *route, int status, int64_t ns)
{
    pthread_mutex_lock(&figures->mutex);
    obtain(figures, route, status)->count++;
    histogram_add(&figures->duration, ns);
    pthread_mutex_unlock(&figures->mutex);
}

void figures_write(struct figures *figures, struct buf *out)
{
    pthread_mutex_lock(&figures->mutex);
    exposition_head(out, "cp_http_requests_total", "counter", "Requests answered.");
    for (size_t i = 0; i < figures->count; i++)
        buf_printf(out, "cp_http_requests_total{route=\"%s\",code=\"%d\"} %llu\n",
                   figures->items[i].route, figures->items[i].status,
                   (unsigned long long)figures->items[i].count);
    histogram_write(&figures->duration, "cp_http_duration_seconds", "Time from head to answer.",
                    out);
    pthread_mutex_unlock(&figures->mutex);
}

bool figures_kept(struct figures *figures, int64_t now_ns, struct buf *out)
{
    bool good;

    pthread_mutex_lock(&figures->mutex);
    good =
        buf_slice(&figures->kept).len > 0 && (figures->asking || now_ns < figures->good_until_ns);
    if (good)
        buf_add_slice(out, buf_slice(&figures->kept));
    else
        figures->asking = true;
    pthread_mutex_unlock(&figures->mutex);
    return good;
}

void figures_keep(struct figures *figures, struct slice text, int64_t asked_ns, int64_t now_ns)
{
    pthread_mutex_lock(&figures->mutex);
    buf_clear(&figures->kept);
    buf_add_slice(&figures->kept, text);
    figures->good_until_ns = now_ns + (now_ns - asked_ns) * FIGURES_KEPT;
    figures->asking = false;
    pthread_mutex_unlock(&figures->mutex);
}
