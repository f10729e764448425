#include "api/nats/parser.h"

#include <string.h>

#include "api/base/check.h"
#include "api/nats/limits.h"

_Static_assert(sizeof(struct parser) <= 32, "half a cache line");

void parser_init(struct parser *parser, uint32_t verbs, uint32_t line_max, uint32_t payload_max)
{
    *parser = (struct parser){.line_max = line_max, .payload_max = payload_max, .verbs = verbs};
}

/* What stands between words; the line end is cut off before.  A carriage return is part of a word
 * on the line of a message. */
static const bool blanks[UINT8_MAX + 1] = {[' '] = true, ['\t'] = true};
static const bool blanks_or_returns[UINT8_MAX + 1] = {[' '] = true, ['\t'] = true, ['\r'] = true};

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One to nine digits; -1 for anything else. */
static int64_t size_of(struct slice word)
{
    uint32_t size = 0;

    if (word.len == 0 || word.len > PAYLOAD_DIGITS_MAX)
        return -1;
    for (size_t i = 0; i < word.len; i++) {
        unsigned digit = (unsigned)(uint8_t)word.data[i] - '0';

        if (digit > 9)
            return -1;
        size = size * 10 + digit;
    }
    return size;
}

/* Where the arguments begin. */
static size_t skip_blanks(const char *data, size_t from, size_t to)
{
    while (from < to && is_blank(data[from]))
        from++;
    return from;
}

/* Cuts event->text into words; false if there are more than PARSER_ARGS_MAX. */
static bool cut_words(struct parser_event *event)
{
    const bool *between = verb_specs[event->verb].payload ? blanks : blanks_or_returns;
    const char *at = event->text.data, *end = at + event->text.len;
    unsigned count = 0;

    for (;;) {
        const char *begin;

        while (at < end && between[(uint8_t)*at])
            at++;
        if (at == end)
            break;
        if (count == PARSER_ARGS_MAX)
            return false;
        begin = at;
        while (at < end && !between[(uint8_t)*at])
            at++;
        event->args[count++] = slice_make(begin, (size_t)(at - begin));
    }
    event->arg_count = count;
    return true;
}

static enum parser_error read_sizes(const struct verb_spec *spec, struct parser_event *event)
{
    int64_t total, headers = 0;

    total = size_of(event->args[event->arg_count - 1]);
    if (spec->headers)
        headers = size_of(event->args[event->arg_count - 2]);
    if (total < 0 || headers < 0 || headers > total)
        return PARSER_ERROR_ARGS;
    event->payload_len = (uint32_t)total;
    event->header_len = (uint32_t)headers;
    return PARSER_ERROR_NONE;
}

/* The control line data[0, end), without its line end, of event->verb. */
static enum parser_error cut_line(const char *data, size_t end, uint32_t line_max,
                                  struct parser_event *event)
{
    const struct verb_spec *spec = &verb_specs[event->verb];
    size_t begin = skip_blanks(data, spec->len, end);

    event->text = slice_make(data + begin, end - begin);
    event->payload = slice_make(NULL, 0);
    event->header_len = event->payload_len = 0;
    event->arg_count = 0;
    event->max = 0;
    if (event->text.len > line_max || begin - spec->len > line_max)
        return PARSER_ERROR_LINE;
    switch (spec->args) {
    case VERB_ARGS_NONE:
        return PARSER_ERROR_NONE;
    case VERB_ARGS_TEXT:
        return spec->args_min > 0 && event->text.len == 0 ? PARSER_ERROR_ARGS : PARSER_ERROR_NONE;
    case VERB_ARGS_WORDS:
        break;
    }
    if (!cut_words(event) || event->arg_count < spec->args_min || event->arg_count > spec->args_max)
        return PARSER_ERROR_ARGS;
    if (spec->payload)
        return read_sizes(spec, event);
    if (event->verb == VERB_UNSUB && event->arg_count == 2)
        event->max = size_of(event->args[1]);
    return PARSER_ERROR_NONE;
}

/* Can a line that has no end yet still be short enough? */
static bool may_fit(const struct parser *parser, enum verb verb, const char *data, size_t len)
{
    size_t word = verb_specs[verb].len, begin, text;

    if (len - word <= parser->line_max)
        return true;
    begin = skip_blanks(data, word, len);
    if (begin - word > parser->line_max)
        return false;
    text = len - begin;
    if (text > (size_t)parser->line_max + 1)
        return false;
    return text <= parser->line_max || data[len - 1] == '\r';
}

static enum parser_status fail(struct parser_event *event, enum parser_error error)
{
    event->error = error;
    return PARSER_ERROR;
}

static enum parser_status more(struct parser_event *event, size_t needed)
{
    event->needed = needed;
    return PARSER_MORE;
}

