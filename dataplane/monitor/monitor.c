#include "dataplane/monitor/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/base/mem.h"
#include "api/nats/subject.h"

#define CPU_SAMPLE_NS NS_PER_S

struct monitor *monitor_new(const struct monitor_facts *facts, const struct monitor_parts *parts)
{
    struct monitor *monitor = mem_alloc(sizeof(*monitor));

    monitor->facts = *facts;
    monitor->parts = *parts;
    report_gates_init(&monitor->gates);
    return monitor;
}

void monitor_bind(struct monitor *monitor, struct session_table *sessions)
{
    monitor->sessions = sessions;
}

void monitor_set_system(struct monitor *monitor, struct account *system)
{
    monitor->system = system;
}

void monitor_free(struct monitor *monitor)
{
    if (monitor == NULL)
        return;
    if (monitor->system != NULL)
        account_unref(monitor->system);
    report_gates_fini(&monitor->gates);
    mem_free(monitor);
}

int64_t monitor_now(const struct monitor *monitor)
{
    return clock_wall_ns(monitor->parts.clock);
}

void monitor_server_peek(const struct monitor *monitor, struct sys_server *out)
{
    *out = (struct sys_server){
        .name = monitor->facts.server_name,
        .host = monitor->facts.host,
        .id = monitor->facts.server_id,
        .ver = monitor->facts.version,
        .tags = monitor->facts.tags,
        .metadata = monitor->facts.metadata,
        .seq = atomic_load_explicit(&monitor->seq, memory_order_relaxed),
        .time = monitor_now(monitor),
    };
}

void monitor_server(struct monitor *monitor, struct sys_server *out)
{
    int64_t seq = atomic_fetch_add_explicit(&monitor->seq, 1, memory_order_relaxed) + 1;

    monitor_server_peek(monitor, out);
    out->seq = seq;
}

bool monitor_wanted(const struct monitor *monitor, const char *subject)
{
    /* A configured account may have a name that no subject can carry. */
    return monitor->system != NULL && subject_clean(slice_of(subject)) &&
           subject_valid_literal(slice_of(subject)) &&
           sublist_wants(monitor->system->sublist, slice_of(subject));
}

void monitor_publish(struct monitor *monitor, struct worker *worker, const char *subject,
                     const char *text)
{
    if (monitor->system != NULL)
        deliver_send(worker, monitor->system, slice_of(subject), slice_make(NULL, 0),
                     slice_make(NULL, 0), slice_of(text));
}

void monitor_publish_shape(struct worker *worker, struct account *account, const char *subject,
                           const struct shape *shape, const void *document)
{
    char *text = shape_encode_text(shape, document);

    deliver_send(worker, account, slice_of(subject), slice_make(NULL, 0), slice_make(NULL, 0),
                 slice_of(text));
    mem_free(text);
}

void monitor_event_id(char out[NUID_TEXT_MAX])
{
    static _Thread_local struct nuid nuid;

    if (nuid.random == NULL)
        nuid_init(&nuid, random_system());
    nuid_next(&nuid, out);
}

int64_t monitor_memory(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long size = 0, resident = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld %lld", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static int64_t cpu_used_ns(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
           ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

double monitor_cpu(struct monitor *monitor)
{
    struct monitor_cpu *cpu = &monitor->cpu;
    int64_t now = clock_mono_ns(monitor->parts.clock);
    int64_t before = atomic_load(&cpu->at_ns);

    /* Who moves the time on takes the sample; others read the last one. */
    if (now - before >= CPU_SAMPLE_NS &&
        atomic_compare_exchange_strong(&cpu->at_ns, &before, now)) {
        int64_t used = cpu_used_ns(), last = atomic_exchange(&cpu->used_ns, used);

        if (before != 0)
            atomic_store(&cpu->percent10, (uint32_t)((used - last) * 1000 / (now - before)));
    }
    return (double)atomic_load(&cpu->percent10) / 10.0;
}

void monitor_uptime(int64_t ns, char out[MONITOR_UPTIME_MAX])
{
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {{365 * 86400, 'y'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t seconds = ns > 0 ? ns / NS_PER_S : 0;
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t n = seconds / units[i].seconds;

        seconds %= units[i].seconds;
        if (n == 0 && len == 0 && units[i].letter != 's')
            continue;
        len += (size_t)snprintf(out + len, MONITOR_UPTIME_MAX - len, "%" PRId64 "%c", n,
                                units[i].letter);
    }
}
