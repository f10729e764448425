#include "controlplane/link/link_set.h"

#include <pthread.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/list.h"
#include "api/base/log.h"
#include "api/base/mem.h"

struct link_set {
    struct link_set_options options;
    pthread_mutex_t mutex;
    struct list entries;
};

struct link_entry {
    struct list item; /* in set->entries; unlinked once it is to go */
    struct link_set *set;
    char *system_id, *url;
    struct system_link *link; /* NULL while it is being opened, or could not be */
    unsigned holders;         /* 1 for the set */
    bool wanted;              /* by the update under way */
};

static enum result credentials(void *arg, struct system_link_user *out)
{
    struct link_entry *entry = arg;

    return entry->set->options.credentials(entry->system_id, out, entry->set->options.arg);
}

static void on_state(struct system_link *link, enum system_link_state state, void *arg)
{
    struct link_entry *entry = arg;
    const struct link_set_options *options = &entry->set->options;

    if (options->on_state != NULL)
        options->on_state(entry->system_id, link, state, options->arg);
}

static void on_message(struct system_link *link, const char *subject, struct slice body, void *arg)
{
    struct link_entry *entry = arg;

    entry->set->options.on_message(entry->system_id, subject, body, entry->set->options.arg);
}

static void entry_free(struct link_entry *entry)
{
    system_link_close(entry->link);
    mem_free(entry->system_id);
    mem_free(entry->url);
    mem_free(entry);
}

/* Not under the mutex: closing a link waits for its callbacks. */
static void entry_drop(struct link_set *set, struct link_entry *entry)
{
    bool last;

    pthread_mutex_lock(&set->mutex);
    last = --entry->holders == 0;
    pthread_mutex_unlock(&set->mutex);
    if (last)
        entry_free(entry);
}

struct link_set *link_set_new(const struct link_set_options *options)
{
    struct link_set *set = mem_alloc(sizeof(*set));

    set->options = *options;
    pthread_mutex_init(&set->mutex, NULL);
    list_init(&set->entries);
    return set;
}

void link_set_free(struct link_set *set)
{
    if (set == NULL)
        return;
    link_set_update(set, NULL, 0);
    pthread_mutex_destroy(&set->mutex);
    mem_free(set);
}

/* Under the mutex.  One whose link was closed for good is left to be swept. */
static struct link_entry *find(struct link_set *set, const struct link_target *target)
{
    list_each(&set->entries, item, after)
    {
        struct link_entry *entry = list_entry(item, struct link_entry, item);

        if (strcmp(entry->system_id, target->system_id) == 0 &&
            strcmp(entry->url, target->url) == 0 &&
            (entry->link == NULL || system_link_state(entry->link) != LINK_CLOSED))
            return entry;
    }
    return NULL;
}

static void open_link(struct link_entry *entry, const char *ca)
{
    struct link_set *set = entry->set;
    struct system_link_options options = {
        .url = entry->url,
        .name = set->options.name,
        .ca = ca,
        .credentials = credentials,
        .on_state = on_state,
        .arg = entry,
    };
    struct system_link *link;

    if (system_link_open(&options, &link) != OK)
        return; /* logged; the next update tries again */
    for (size_t i = 0; set->options.subjects[i] != NULL; i++) {
        if (system_link_subscribe(link, set->options.subjects[i], on_message, entry) != OK)
            log_error(LOG_LINK, "cannot subscribe url=%s subject=%s", entry->url,
                      set->options.subjects[i]);
    }
    pthread_mutex_lock(&set->mutex);
    entry->link = link;
    pthread_mutex_unlock(&set->mutex);
}

/* Takes out of the set what is not wanted; their entries go to `gone`. */
static void sweep(struct link_set *set, struct list *gone)
{
    pthread_mutex_lock(&set->mutex);
    list_each(&set->entries, item, after)
    {
        if (list_entry(item, struct link_entry, item)->wanted)
            continue;
        list_remove(item);
        list_push(gone, item);
    }
    pthread_mutex_unlock(&set->mutex);
}

void link_set_update(struct link_set *set, const struct link_target *targets, size_t count)
{
    struct list gone, *item;

    list_init(&gone);
    pthread_mutex_lock(&set->mutex);
    list_each(&set->entries, at, after) list_entry(at, struct link_entry, item)->wanted = false;
    pthread_mutex_unlock(&set->mutex);

    for (size_t i = 0; i < count && i < LINKS_MAX; i++) {
        struct link_entry *entry;
        bool closed;

        pthread_mutex_lock(&set->mutex);
        entry = find(set, &targets[i]);
        if (entry == NULL) {
            entry = mem_alloc(sizeof(*entry));
            entry->set = set;
            entry->system_id = mem_strdup(targets[i].system_id);
            entry->url = mem_strdup(targets[i].url);
            entry->holders = 1;
            list_push(&set->entries, &entry->item);
        }
        entry->wanted = true;
        closed = entry->link == NULL;
        pthread_mutex_unlock(&set->mutex);
        if (closed)
            open_link(entry, targets[i].ca);
    }
    sweep(set, &gone);
    while ((item = list_pop(&gone)) != NULL)
        entry_drop(set, list_entry(item, struct link_entry, item));
}

static size_t take(struct link_set *set, const char *system_id, bool up, struct link_taken *out,
                   size_t cap)
{
    size_t count = 0;

    pthread_mutex_lock(&set->mutex);
    list_each(&set->entries, item, after)
    {
        struct link_entry *entry = list_entry(item, struct link_entry, item);

        if (count == cap)
            break;
        if (entry->link == NULL || (system_id != NULL && strcmp(entry->system_id, system_id) != 0))
            continue;
        if (up && system_link_state(entry->link) != LINK_UP)
            continue;
        entry->holders++;
        out[count++] = (struct link_taken){entry->link, entry};
    }
    pthread_mutex_unlock(&set->mutex);
    return count;
}

void link_set_interrupt(struct link_set *set)
{
    struct link_taken all[LINKS_MAX];
    size_t count = take(set, NULL, false, all, LINKS_MAX);

    for (size_t i = 0; i < count; i++)
        system_link_interrupt(all[i].link);
    link_set_give(set, all, count);
}

size_t link_set_take(struct link_set *set, const char *system_id, struct link_taken *out,
                     size_t cap)
{
    return take(set, system_id, true, out, cap);
}

size_t link_set_take_all(struct link_set *set, const char *system_id, struct link_taken *out,
                         size_t cap)
{
    return take(set, system_id, false, out, cap);
}

void link_set_give(struct link_set *set, const struct link_taken *taken, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entry_drop(set, taken[i].entry);
}
