/*
 * An entry is cut into texts and placeholders.  Placeholders have lists of values; their product
 * is walked like an odometer.
 */
#include "api/nats/scope_template.h"

#include <string.h>

#include "api/base/buf.h"
#include "api/base/slice.h"
#include "api/nats/claims_validate.h"
#include "api/nats/limits.h"
#include "api/nats/subject.h"

enum { PLACEHOLDERS_MAX = 16 };

/* The values of a placeholder. */
struct values {
    struct slice *items;
    size_t count;
};

struct part {
    struct slice text; /* before the placeholder */
    struct values values;
};

struct entry {
    struct part parts[PLACEHOLDERS_MAX];
    size_t count;
    struct slice end; /* behind the last */
};

/* A list that grows in an arena. */
struct output {
    struct arena *arena;
    const char **items;
    size_t count, cap;
};

static enum result add(struct output *output, struct slice text)
{
    if (output->count == TEMPLATE_EXPANSIONS_MAX)
        return ERR_LIMIT;
    if (output->count == output->cap) {
        const char **more;

        output->cap = output->cap > 0 ? 2 * output->cap : 8;
        more = arena_alloc_array(output->arena, output->cap, sizeof(more[0]));
        if (output->count > 0)
            memcpy(more, output->items, output->count * sizeof(more[0]));
        output->items = more;
    }
    output->items[output->count++] = arena_copy(output->arena, text);
    return OK;
}

/*
 * Whoever holds the signing key chooses names and tags: a wildcard in them would widen the scope,
 * a blank would make a queue of what follows.
 */
static bool may_stand(struct slice value)
{
    return value.len > 0 && subject_literal(value) && subject_clean(value);
}

static enum result one_value(const char *text, struct arena *arena, struct values *out)
{
    if (!may_stand(slice_of(text)))
        return ERR_NOT_FOUND;
    out->items = arena_alloc(arena, sizeof(out->items[0]));
    out->items[0] = slice_of(text);
    out->count = 1;
    return OK;
}

/* Tags are "name:value"; names of either case. */
static enum result tag_values(const struct strings *tags, struct slice name, struct arena *arena,
                              struct values *out)
{
    size_t count = tags != NULL ? tags->count : 0;

    out->items = arena_alloc_array(arena, count + 1, sizeof(out->items[0]));
    for (size_t i = 0; i < count; i++) {
        struct slice rest = slice_of(tags->items[i]), key;

        if (!slice_cut(&rest, ':', &key) || rest.data == NULL || !slice_equal_nocase(key, name) ||
            !may_stand(rest))
            continue;
        out->items[out->count++] = rest;
    }
    return out->count > 0 ? OK : ERR_NOT_FOUND;
}

/* "tag( x )" -> function "tag", argument "x". */
static bool cut_call(struct slice call, struct slice *function, struct slice *argument)
{
    call = slice_trim(call);
    if (!slice_ends(call, SLICE(")")))
        return false;
    call.len--;
    if (!slice_cut(&call, '(', function) || call.data == NULL)
        return false;
    *function = slice_trim(*function);
    *argument = slice_trim(call);
    return true;
}

static enum result evaluate(struct slice call, const struct scope_template_input *input,
                            struct arena *arena, struct values *out)
{
    const struct {
        struct slice name;
        const char *value;
    } plain[] = {
        {SLICE("name"), input->user_name},
        {SLICE("subject"), input->user_subject},
        {SLICE("account-name"), input->account_name},
        {SLICE("account-subject"), input->account_subject},
    };
    struct slice function, argument;

    *out = (struct values){0};
    if (!cut_call(call, &function, &argument))
        return ERR_SYNTAX;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (argument.len == 0 && slice_equal_nocase(function, plain[i].name))
            return one_value(plain[i].value, arena, out);
    }
    if (argument.len > 0 && slice_equal_nocase(function, SLICE("tag")))
        return tag_values(input->user_tags, argument, arena, out);
    if (argument.len > 0 && slice_equal_nocase(function, SLICE("account-tag")))
        return tag_values(input->account_tags, argument, arena, out);
    return ERR_SYNTAX;
}

static enum result cut_entry(const char *text, const struct scope_template_input *input,
                             struct arena *arena, struct entry *out)
{
    const char *open, *close;

