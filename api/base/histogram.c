#include "api/base/histogram.h"

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/exposition.h"

void histogram_init(struct histogram *histogram, const int64_t *bounds_ms, size_t count)
{
    CHECK(count <= HISTOGRAM_BOUNDS_MAX);
    *histogram = (struct histogram){.bounds_ms = bounds_ms, .bound_count = count};
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    size_t at = 0;

    if (ns < 0)
        ns = 0;
    while (at < histogram->bound_count && ns > histogram->bounds_ms[at] * NS_PER_MS)
        at++;
    histogram->counts[at]++;
    histogram->total++;
    histogram->total_us += (uint64_t)(ns / NS_PER_US);
}

void histogram_write(const struct histogram *histogram, const char *name, const char *help,
                     struct buf *out)
{
    uint64_t sum = 0;

    exposition_head(out, name, "histogram", help);
    for (size_t i = 0; i < histogram->bound_count; i++) {
        sum += histogram->counts[i];
        buf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, (double)histogram->bounds_ms[i] / 1000,
                   (unsigned long long)sum);
    }
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
               (unsigned long long)histogram->total, name, (double)histogram->total_us / 1e6, name,
               (unsigned long long)histogram->total);
}
