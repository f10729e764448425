/*
 * An entry is cut into texts and placeholders.  Placeholders have lists of values; their product
 * is walked like an odometer.  Placeholders that are written alike have the same value at a time.
 */
#include "api/nats/scope_template.h"

#include <ctype.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
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
    struct slice placeholder;
    struct values values;
    size_t like; /* the first part whose placeholder is written alike; itself if none is */
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

static bool equal_lower(struct slice lower, struct slice text)
{
    bool equal = lower.len == text.len;

    for (size_t i = 0; equal && i < text.len; i++)
        equal = lower.data[i] == tolower((unsigned char)text.data[i]);
    return equal;
}

/* Tags are "name:value"; names are in lower case. */
static enum result tag_values(const struct strings *tags, struct slice name, struct arena *arena,
                              struct values *out)
{
    size_t count = tags != NULL ? tags->count : 0;

    out->items = arena_alloc_array(arena, count + 1, sizeof(out->items[0]));
    for (size_t i = 0; i < count; i++) {
        struct slice rest = slice_of(tags->items[i]), key;

        if (!slice_cut(&rest, ':', &key) || rest.data == NULL || !equal_lower(key, name) ||
            !may_stand(rest))
            continue;
        out->items[out->count++] = rest;
    }
    return out->count > 0 ? OK : ERR_NOT_FOUND;
}

/*
 * "tag(x)": true if the call is one of this function.  A name in upper case is known, but no tag
 * is found by it: so does the reference server.
 */
static bool tag_call(struct slice call, struct slice function, const struct strings *tags,
                     struct arena *arena, struct values *out, enum result *rc)
{
    struct slice name = call, head = slice_make(call.data, function.len);

    if (call.len <= function.len || !slice_equal_nocase(head, function) ||
        !slice_ends(call, SLICE(")")))
        return false;
    name.data += function.len;
    name.len -= function.len + 1;
    *rc = slice_equal(head, function) ? tag_values(tags, name, arena, out) : ERR_NOT_FOUND;
    return true;
}

/* ERR_NOT_FOUND: it has no value.  ERR_DENIED: it is none of the functions. */
static enum result evaluate(struct slice call, const struct scope_template_input *input,
                            struct arena *arena, struct values *out)
{
    const struct {
        struct slice call;
        const char *value;
    } plain[] = {
        {SLICE("name()"), input->user_name},
        {SLICE("subject()"), input->user_subject},
        {SLICE("account-name()"), input->account_name},
        {SLICE("account-subject()"), input->account_subject},
    };
    enum result rc;

    *out = (struct values){0};
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        if (slice_equal_nocase(call, plain[i].call))
            return one_value(plain[i].value, arena, out);
    }
    if (tag_call(call, SLICE("tag("), input->user_tags, arena, out, &rc) ||
        tag_call(call, SLICE("account-tag("), input->account_tags, arena, out, &rc))
        return rc;
    return ERR_DENIED;
}

/* The next "{{...}}" without a brace '}' in it; false if there is none. */
static bool find_placeholder(struct slice text, struct slice *out)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        size_t end = i + 2;

        if (text.data[i] != '{' || text.data[i + 1] != '{')
            continue;
        while (end < text.len && text.data[end] != '}')
            end++;
        if (end > i + 2 && end + 1 < text.len && text.data[end + 1] == '}') {
            *out = slice_make(text.data + i, end + 2 - i);
            return true;
        }
    }
    return false;
}

static struct slice inside(struct slice placeholder)
{
    return slice_trim(slice_make(placeholder.data + 2, placeholder.len - 4));
}

static enum result cut_entry(struct slice text, const struct scope_template_input *input,
                             struct arena *arena, struct entry *out)
{
    struct slice placeholder;
    enum result missing = OK;

    out->count = 0;
    while (find_placeholder(text, &placeholder)) {
        struct part *part = &out->parts[out->count];
        enum result rc;

        if (out->count == PLACEHOLDERS_MAX)
            return ERR_LIMIT;
        part->text = slice_make(text.data, (size_t)(placeholder.data - text.data));
        part->placeholder = placeholder;
        rc = evaluate(inside(placeholder), input, arena, &part->values);
        if (rc == ERR_DENIED)
            return rc;
        if (rc != OK)
            missing = rc;
        part->like = 0;
        while (!slice_equal(out->parts[part->like].placeholder, placeholder))
            part->like++;
        text.len -= part->text.len + placeholder.len;
        text.data = placeholder.data + placeholder.len;
        out->count++;
    }
    out->end = text;
    return missing;
}

/* The next choice of values; false after the last. */
static bool turn(const struct entry *entry, size_t *choice)
{
    for (size_t i = entry->count; i > 0; i--) {
        const struct part *part = &entry->parts[i - 1];

        if (part->like != i - 1)
            continue;
        if (++choice[i - 1] < part->values.count)
            return true;
        choice[i - 1] = 0;
    }
    return false;
}

static bool is_subject(struct slice text)
{
    return subject_valid(text) && subject_clean(text);
}

static enum result expand(const struct entry *entry, bool deny, struct output *output)
{
    size_t choice[PLACEHOLDERS_MAX] = {0};
    struct buf buf = {0};
    enum result rc = OK;

    do {
        buf_clear(&buf);
        for (size_t i = 0; i < entry->count; i++) {
            const struct part *part = &entry->parts[i];

            buf_add_slice(&buf, part->text);
            buf_add_slice(&buf, part->values.items[choice[part->like]]);
        }
        buf_add_slice(&buf, entry->end);
        if (is_subject(buf_slice(&buf)))
            rc = add(output, buf_slice(&buf));
        else if (deny)
            rc = ERR_DENIED;
    } while (rc == OK && turn(entry, choice));
    buf_fini(&buf);
    return rc;
}

static bool has_placeholder(const struct strings *list)
{
    struct slice placeholder;

    for (size_t i = 0; i < list->count; i++) {
        if (find_placeholder(slice_of(list->items[i]), &placeholder))
            return true;
    }
    return false;
}

/* A list without placeholders: what is no entry says nothing. */
static enum result take_valid(const struct strings *list, bool (*valid)(const char *text),
                              struct output *output)
{
    enum result rc = OK;

    for (size_t i = 0; rc == OK && i < list->count; i++) {
        if (valid(list->items[i]))
            rc = add(output, slice_of(list->items[i]));
    }
    return rc;
}

static enum result fill(const struct strings *list, const struct scope_template_input *input,
                        bool deny, struct output *output)
{
    for (size_t i = 0; i < list->count; i++) {
        struct entry entry;
        enum result rc = cut_entry(slice_of(list->items[i]), input, output->arena, &entry);

        if (rc == OK)
            rc = expand(&entry, deny, output);
        else if (rc == ERR_NOT_FOUND)
            rc = deny ? ERR_DENIED : OK; /* an allow entry is dropped */
        if (rc != OK)
            return rc;
    }
    return OK;
}

static enum result fill_list(const struct strings *list, const struct scope_template_input *input,
                             bool (*valid)(const char *text), bool deny, struct output *output)
{
    return has_placeholder(list) ? fill(list, input, deny, output)
                                 : take_valid(list, valid, output);
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
    struct output allow = {.arena = arena}, deny = {.arena = arena};
    enum result rc = fill_list(&in->allow, input, valid, false, &allow);

    if (rc == OK)
        rc = fill_list(&in->deny, input, valid, true, &deny);
    if (rc != OK)
        return rc;
    out->allow = (struct strings){allow.items, allow.count};
    out->deny = (struct strings){deny.items, deny.count};
    close_if_empty(in, out, arena);
    return OK;
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
