#include "dataplane/monitor/account_stat.h"

/* Links to other nodes carry nothing yet; their places are there, as tools subtract them. */
static const struct sys_count nothing;

static struct sys_data_stats data_stats(uint64_t msgs, uint64_t bytes)
{
    struct sys_count *none = (struct sys_count *)(uintptr_t)&nothing; /* only read */

    return (struct sys_data_stats){.msgs = (int64_t)msgs,
                                   .bytes = (int64_t)bytes,
                                   .gateways = none,
                                   .routes = none,
                                   .leafs = none};
}

void account_stat_fill(const struct account *account, struct arena *arena,
                       struct sys_account_stat *out)
{
    int64_t connections = atomic_load_explicit(&account->connections, memory_order_relaxed);
    int64_t leafs = atomic_load_explicit(&account->leafs, memory_order_relaxed);
    struct account_totals totals;

    account_totals(account, &totals);
    *out = (struct sys_account_stat){
        .acc = arena_strdup(arena, account->name),
        .name = arena_strdup(arena, account_label(account)),
        .conns = connections,
        .leafnodes = leafs,
        .total_conns = connections + leafs,
        .num_subscriptions = (int64_t)sublist_count(account->sublist),
        .sent = data_stats(totals.out_msgs, totals.out_bytes),
        .received = data_stats(totals.in_msgs, totals.in_bytes),
        .slow_consumers = (int64_t)totals.slow_consumers,
    };
}

bool account_stat_in_use(const struct account *account)
{
    return atomic_load_explicit(&account->connections, memory_order_relaxed) > 0 ||
           atomic_load_explicit(&account->leafs, memory_order_relaxed) > 0;
}
