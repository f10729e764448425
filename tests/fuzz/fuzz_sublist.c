/*
 * The trie against subject_match: the input is a list of commands, one a line: "+subject queue"
 * subscribes, "-n" takes the n-th away again, anything else is published.
 */
#include <stddef.h>
#include <stdint.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/subject.h"
#include "dataplane/account/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SUBS_MAX = 64 };

struct fuzzed {
    struct sub sub;
    unsigned seen;
};

struct model {
    struct sublist *list;
    struct match_builder *builder;
    struct fuzzed *subs[SUBS_MAX];
    unsigned count;
};

static struct sub_owner owner;

static void subscribe(struct model *model, struct slice line)
{
    struct fuzzed *fuzzed = mem_alloc(sizeof(*fuzzed));
    const char *blank = memchr(line.data, ' ', line.len);
    size_t subject_len = blank != NULL ? (size_t)(blank - line.data) : line.len;

    /* The blank between them becomes the queue's first byte. */
    fuzzed->sub.text = line.data;
    fuzzed->sub.subject_len = (uint32_t)subject_len;
    fuzzed->sub.queue_len = (uint16_t)(line.len - subject_len);
    fuzzed->sub.owner = &owner;
    if (model->count < SUBS_MAX && line.len <= SUB_QUEUE_LEN_MAX &&
        sublist_insert(model->list, &fuzzed->sub) == OK)
        model->subs[model->count++] = fuzzed;
    else
        mem_free(fuzzed);
}

static void unsubscribe(struct model *model, unsigned at)
{
    sublist_remove(model->list, &model->subs[at]->sub);
    mem_free(model->subs[at]);
    model->subs[at] = model->subs[--model->count];
}

static void see(uint64_t slot)
{
    struct fuzzed *fuzzed = container_of(slot_sub(slot), struct fuzzed, sub);

    CHECK(fuzzed->seen++ == 0);
}

/* What matches is found, once, and nothing else; a subject with an empty token matches nothing. */
static void publish(struct model *model, struct slice subject)
{
    struct match_result result;
    bool valid = subject_token_count(subject) > 0;

    for (struct slice rest = subject, token; valid && subject_token_next(&rest, &token);)
        valid = token.len > 0;
    for (unsigned i = 0; i < model->count; i++)
        model->subs[i]->seen = 0;
    match_build(model->builder, model->list, subject, &result);
    if (result.one != 0)
        see(result.one);
    for (uint32_t i = 0; result.match != NULL && i < result.match->plain + result.match->members;
         i++)
        see(result.match->slots[i]);
    /* subject_match is for literal subjects; ours takes wildcards of a publisher as letters. */
    for (unsigned i = 0; subject_literal(subject) && i < model->count; i++)
        CHECK(model->subs[i]->seen ==
              (valid && subject_match(sub_subject(&model->subs[i]->sub), subject)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model model = {.list = sublist_new(), .builder = match_builder_new()};
    struct slice rest = slice_make((const char *)data, size), line;

    while (size > 0 && slice_cut(&rest, '\n', &line)) {
        uint64_t at;

        if (line.len > 0 && line.data[0] == '+')
            subscribe(&model, slice_from(line, 1));
        else if (line.len > 0 && line.data[0] == '-' &&
                 slice_uint(slice_from(line, 1), SUBS_MAX, &at) && at < model.count)
            unsubscribe(&model, (unsigned)at);
        else
            publish(&model, line);
    }
    while (model.count > 0)
        unsubscribe(&model, model.count - 1);
    CHECK(model.list->trie.nodes == 0);
    match_builder_free(model.builder);
    sublist_free(model.list);
    return 0;
}
