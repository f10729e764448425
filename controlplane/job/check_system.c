#include "controlplane/job/check_system.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { SUBJECT_MAX = 128, TROUBLE_MAX = 200, POLL_MS = 20 };

/* %s: the system account's key.  A memory resolver has no store to be asked about. */
static const struct asked {
    const char *subject;
    bool of_store;
} table[] = {
    {"$SYS.REQ.SERVER.PING.IDZ", false},    {"$SYS.REQ.SERVER.PING.VARZ", false},
    {"$SYS.REQ.ACCOUNT.PING.STATZ", false}, {"$SYS.REQ.ACCOUNT.%s.INFO", false},
    {"$SYS.REQ.ACCOUNT.%s.CONNZ", false},   {"$SYS.REQ.CLAIMS.UPDATE", false},
    {"$SYS.REQ.CLAIMS.LIST", true},         {"$SYS.REQ.CLAIMS.PACK", true},
    {"$SYS.REQ.CLAIMS.DELETE", true},
};
enum { ASKED_COUNT = COUNT_OF(table) };

struct asked_link {
    struct link_taken taken;
    struct system_link_call *calls[ASKED_COUNT]; /* NULL: could not be asked */
    enum result results[ASKED_COUNT];
};

static void subject_of(const struct asked *asked, const char *account_key, char out[SUBJECT_MAX])
{
    const char *mark = strstr(asked->subject, "%s");

    if (mark == NULL)
        snprintf(out, SUBJECT_MAX, "%s", asked->subject);
    else
        snprintf(out, SUBJECT_MAX, "%.*s%s%s", (int)(mark - asked->subject), asked->subject,
                 account_key, mark + 2);
}

/* A system that was just made, or changed, has links that are still being opened. */
static size_t wait_for_links(struct link_set *set, const char *system_id, struct link_taken *out,
                             size_t wanted, int64_t until_ns)
{
    struct timespec pause = {.tv_nsec = POLL_MS * NS_PER_MS};

    for (;;) {
        size_t count = link_set_take_all(set, system_id, out, LINKS_MAX), settled = 0;

        for (size_t i = 0; i < count; i++) {
            enum system_link_state state = system_link_state(out[i].link);

            settled += state == LINK_UP || state == LINK_CLOSED;
        }
        if (settled >= wanted || clock_mono_ns(clock_system()) >= until_ns)
            return count;
        link_set_give(set, out, count);
        nanosleep(&pause, NULL);
    }
}

static void ask(struct asked_link *link, const char *account_key)
{
    for (size_t i = 0; i < ASKED_COUNT; i++) {
        char subject[SUBJECT_MAX];

        subject_of(&table[i], account_key, subject);
        link->results[i] = system_link_ask(link->taken.link, subject, SLICE(""), &link->calls[i]);
        if (link->results[i] != OK)
            link->calls[i] = NULL;
    }
}

static enum system_link_more on_answer(struct slice body, void *arg)
{
    return LINK_ENOUGH;
}

static void collect(struct asked_link *link, int64_t until_ns)
{
    for (size_t i = 0; i < ASKED_COUNT; i++) {
        if (link->calls[i] == NULL)
            continue;
        link->results[i] = system_link_collect(link->calls[i], until_ns, on_answer, NULL);
        system_link_call_end(link->calls[i]);
    }
}

static const char *words_of(enum result rc)
{
    switch (rc) {
    case ERR_NOT_FOUND:
        return "nobody answers this subject on the node";
    case ERR_TIMEOUT:
        return "no answer: our user may not ask, or the node does not know the subject";
    default:
        return result_text(rc);
    }
}

/* No store at all is a memory resolver; only a part of it missing is a fault. */
static bool keeps_no_store(const struct asked_link *link)
{
    for (size_t i = 0; i < ASKED_COUNT; i++) {
        if (table[i].of_store && link->results[i] == OK)
            return false;
    }
    return true;
}

static json_t *write_checks(const struct asked_link *link, const char *account_key, bool *ok)
{
    json_t *checks = json_array();
    bool no_store = keeps_no_store(link);

    for (size_t i = 0; i < ASKED_COUNT; i++) {
        bool well = link->results[i] == OK;
        json_t *check;
        char subject[SUBJECT_MAX];

        if (table[i].of_store && no_store)
            continue;
        subject_of(&table[i], account_key, subject);
        check = json_object();
        json_object_set_new(check, "subject", json_string(subject));
        json_object_set_new(check, "ok", json_boolean(well));
        json_object_set_new(check, "error",
                            well ? json_null() : json_string(words_of(link->results[i])));
        json_array_append_new(checks, check);
        *ok = *ok && well;
    }
    return checks;
}

static json_t *write_link(const struct asked_link *link, const char *account_key, bool *ok)
{
    bool connected = system_link_state(link->taken.link) == LINK_UP;
    json_t *tree = json_object();
    char trouble[TROUBLE_MAX], server_id[NKEY_PUBLIC_MAX];

    system_link_trouble(link->taken.link, trouble, sizeof(trouble));
    system_link_server_id(link->taken.link, server_id);
    json_object_set_new(tree, "url", json_string(system_link_url(link->taken.link)));
    json_object_set_new(tree, "connected", json_boolean(connected));
    json_object_set_new(tree, "trouble", json_string(trouble));
    json_object_set_new(tree, "server_id", json_string(server_id));
    json_object_set_new(tree, "checks",
                        connected ? write_checks(link, account_key, ok) : json_array());
    *ok = *ok && connected;
    return tree;
}

json_t *check_system(const struct job_context *context, const char *system_id,
                     const char *account_key, size_t links)
{
    int64_t until_ns = clock_mono_ns(clock_system()) + CHECK_SYSTEM_MS * NS_PER_MS;
    struct link_taken taken[LINKS_MAX];
    size_t count = wait_for_links(context->links, system_id, taken, links, until_ns);
    struct asked_link *asked = mem_alloc_array(count + 1, sizeof(*asked));
    json_t *tree = json_object(), *list = json_array();
    bool ok = count > 0 && count >= links;

    until_ns = clock_mono_ns(clock_system()) + CHECK_SYSTEM_MS * NS_PER_MS;
    for (size_t i = 0; i < count; i++) {
        asked[i].taken = taken[i];
        ask(&asked[i], account_key);
    }
    for (size_t i = 0; i < count; i++) {
        collect(&asked[i], until_ns);
        json_array_append_new(list, write_link(&asked[i], account_key, &ok));
    }
    link_set_give(context->links, taken, count);
    mem_free(asked);
    json_object_set_new(tree, "ok", json_boolean(ok));
    json_object_set_new(tree, "links", list);
    return tree;
}
