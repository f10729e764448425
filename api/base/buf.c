#include "api/base/buf.h"

#include <stdint.h>
#include <stdio.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { CAP_MIN = 64 };

/* Room for len more bytes and the 0 behind them; false (and full) beyond the cap. */
static bool grow(struct buf *buf, size_t len)
{
    size_t need, cap;

    if (len > SIZE_MAX / 2 - buf->len || (buf->max > 0 && len > buf->max - buf->len)) {
        buf->full = true;
        return false;
    }
    need = buf->len + len + 1;
    if (need <= buf->cap)
        return true;
    cap = buf->cap > 0 ? buf->cap : CAP_MIN;
    while (cap < need)
        cap *= 2;
    if (buf->max > 0 && cap > buf->max + 1)
        cap = buf->max + 1;
    buf->data = mem_realloc(buf->data, cap);
    buf->cap = cap;
    return true;
}

void buf_init(struct buf *buf, size_t max)
{
    CHECK(max < SIZE_MAX);
    *buf = (struct buf){.max = max};
}

void buf_fini(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->full = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (!grow(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_slice(struct buf *buf, struct slice s)
{
    buf_add(buf, s.data, s.len);
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

/* One character of up to four bytes, well-formed. */
static uint32_t code_of(struct slice s)
{
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (uint8_t)s.data[0] & first_bits[s.len];

    for (size_t i = 1; i < s.len; i++)
        code = code << 6 | ((uint8_t)s.data[i] & 0x3f);
    return code;
}

/* Neither a control, a blank but the ordinary one, a sign of format, nor of private use. */
static bool prints(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } silent[] = {
        {0, 0x1f},          {0x7f, 0xa0},        {0xad, 0xad},     {0x1680, 0x1680},
        {0x2000, 0x200f},   {0x2028, 0x202f},    {0x205f, 0x206f}, {0x3000, 0x3000},
        {0xe000, 0xf8ff},   {0xfeff, 0xfeff},    {0xfff9, 0xfffb}, {0xfffe, 0xffff},
        {0xe0001, 0xe007f}, {0xf0000, 0x10ffff},
    };

    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        if (code >= silent[i].first && code <= silent[i].last)
            return false;
    }
    return true;
}

/* The letter behind a backslash; 0: it has none. */
static char letter_of(uint32_t code)
{
    static const char letters[] = "abtnvfr"; /* from 7 on */

    if (code == '"' || code == '\\')
        return (char)code;
    return code >= '\a' && code <= '\r' ? letters[code - '\a'] : '\0';
}

void buf_add_quoted(struct buf *buf, struct slice s)
{
    buf_add_char(buf, '"');
    while (s.len > 0) {
        size_t len = slice_utf8(s);
        struct slice one = slice_make(s.data, len > 0 ? len : 1);
        uint32_t code = len > 0 ? code_of(one) : (uint8_t)s.data[0];

        if (letter_of(code) != '\0')
            buf_printf(buf, "\\%c", letter_of(code));
        else if (len > 0 && prints(code))
            buf_add_slice(buf, one);
        else if (len <= 1)
            buf_printf(buf, "\\x%02x", code);
        else
            buf_printf(buf, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
        s = slice_from(s, one.len);
    }
    buf_add_char(buf, '"');
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    size_t room = buf->cap - buf->len; /* what happens to be there, the 0 included */
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
    CHECK(len >= 0);
    if ((size_t)len >= room) {
        if (room > 0)
            buf->data[buf->len] = '\0';
        if (!grow(buf, (size_t)len)) {
            va_end(again);
            return;
        }
        len = vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        CHECK(len >= 0);
    }
    va_end(again);
    buf->len += (size_t)len;
}

char *buf_reserve(struct buf *buf, size_t len)
{
    return grow(buf, len) ? buf->data + buf->len : NULL;
}

void buf_commit(struct buf *buf, size_t len)
{
    CHECK(len < buf->cap - buf->len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_drop_front(struct buf *buf, size_t len)
{
    CHECK(len <= buf->len);
    if (len == 0)
        return;
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
    buf->data[buf->len] = '\0';
}

struct slice buf_slice(const struct buf *buf)
{
    return slice_make(buf->data, buf->len);
}

const char *buf_text(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data != NULL ? buf->data : mem_strdup("");

    *buf = (struct buf){.max = buf->max};
    return text;
}
