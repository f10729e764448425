/*
 * How it flows: every push is asked on every link before any answer is awaited; then answers are
 * collected call by call until a common deadline: first of each link that of the node at its other
 * end, then, while some are missing that could come over routes, whatever else arrives.  With
 * routes one send is answered by every node, so answers are deduplicated by server id.
 */
#include "controlplane/link/claims_push.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/log.h"
#include "api/nats/sys_document.h"
#include "api/nats/sys_monitor.h"

#define UPDATE_SUBJECT "$SYS.REQ.CLAIMS.UPDATE"

enum { IMPORTS_NAMED_MAX = 5 };

static const char *const class_texts[] = {
    [PUSH_OK] = "ok",
    [PUSH_SKIPPED] = "skipped",
    [PUSH_STORE_FULL] = "store_full",
    [PUSH_SIGNER_POLICY] = "signer_policy",
    [PUSH_INVALID] = "invalid",
    [PUSH_STALE] = "stale",
    [PUSH_IO] = "io",
    [PUSH_UNKNOWN] = "unknown",
};

const char *push_class_text(enum push_class class)
{
    return class_texts[class];
}

enum push_class push_classify(const char *description)
{
    static const struct {
        const char *part;
        enum push_class class;
    } table[] = {
        {"store is full", PUSH_STORE_FULL},
        {"signing key", PUSH_SIGNER_POLICY},
        {"not trusted", PUSH_SIGNER_POLICY},
        {"untrusted", PUSH_SIGNER_POLICY},
        {"newer", PUSH_STALE},
        {"validation", PUSH_INVALID},
        {"does not match", PUSH_INVALID},
        {"decod", PUSH_INVALID},
        {"claim", PUSH_INVALID},
        {"malformed", PUSH_INVALID},
        {"no space", PUSH_IO},
        {"permission denied", PUSH_IO},
        {"input/output", PUSH_IO},
        {"read-only", PUSH_IO},
        {"input or output", PUSH_IO},
    };

    if (description == NULL)
        return PUSH_UNKNOWN;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (strcasestr(description, table[i].part) != NULL)
            return table[i].class;
    }
    return PUSH_UNKNOWN;
}

static struct push_answer *find_answer(const struct claims_push *push, const char *server_id)
{
    for (size_t i = 0; i < push->answers.count; i++) {
        if (strcmp(push->answers.items[i].server_id, server_id) == 0)
            return &push->answers.items[i];
    }
    return NULL;
}

/* One call of a round. */
struct round {
    struct claims_push *push;
    const char *awaited; /* whose answer; NULL: all that are missing */
    bool info;           /* INFO, not UPDATE */
};

static bool has_unknown(const struct claims_push *push)
{
    for (size_t i = 0; i < push->answers.count; i++) {
        if (push->answers.items[i].class == PUSH_OK &&
            push->answers.items[i].applied == APPLIED_UNKNOWN)
            return true;
    }
    return false;
}

static bool settled(const struct round *round)
{
    const struct claims_push *push = round->push;
    const struct push_answer *answer;

    if (round->awaited == NULL)
        return round->info ? !has_unknown(push) : push->answers.count >= push->expected;
    answer = find_answer(push, round->awaited);
    if (!round->info)
        return answer != NULL;
    return answer == NULL || answer->class != PUSH_OK || answer->applied != APPLIED_UNKNOWN;
}

static enum system_link_more more(const struct round *round)
{
    return settled(round) ? LINK_ENOUGH : LINK_MORE;
}

/* The answers' room is made for LINKS_MAX; more nodes than that are not waited for. */
static enum system_link_more on_update_reply(struct slice body, void *arg)
{
    const struct round *round = arg;
    struct claims_push *push = round->push;
    struct sys_claims_reply reply;
    struct push_answer *answer;
    struct shape_error error;

    if (shape_decode_text(&sys_claims_reply_shape, body, SHAPE_LENIENT, push->arena, &reply,
                          &error) != OK ||
        reply.server.id == NULL || push->answers.count == LINKS_MAX)
        return LINK_MORE;
    if (find_answer(push, reply.server.id) == NULL) {
        answer = &push->answers.items[push->answers.count++];
        answer->server_id = reply.server.id;
        answer->server_name = reply.server.name;
        if (reply.error != NULL || reply.data == NULL) {
            answer->text = reply.error != NULL && reply.error->description != NULL
                               ? reply.error->description
                               : "the answer has neither data nor error";
            answer->class = push_classify(answer->text);
        } else if (reply.data->message != NULL && strstr(reply.data->message, "skip") != NULL) {
            answer->class = PUSH_SKIPPED;
        } else if (reply.data->jti != NULL) { /* ours: says what is in force */
            answer->applied = reply.data->applied ? APPLIED_YES : APPLIED_NOT_LOADED;
        }
    }
    return more(round);
}

/* The imports that are not active, as many as are worth a line; a stock node marks them. */
static const char *missing_imports(const struct sys_account_info *info, struct arena *arena)
{
    const char *text = "";
    size_t i, named = 0;
    json_t *import;

    json_array_foreach(info->imports, i, import)
    {
        const char *subject = json_string_value(json_object_get(import, "subject"));
        const char *account = json_string_value(json_object_get(import, "account"));

        if (!json_is_true(json_object_get(import, "invalid")) || subject == NULL)
            continue;
        if (named++ == IMPORTS_NAMED_MAX)
            return arena_printf(arena, "%s and more", text);
        text = arena_printf(arena, "%s%s%.256s of %.64s", text, named == 1 ? "" : ", ", subject,
                            account != NULL ? account : "?");
    }
    return named > 0 ? text : "the node does not say which";
}

