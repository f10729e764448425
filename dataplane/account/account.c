#include "dataplane/account/account.h"

#include "api/base/check.h"
#include "api/base/mem.h"

struct account_terms *account_terms_new(void)
{
    struct account_terms *terms = mem_alloc(sizeof(*terms));

    terms->connections = terms->leafs = terms->subscriptions = terms->payload = -1;
    return terms;
}

void account_terms_free(struct account_terms *terms)
{
    if (terms == NULL)
        return;
    if (terms->free_owner != NULL)
        terms->free_owner(terms->owner);
    mem_free(terms);
}

struct account *account_new(struct workers *workers, const char *name)
{
    struct account *account = mem_alloc(sizeof(*account));
    unsigned rows = workers != NULL ? workers_count(workers) : 1;

    account->name = mem_strdup(name);
    atomic_init(&account->refs, 1);
    atomic_init(&account->terms, account_terms_new());
    account->sublist = sublist_new();
    account->workers = workers;
    account->rows = rows;
    account->counters = mem_alloc_aligned(64, rows * sizeof(account->counters[0]));
    return account;
}

struct account *account_ref(struct account *account)
{
    uint32_t before = atomic_fetch_add_explicit(&account->refs, 1, memory_order_relaxed);

    CHECK(before > 0); /* only somebody who holds it can pass it on */
    return account;
}

static void account_free(struct account *account)
{
    account_terms_free(atomic_load(&account->terms));
    sublist_free(account->sublist);
    mem_free(account->counters);
    mem_free((char *)account->name);
    mem_free(account);
}

static void free_retired(struct reclaim_node *node)
{
    account_free(container_of(node, struct account, retire));
}

static void retire_by_mail(struct worker *worker, void *body, size_t len)
{
    struct account *account;

    CHECK(len == sizeof(account));
    memcpy(&account, body, sizeof(account));
    reclaim_retire(worker->reader, &account->retire, free_retired);
}

void account_unref(struct account *account)
{
    struct worker *worker;

    if (account == NULL)
        return;
    /* Acquire and release: who frees it sees what everybody did to it. */
    if (atomic_fetch_sub_explicit(&account->refs, 1, memory_order_acq_rel) > 1)
        return;
    worker = worker_current();
    if (worker != NULL)
        reclaim_retire(worker->reader, &account->retire, free_retired);
    else if (account->workers != NULL)
        workers_post(account->workers, 0, retire_by_mail, &account, sizeof(account));
    else
        account_free(account);
}

const struct account_terms *account_terms(const struct account *account)
{
    /* Acquire: the terms were filled before they were put there. */
    return atomic_load_explicit(&account->terms, memory_order_acquire);
}

const char *account_label(const struct account *account)
{
    const char *label = account_terms(account)->label;

    return slice_given(label) ? label : account->name;
}

static void free_terms(struct reclaim_node *node)
{
    account_terms_free(container_of(node, struct account_terms, retire));
}

void account_set_terms(struct account *account, struct account_terms *terms)
{
    struct worker *worker = worker_current();
    struct account_terms *old;

    terms->updated_ns = worker != NULL ? worker->wall_ns : 0;
    old = atomic_exchange_explicit(&account->terms, terms, memory_order_acq_rel);
    /* Release: who sees the new number sees the new terms. */
    atomic_fetch_add_explicit(&account->generation, 1, memory_order_release);
    if (worker != NULL)
        reclaim_retire(worker->reader, &old->retire, free_terms);
    else
        account_terms_free(old);
}

void account_set_removed(struct account *account)
{
    atomic_store(&account->removed, true);
    /* Also for those who were judged before and are on their way in. */
    atomic_fetch_add_explicit(&account->generation, 1, memory_order_release);
}

bool account_enter(struct account *account)
{
    int64_t max = account_terms(account)->connections;
    int64_t now = atomic_load_explicit(&account->connections, memory_order_relaxed);

    do {
        if (max >= 0 && now >= max)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&account->connections, &now, now + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    atomic_fetch_add_explicit(&account->connections_total, 1, memory_order_relaxed);
    return true;
}

void account_leave(struct account *account)
{
    CHECK(atomic_fetch_sub_explicit(&account->connections, 1, memory_order_relaxed) > 0);
}

void account_totals(const struct account *account, struct account_totals *out)
{
    *out = (struct account_totals){0};
    for (unsigned i = 0; i < account->rows; i++) {
        const struct account_counters *row = &account->counters[i];

        out->in_msgs += atomic_load_explicit(&row->in_msgs, memory_order_relaxed);
        out->in_bytes += atomic_load_explicit(&row->in_bytes, memory_order_relaxed);
        out->out_msgs += atomic_load_explicit(&row->out_msgs, memory_order_relaxed);
        out->out_bytes += atomic_load_explicit(&row->out_bytes, memory_order_relaxed);
        out->slow_consumers += atomic_load_explicit(&row->slow_consumers, memory_order_relaxed);
    }
}
