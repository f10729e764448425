#include "dataplane/account/deliver_line.h"

#include "api/base/mem.h"

enum { DIGITS = 20 };

static char *put(char *to, struct slice text)
{
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    return to + text.len;
}

static char *put_number(char *to, size_t value)
{
    char digits[DIGITS];
    size_t n = 0;

    do
        digits[DIGITS - ++n] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    memcpy(to, digits + DIGITS - n, n);
    return to + n;
}

/* Room for all forms at once, so that what is formatted does not move. */
static void make_room(struct deliver_line *line, const struct delivery *delivery)
{
    size_t need = sizeof("HMSG  ") + delivery->subject.len +
                  3 * (delivery->reply.len + 2 * DIGITS + sizeof("    \r\n"));

    if (line->cap < need) {
        mem_free(line->text);
        line->cap = need + need / 2;
        line->text = mem_realloc(NULL, line->cap);
    }
    line->used = 0;
}

/* " [reply ]", then the sizes, then the line's end. */
static struct slice tail_of(const struct delivery *delivery, bool headers, size_t len)
{
    struct deliver_line *line = delivery->line;
    char *start = line->text + line->used, *to = start;

    *to++ = ' ';
    if (delivery->reply.len > 0) {
        to = put(to, delivery->reply);
        *to++ = ' ';
    }
    if (headers) {
        to = put_number(to, delivery->header_len);
        *to++ = ' ';
    }
    to = put_number(to, len);
    *to++ = '\r';
    *to++ = '\n';
    line->used += (size_t)(to - start);
    return slice_make(start, (size_t)(to - start));
}

void deliver_line_form(const struct delivery *delivery, enum deliver_form form)
{
    struct deliver_line *line = delivery->line;

    if (!line->have_head) {
        char *to;

        make_room(line, delivery);
        to = put(line->text, SLICE("HMSG "));
        to = put(to, delivery->subject);
        *to++ = ' ';
        line->used = (size_t)(to - line->text);
        line->hhead = slice_make(line->text, line->used);
        line->head = slice_from(line->hhead, 1);
        line->have_head = true;
    }
    if (form == DELIVER_PLAIN && !line->have_plain) {
        line->tail = tail_of(delivery, false, delivery->len);
        line->have_plain = true;
    } else if (form == DELIVER_HEADERS && !line->have_headers) {
        line->htail = tail_of(delivery, true, delivery->len);
        line->have_headers = true;
    } else if (form == DELIVER_STRIPPED && !line->have_stripped) {
        line->stripped = tail_of(delivery, false, delivery->len - delivery->header_len);
        line->have_stripped = true;
    }
}

void deliver_line_clear(struct deliver_line *line)
{
    line->have_head = line->have_plain = line->have_headers = line->have_stripped = false;
}

void deliver_line_fini(struct deliver_line *line)
{
    mem_free(line->text);
    *line = (struct deliver_line){0};
}
