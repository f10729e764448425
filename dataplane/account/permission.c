/*
 * How the reference server decides, and where we are stricter:
 *
 *   subscribe  the subject, its wildcards taken as plain tokens, is matched against allow, then
 *              deny.  With a queue, entries with queues decide if any matches the subject.
 *              Stricter: '*' in an allow entry does not cover '>' in a subscription; a plain
 *              deny entry denies whatever entries with queues say.
 *   deliver    what a wider subscription gets is held against deny.  Stricter: entries with
 *              queues count here too.
 */
#include "dataplane/account/permission.h"

#include <stdatomic.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/nats/subject.h"
#include "dataplane/account/trie.h"

/* All entries of one list on one subject. */
struct entry {
    struct slice subject;
    bool plain; /* one without a queue */
    struct queue_pattern *queues;
};

struct queue_pattern {
    struct slice pattern;
    struct queue_pattern *next;
};

struct permission {
    struct arena arena; /* rules, entries and their texts */
    struct permission_rules rules;
    struct trie publish_allow, publish_deny, subscribe_allow, subscribe_deny;
    struct reclaim_node retire;
};

/* "subject" or "subject queue". */
static enum result cut_queue(struct slice text, struct slice *subject, struct slice *queue)
{
    struct slice rest = slice_trim(text);

    *queue = slice_make(NULL, 0);
    if (!slice_cut(&rest, ' ', subject) || !subject_valid(*subject) ||
        subject_token_count(*subject) > SUBJECT_TOKENS_MAX)
        return ERR_SYNTAX;
    if (rest.data == NULL)
        return OK;
    *queue = slice_trim(rest);
    return memchr(queue->data, ' ', queue->len) == NULL && subject_valid(*queue) ? OK : ERR_SYNTAX;
}

static struct entry *obtain_entry(struct arena *arena, struct trie *trie, struct slice subject)
{
    struct grave *grave = NULL;
    struct trie_node *node = trie_obtain(trie, subject, &grave);
    struct entry *entry = (struct entry *)(uintptr_t)atomic_load(&node->value);

    grave_close(grave);
    if (entry != NULL)
        return entry;
    entry = arena_alloc(arena, sizeof(*entry));
    entry->subject = subject;
    atomic_store(&node->value, (uint64_t)(uintptr_t)entry);
    return entry;
}

/* For publishing there are no queues: such an entry allows nothing and denies its subject. */
enum list_use { PUBLISH_ALLOW, PUBLISH_DENY, SUBSCRIBE };

static enum result add_list(struct arena *arena, struct trie *trie, const struct strings *list,
                            enum list_use use)
{
    for (size_t i = 0; i < list->count; i++) {
        struct slice subject, queue;
        struct queue_pattern *pattern;
        struct entry *entry;
        enum result rc = cut_queue(slice_of(list->items[i]), &subject, &queue);

        if (rc != OK)
            return rc;
        if (queue.len > 0 && use == PUBLISH_ALLOW)
            continue;
        entry = obtain_entry(arena, trie, subject);
        if (queue.len == 0 || use == PUBLISH_DENY) {
            entry->plain = true;
            continue;
        }
        pattern = arena_alloc(arena, sizeof(*pattern));
        *pattern = (struct queue_pattern){queue, entry->queues};
        entry->queues = pattern;
    }
    return OK;
}

static struct strings copy_strings(struct arena *arena, const struct strings *from)
{
    struct strings to = {NULL, from->count};

    if (from->count > 0)
        to.items = arena_alloc(arena, from->count * sizeof(to.items[0]));
    for (size_t i = 0; i < from->count; i++)
        to.items[i] = arena_strdup(arena, from->items[i]);
    return to;
}

static bool restricts(const struct permission_rules *rules)
{
    return rules->publish_allow_set || rules->publish_allow.count > 0 || rules->responses ||
           rules->publish_deny.count > 0 || rules->subscribe_allow.count > 0 ||
           rules->subscribe_deny.count > 0;
}

static enum result compile(struct permission *permission)
{
    const struct permission_rules *rules = &permission->rules;
    struct arena *arena = &permission->arena;
    enum result rc =
        add_list(arena, &permission->publish_allow, &rules->publish_allow, PUBLISH_ALLOW);

    if (rc == OK)
        rc = add_list(arena, &permission->publish_deny, &rules->publish_deny, PUBLISH_DENY);
    if (rc == OK)
        rc = add_list(arena, &permission->subscribe_allow, &rules->subscribe_allow, SUBSCRIBE);
    if (rc == OK)
        rc = add_list(arena, &permission->subscribe_deny, &rules->subscribe_deny, SUBSCRIBE);
    return rc;
}

enum result permission_new(const struct permission_rules *rules, struct permission **out)
{
    struct permission *permission;
    uint64_t seed;
    enum result rc;

