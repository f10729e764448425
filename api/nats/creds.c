#include "api/nats/creds.h"

#include "api/base/check.h"

enum { DASHES_MIN = 3 };

static const char stars[] = "*************************************************************\n";

static void add_block(struct buf *buf, const char *name, struct slice content)
{
    buf_printf(buf, "-----BEGIN %s-----\n", name);
    buf_add_slice(buf, content);
    buf_printf(buf, "\n------END %s------\n", name);
}

void creds_format(struct buf *buf, struct slice jwt, struct slice seed)
{
    add_block(buf, "NATS USER JWT", jwt);
    if (slice_empty(seed))
        return;
    buf_add_char(buf, '\n');
    buf_add_text(buf, stars);
    buf_add_text(buf, "Whoever has the seed below can sign in as this user: keep it secret.\n");
    buf_add_text(buf, stars);
    buf_add_char(buf, '\n');
    add_block(buf, "USER NKEY SEED", seed);
    buf_add_char(buf, '\n');
    buf_add_text(buf, stars);
}

/* "---... something ---" */
static bool is_frame(struct slice line)
{
    return line.len >= 2 * DASHES_MIN && slice_starts(line, SLICE("---")) &&
           slice_ends(line, SLICE("---"));
}

static bool is_content(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.' || c == '='))
            return false;
    }
    return line.len > 0;
}

static bool next_line(struct slice *rest, struct slice *line)
{
    if (!slice_cut(rest, '\n', line))
        return false;
    *line = slice_trim(*line);
    return true;
}

/* The content of the block of that number, from 1. */
static bool find_block(struct slice text, unsigned number, struct slice *content)
{
    struct slice before = {0}, middle = {0}, line;

    while (next_line(&text, &line)) {
        if (is_frame(before) && is_frame(line) && is_content(middle)) {
            if (--number == 0) {
                *content = middle;
                return true;
            }
            line = slice_make(NULL, 0); /* the end of a block begins none */
        }
        before = middle;
        middle = line;
    }
    return false;
}

enum result creds_jwt(struct slice text, struct slice *jwt)
{
    if (find_block(text, 1, jwt))
        return OK;
    text = slice_trim(text);
    if (!is_content(text))
        return ERR_NOT_FOUND;
    *jwt = text;
    return OK;
}

static bool is_seed(struct slice line)
{
    return is_content(line) && (slice_starts(line, SLICE("SO")) ||
                                slice_starts(line, SLICE("SA")) || slice_starts(line, SLICE("SU")));
}

enum result creds_seed(struct slice text, struct slice *seed)
{
    struct slice line;

    if (find_block(text, 2, seed))
        return is_seed(*seed) ? OK : ERR_NOT_FOUND;
    while (next_line(&text, &line)) {
        if (is_seed(line)) {
            *seed = line;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}
