#include "api/nats/header.h"

#include "api/base/check.h"
#include "api/nats/limits.h"

static const char version_line[] = "NATS/1.0";

#define VERSION SLICE("NATS/1.0")

/* The first line without its end; false if the block does not begin with a version. */
static bool first_line(struct slice block, struct slice *line, struct slice *rest)
{
    const char *end;

    if (!slice_starts(block, VERSION))
        return false;
    end = memmem(block.data, block.len, "\r\n", 2);
    if (end == NULL)
        return false;
    *line = slice_make(block.data, (size_t)(end - block.data));
    *rest = slice_from(block, line->len + 2);
    return true;
}

bool header_valid(struct slice block)
{
    struct slice line, rest;

    return first_line(block, &line, &rest) && slice_ends(block, SLICE("\r\n\r\n"));
}

static struct slice skip_blanks(struct slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_from(s, 1);
    return s;
}

enum result header_get(struct slice block, struct slice key, struct slice *value)
{
    struct slice rest = block;

    while (key.len > 0 && rest.len > key.len) {
        const char *found = memmem(rest.data, rest.len, key.data, key.len), *end;

        if (found == NULL)
            break;
        rest = slice_from(rest, (size_t)(found - rest.data));
        /* At the beginning of a line, and the whole of the key. */
        if (found - block.data < 2 || found[-1] != '\n' || found[-2] != '\r' ||
            rest.len == key.len || rest.data[key.len] != ':') {
            rest = slice_from(rest, 1);
            continue;
        }
        rest = skip_blanks(slice_from(rest, key.len + 1));
        end = memmem(rest.data, rest.len, "\r\n", 2);
        if (end == NULL)
            break;
        *value = slice_make(rest.data, (size_t)(end - rest.data));
        return OK;
    }
    return ERR_NOT_FOUND;
}

enum result header_status(struct slice block, unsigned *code, struct slice *description)
{
    struct slice line, rest, word;
    uint64_t number;

    if (!first_line(block, &line, &rest))
        return ERR_SYNTAX;
    line = slice_trim(slice_from(line, VERSION.len));
    *code = 0;
    *description = slice_make(NULL, 0);
    if (line.len == 0)
        return OK;
    if (!slice_cut(&line, ' ', &word) || word.len != 3 ||
        !slice_uint(word, MESSAGE_HEADER_STATUS_MAX, &number))
        return ERR_SYNTAX;
    *code = (unsigned)number;
    *description = slice_trim(line);
    return OK;
}

bool header_next(struct slice *rest, struct slice *key, struct slice *value)
{
    struct slice line;

    if (slice_starts(*rest, VERSION) && !first_line(*rest, &line, rest))
        return false;
    while (rest->len > 0) {
        const char *end = memmem(rest->data, rest->len, "\r\n", 2), *colon;

        line = slice_make(rest->data, end != NULL ? (size_t)(end - rest->data) : rest->len);
        *rest = slice_from(*rest, line.len + (end != NULL ? 2 : 0));
        colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
        if (colon == NULL)
            continue; /* the empty line at the end, or something that is no header */
        *key = slice_make(line.data, (size_t)(colon - line.data));
        *value = slice_trim(slice_from(line, key->len + 1));
        return true;
    }
    return false;
}

void header_begin(struct buf *buf, unsigned code, struct slice description)
{
    CHECK(code <= MESSAGE_HEADER_STATUS_MAX);
    buf_add_text(buf, version_line);
    if (code > 0)
        buf_printf(buf, " %03u", code);
    if (code > 0 && description.len > 0) {
        buf_add_char(buf, ' ');
        buf_add_slice(buf, description);
    }
    buf_add_text(buf, "\r\n");
}

void header_add(struct buf *buf, struct slice key, struct slice value)
{
    buf_add_slice(buf, key);
    buf_add_text(buf, ": ");
    buf_add_slice(buf, value);
    buf_add_text(buf, "\r\n");
}

void header_end(struct buf *buf)
{
    buf_add_text(buf, "\r\n");
}