    *out = NULL;
    if (!restricts(rules))
        return OK;
    permission = mem_alloc(sizeof(*permission));
    permission->rules = *rules;
    permission->rules.publish_allow = copy_strings(&permission->arena, &rules->publish_allow);
    permission->rules.publish_deny = copy_strings(&permission->arena, &rules->publish_deny);
    permission->rules.subscribe_allow = copy_strings(&permission->arena, &rules->subscribe_allow);
    permission->rules.subscribe_deny = copy_strings(&permission->arena, &rules->subscribe_deny);
    /* Only responses are allowed unless subjects are, too. */
    permission->rules.publish_allow_set =
        rules->publish_allow_set || rules->publish_allow.count > 0 || rules->responses;
    seed = random_u64(random_system());
    trie_init(&permission->publish_allow, seed);
    trie_init(&permission->publish_deny, seed);
    trie_init(&permission->subscribe_allow, seed);
    trie_init(&permission->subscribe_deny, seed);
    rc = compile(permission);
    if (rc == OK)
        *out = permission;
    else
        permission_free(permission);
    return rc;
}

void permission_free(struct permission *permission)
{
    if (permission == NULL)
        return;
    trie_fini(&permission->publish_allow);
    trie_fini(&permission->publish_deny);
    trie_fini(&permission->subscribe_allow);
    trie_fini(&permission->subscribe_deny);
    arena_fini(&permission->arena);
    mem_free(permission);
}

static void free_retired(struct reclaim_node *node)
{
    permission_free(container_of(node, struct permission, retire));
}

void permission_retire(struct permission *permission, struct reclaim_reader *reader)
{
    if (permission != NULL)
        reclaim_retire(reader, &permission->retire, free_retired);
}

/* What the entries that match a subject say. */
struct verdict {
    struct slice subject, queue;
    bool full;                  /* the subject ends in '>' and only '>' covers that */
    bool plain;                 /* an entry without a queue matches */
    bool queues, queue_matches; /* one with a queue; one whose queue matches ours */
};

static void consider(uint64_t value, void *arg)
{
    const struct entry *entry = (const struct entry *)(uintptr_t)value;
    struct verdict *verdict = arg;

    if (verdict->full && !subject_subset(verdict->subject, entry->subject))
        return;
    verdict->plain |= entry->plain;
    verdict->queues |= entry->queues != NULL;
    if (verdict->queue.len == 0)
        return;
    for (const struct queue_pattern *at = entry->queues; at != NULL; at = at->next)
        verdict->queue_matches |=
            slice_equal(at->pattern, verdict->queue) || subject_match(at->pattern, verdict->queue);
}

/* False: no token of the subject may be empty, so nothing matches. */
static bool judge(const struct trie *trie, struct verdict *verdict)
{
    struct trie_path path;

    if (trie->nodes == 0 || !trie_path_cut(&path, trie->seed, verdict->subject))
        return false;
    trie_match(trie, &path, consider, verdict);
    return true;
}

bool permission_publish(const struct permission *permission, struct slice subject)
{
    struct verdict allow = {.subject = subject}, deny = {.subject = subject};

    if (permission == NULL)
        return true;
    if (permission->rules.publish_allow_set &&
        (!judge(&permission->publish_allow, &allow) || !allow.plain))
        return false;
    return !judge(&permission->publish_deny, &deny) || !deny.plain;
}

bool permission_subscribe(const struct permission *permission, struct slice subject,
                          struct slice queue)
{
    struct verdict allow = {.subject = subject, .queue = queue}, deny = allow;

    if (permission == NULL)
        return true;
    allow.full = subject_scan(subject).full;
    if (permission->rules.subscribe_allow.count > 0) {
        if (!judge(&permission->subscribe_allow, &allow))
            return false;
        if (queue.len > 0 && allow.queues ? !allow.queue_matches : !allow.plain)
            return false;
    }
    return !judge(&permission->subscribe_deny, &deny) || (!deny.plain && !deny.queue_matches);
}

bool permission_deliver(const struct permission *permission, struct slice subject,
                        struct slice queue)
{
    struct verdict deny = {.subject = subject, .queue = queue};

    if (permission == NULL)
        return true;
    return !judge(&permission->subscribe_deny, &deny) || (!deny.plain && !deny.queue_matches);
}

bool permission_filters(const struct permission *permission, struct slice subject)
{
    if (permission == NULL || subject_literal(subject))
        return false; /* what is denied of a literal subject was denied as a whole */
    for (size_t i = 0; i < permission->rules.subscribe_deny.count; i++) {
        struct slice denied, queue;

        if (cut_queue(slice_of(permission->rules.subscribe_deny.items[i]), &denied, &queue) == OK &&
            subject_overlap(denied, subject))
            return true;
    }
    return false;
}

const struct permission_rules *permission_rules(const struct permission *permission)
{
    return &permission->rules;
}