static enum parser_status done(struct parser *parser, struct parser_event *event, size_t consumed)
{
    event->consumed = consumed;
    parser->scanned = parser->line_len = parser->total_len = 0;
    return PARSER_EVENT;
}

/* The line is whole, its `line_len` bytes are at data, and event tells what it says. */
static enum parser_status take_payload(struct parser *parser, const char *data, size_t len,
                                       size_t line_len, struct parser_event *event)
{
    size_t end = line_len + event->payload_len;

    if (len > end && data[end] != '\r')
        return fail(event, PARSER_ERROR_VERB);
    if (len < end + 2) {
        parser->verb = (uint8_t)event->verb;
        parser->line_len = (uint32_t)line_len;
        parser->total_len = (uint32_t)(end + 2);
        return more(event, end + 2);
    }
    if (data[end + 1] != '\n')
        return fail(event, PARSER_ERROR_VERB);
    event->payload = slice_make(data + line_len, event->payload_len);
    return done(parser, event, end + 2);
}

/* The control line is known from an earlier call. */
static enum parser_status resume(struct parser *parser, const char *data, size_t len,
                                 struct parser_event *event)
{
    size_t line_len = parser->line_len, end = line_len - 1;

    if (len < parser->total_len - 1)
        return more(event, parser->total_len);
    event->verb = (enum verb)parser->verb;
    if (end > 0 && data[end - 1] == '\r')
        end--;
    /* The same bytes as before.  Limits were looked at then; they may have changed since. */
    CHECK(cut_line(data, end, UINT32_MAX, event) == PARSER_ERROR_NONE);
    return take_payload(parser, data, len, line_len, event);
}

/* The commonest of all, without a look at the table. */
static inline bool is_pub(const char *data, size_t len)
{
    return len > 3 && (data[0] | 0x20) == 'p' && (data[1] | 0x20) == 'u' &&
           (data[2] | 0x20) == 'b' && is_blank(data[3]);
}

static inline enum verb find_verb(const struct parser *parser, const char *data, size_t len,
                                  bool *partial)
{
    if (is_pub(data, len) && (parser->verbs & VERB_BIT(VERB_PUB)) != 0)
        return VERB_PUB;
    return verb_at(slice_make(data, len), parser->verbs, partial);
}

enum parser_status parser_next(struct parser *parser, const char *data, size_t len,
                               struct parser_event *event)
{
    enum parser_error error;
    const char *found;
    size_t from, end;
    bool partial;

    if (parser->line_len > 0)
        return resume(parser, data, len, event);
    event->verb = find_verb(parser, data, len, &partial);
    if (event->verb == VERB_COUNT)
        return partial ? more(event, 0) : fail(event, PARSER_ERROR_VERB);
    from = verb_specs[event->verb].len;
    if (parser->scanned > from)
        from = parser->scanned;
    CHECK(from <= len); /* what was shown before is shown again */
    found = memchr(data + from, '\n', len - from);
    if (found == NULL) {
        if (!may_fit(parser, event->verb, data, len))
            return fail(event, PARSER_ERROR_LINE);
        parser->scanned = (uint32_t)len;
        return more(event, 0);
    }
    end = (size_t)(found - data);
    if (end > verb_specs[event->verb].len && data[end - 1] == '\r')
        end--;
    error = cut_line(data, end, parser->line_max, event);
    if (error == PARSER_ERROR_NONE && event->verb == VERB_HPUB && parser->headers_off)
        error = PARSER_ERROR_ARGS;
    if (error != PARSER_ERROR_NONE)
        return fail(event, error);
    if (!verb_specs[event->verb].payload)
        return done(parser, event, (size_t)(found - data) + 1);
    if (parser->payload_max != PARSER_PAYLOAD_UNLIMITED && event->payload_len > parser->payload_max)
        return fail(event, PARSER_ERROR_PAYLOAD);
    return take_payload(parser, data, len, (size_t)(found - data) + 1, event);
}

struct slice parser_reply(const struct parser_event *event)
{
    const struct verb_spec *spec = &verb_specs[event->verb];

    if (!spec->payload || event->arg_count < spec->args_max)
        return slice_make(NULL, 0);
    return event->args[event->verb == VERB_PUB || event->verb == VERB_HPUB ? 1 : 2];
}

struct slice parser_queue(const struct parser_event *event)
{
    return event->verb == VERB_SUB && event->arg_count == 3 ? event->args[1] : slice_make(NULL, 0);
}

struct slice parser_sid(const struct parser_event *event)
{
    switch (event->verb) {
    case VERB_SUB:
        return event->args[event->arg_count - 1];
    case VERB_UNSUB:
        return event->args[0];
    case VERB_MSG:
    case VERB_HMSG:
        return event->args[1];
    default:
        return slice_make(NULL, 0);
    }
}