    out->count = 0;
    while ((open = strstr(text, "{{")) != NULL && (close = strstr(open, "}}")) != NULL) {
        struct part *part = &out->parts[out->count];
        enum result rc;

        if (out->count == PLACEHOLDERS_MAX)
            return ERR_LIMIT;
        part->text = slice_make(text, (size_t)(open - text));
        rc =
            evaluate(slice_make(open + 2, (size_t)(close - open - 2)), input, arena, &part->values);
        if (rc != OK)
            return rc;
        out->count++;
        text = close + 2;
    }
    out->end = slice_of(text);
    return OK;
}

/* The next choice of values; false after the last. */
static bool turn(const struct entry *entry, size_t *choice)
{
    for (size_t i = entry->count; i > 0; i--) {
        if (++choice[i - 1] < entry->parts[i - 1].values.count)
            return true;
        choice[i - 1] = 0;
    }
    return false;
}

/* ERR_INVALID: what came out is no subject. */
static enum result expand(const struct entry *entry, bool (*valid)(const char *text), bool deny,
                          struct output *output)
{
    size_t choice[PLACEHOLDERS_MAX] = {0};
    struct buf buf = {0};
    enum result rc = OK;

    do {
        buf_clear(&buf);
        for (size_t i = 0; i < entry->count; i++) {
            buf_add_slice(&buf, entry->parts[i].text);
            buf_add_slice(&buf, entry->parts[i].values.items[choice[i]]);
        }
        buf_add_slice(&buf, entry->end);
        if (valid(buf_text(&buf)))
            rc = add(output, buf_slice(&buf));
        else if (deny)
            rc = ERR_DENIED;
    } while (rc == OK && turn(entry, choice));
    buf_fini(&buf);
    return rc;
}

static enum result fill(const struct strings *list, const struct scope_template_input *input,
                        bool (*valid)(const char *text), bool deny, struct arena *arena,
                        struct strings *out)
{
    struct output output = {.arena = arena};

    for (size_t i = 0; i < list->count; i++) {
        struct entry entry;
        enum result rc = cut_entry(list->items[i], input, arena, &entry);

        if (rc == OK)
            rc = expand(&entry, valid, deny, &output);
        else if (rc != ERR_LIMIT)
            rc = deny ? ERR_DENIED : OK; /* an allow entry is dropped */
        if (rc != OK)
            return rc;
    }
    *out = (struct strings){output.items, output.count};
    return OK;
}

/* An allow list that had something and has nothing left must not mean "everything". */
static void close_if_empty(const struct claims_subjects *before, struct claims_subjects *after,
                           struct arena *arena)
{
    struct output output = {.arena = arena};
    enum result rc = OK;

    if (before->allow.count == 0 || after->allow.count > 0)
        return;
    for (size_t i = 0; rc == OK && i < after->deny.count; i++)
        rc = add(&output, slice_of(after->deny.items[i]));
    if (rc != OK)
        output.count = 0; /* the list is full: what follows contains all of it */
    (void)!add(&output, SLICE(">"));
    after->deny = (struct strings){output.items, output.count};
}

static enum result fill_subjects(const struct claims_subjects *in,
                                 const struct scope_template_input *input,
                                 bool (*valid)(const char *text), struct arena *arena,
                                 struct claims_subjects *out)
{
    enum result rc = fill(&in->allow, input, valid, false, arena, &out->allow);

    if (rc == OK)
        rc = fill(&in->deny, input, valid, true, arena, &out->deny);
    if (rc == OK)
        close_if_empty(in, out, arena);
    return rc;
}

enum result scope_template_apply(const struct claims_user_limits *template,
                                 const struct scope_template_input *input, struct arena *arena,
                                 struct claims_user_limits *out)
{
    struct claims_user_limits filled = *template;
    enum result rc;

    rc = fill_subjects(&template->permissions.pub, input, claims_pub_entry_valid, arena,
                       &filled.permissions.pub);
    if (rc == OK)
        rc = fill_subjects(&template->permissions.sub, input, claims_sub_entry_valid, arena,
                           &filled.permissions.sub);
    if (rc == OK)
        *out = filled;
    return rc;
}