/* CNF-01: a token counts as in force if it is ours, not expired, and the node finds no fault. */
static void read_info(struct claims_push *push, const struct sys_account_info *info,
                      struct push_answer *answer)
{
    if (info->jwt == NULL || strcmp(info->jwt, push->jwt) != 0 || info->expired)
        return;
    for (size_t i = 0; i < info->validation_result_jwt.count; i++) {
        if (info->validation_result_jwt.items[i].blocking)
            return;
    }
    answer->applied = info->complete ? APPLIED_YES : APPLIED_INCOMPLETE;
    if (!info->complete)
        answer->text = missing_imports(info, push->arena);
}

/* INFO: is our token in force? */
static enum system_link_more on_info_reply(struct slice body, void *arg)
{
    const struct round *round = arg;
    struct claims_push *push = round->push;
    struct push_answer *answer;
    struct sys_account_info info;
    struct shape_error error;
    struct sys_reply reply;

    if (shape_decode_text(&sys_reply_shape, body, SHAPE_LENIENT, push->arena, &reply, &error) !=
            OK ||
        reply.server.id == NULL)
        return LINK_MORE;
    answer = find_answer(push, reply.server.id);
    if (answer == NULL || answer->class != PUSH_OK)
        return LINK_MORE;
    if (reply.data == NULL || json_is_null(reply.data)) /* with an error: no such account here */
        answer->applied = APPLIED_NOT_LOADED;
    else if (shape_decode(&sys_account_info_shape, reply.data, SHAPE_LENIENT, push->arena, &info,
                          &error) == OK)
        read_info(push, &info, answer);
    return more(round);
}

/* Asks one push on one link; NULL when it cannot be asked. */
static struct system_link_call *ask(struct system_link *link, const char *subject,
                                    struct slice body)
{
    struct system_link_call *call = NULL;

    if (system_link_ask(link, subject, body, &call) != OK)
        return NULL;
    return call;
}

/* What does not come in time is missing: no error here. */
static void await(struct round *round, struct system_link_call *call, int64_t until_ns)
{
    system_link_reply_fn fn = round->info ? on_info_reply : on_update_reply;
    enum result rc;

    if (call == NULL || settled(round))
        return;
    rc = system_link_collect(call, until_ns, fn, round);
    if (rc != OK)
        log_debug(LOG_LINK, "an answer is missing account=%s error=%s", round->push->account_key,
                  result_name(rc));
}

/* The answers to one push: of each link's own node, then of nodes that only routes reach. */
static void collect(struct claims_push *push, struct system_link_call **calls,
                    const struct link_taken *links, size_t link_count, bool info, int64_t until_ns)
{
    struct round all = {push, NULL, info};

    for (size_t j = 0; j < link_count; j++) {
        char id[NKEY_PUBLIC_MAX];
        struct round own = {push, id, info};

        system_link_server_id(links[j].link, id);
        if (id[0] != 0)
            await(&own, calls[j], until_ns);
    }
    for (size_t j = 0; j < link_count; j++)
        await(&all, calls[j], until_ns);
}

/* One round of questions for all pushes over all links; then all answers. */
static void round_of(struct claims_push *pushes, size_t count, const struct link_taken *links,
                     size_t link_count, bool info, int64_t until_ns)
{
    struct arena arena = {0};
    struct system_link_call **calls =
        arena_alloc_array(&arena, count * link_count + 1, sizeof(*calls));

    for (size_t i = 0; i < count; i++) {
        struct claims_push *push = &pushes[i];
        const char *subject =
            info ? arena_printf(&arena, "$SYS.REQ.ACCOUNT.%s.INFO", push->account_key)
                 : UPDATE_SUBJECT;
        struct slice body = info ? SLICE("") : slice_of(push->jwt);

        for (size_t j = 0; j < link_count && (!info || has_unknown(push)); j++)
            calls[i * link_count + j] = ask(links[j].link, subject, body);
    }
    for (size_t i = 0; i < count; i++)
        collect(&pushes[i], calls + i * link_count, links, link_count, info, until_ns);
    for (size_t i = 0; i < count * link_count; i++)
        system_link_call_end(calls[i]);
    arena_fini(&arena);
}

void claims_push_all(struct claims_push *pushes, size_t count, const struct link_taken *links,
                     size_t link_count, int64_t timeout_ms)
{
    int64_t until_ns = clock_mono_ns(clock_system()) + timeout_ms * NS_PER_MS;
    bool unknown = false;

    for (size_t i = 0; i < count; i++) {
        pushes[i].answers.items =
            arena_alloc_array(pushes[i].arena, LINKS_MAX, sizeof(*pushes[i].answers.items));
        pushes[i].answers.count = 0;
    }
    round_of(pushes, count, links, link_count, false, until_ns);
    for (size_t i = 0; i < count; i++)
        unknown = unknown || has_unknown(&pushes[i]);
    if (unknown)
        round_of(pushes, count, links, link_count, true,
                 clock_mono_ns(clock_system()) + timeout_ms * NS_PER_MS);
}
