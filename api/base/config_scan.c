#include "api/base/config_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"

enum { NUMBER_TEXT_MAX = 400 }; /* a float may have many digits; an integer has 19 */

void config_scan_init(struct config_scan *scan, struct slice text, struct arena *arena)
{
    *scan = (struct config_scan){.text = text, .arena = arena, .line = 1};
    if (slice_starts(text, SLICE("\xef\xbb\xbf")))
        scan->at = scan->line_start = 3; /* some editors mark UTF-8 with it */
}

static int peek_at(const struct config_scan *scan, size_t at)
{
    return at < scan->text.len ? (unsigned char)scan->text.data[at] : SCAN_END;
}

int config_scan_peek(const struct config_scan *scan)
{
    return peek_at(scan, scan->at);
}

void config_scan_next(struct config_scan *scan)
{
    CHECK(scan->at < scan->text.len);
    if (scan->text.data[scan->at++] == '\n') {
        scan->line++;
        scan->line_start = scan->at;
    }
}

bool config_scan_take(struct config_scan *scan, char c)
{
    if (config_scan_peek(scan) != (unsigned char)c)
        return false;
    config_scan_next(scan);
    return true;
}

int config_scan_column(const struct config_scan *scan)
{
    return (int)(scan->at - scan->line_start) + 1;
}

enum result config_scan_fail(struct config_scan *scan, enum result rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(scan->message, sizeof(scan->message), format, args);
    va_end(args);
    scan->error_line = scan->line;
    scan->error_column = config_scan_column(scan);
    return rc;
}

/* The next character, for a message. */
static const char *what_is_next(const struct config_scan *scan, char out[16])
{
    struct slice rest = slice_from(scan->text, scan->at);
    int c = config_scan_peek(scan);

    if (c == SCAN_END)
        return "the end of the file";
    if (c == '\n' || c == '\r')
        return "the end of the line";
    if (c < ' ' || slice_utf8(rest) == 0)
        snprintf(out, 16, "\\x%02x", (unsigned)c);
    else
        snprintf(out, 16, "\"%.*s\"", (int)slice_utf8(rest), rest.data);
    return out;
}

static bool is_line_end(int c)
{
    return c == '\n' || c == '\r';
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t';
}

/* Bytes of the white space at that place: ASCII's, and the two of Latin-1. */
static size_t space_len(const struct config_scan *scan, size_t at)
{
    int c = peek_at(scan, at), c2;

    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    if (c != 0xc2)
        return 0;
    c2 = peek_at(scan, at + 1);
    return c2 == 0x85 || c2 == 0xa0 ? 2 : 0;
}

void config_scan_blanks(struct config_scan *scan)
{
    while (is_blank(config_scan_peek(scan)))
        config_scan_next(scan);
}

bool config_scan_comment(struct config_scan *scan)
{
    int c = config_scan_peek(scan);

    if (c != '#' && !(c == '/' && peek_at(scan, scan->at + 1) == '/'))
        return false;
    while (c != SCAN_END && !is_line_end(c)) {
        config_scan_next(scan);
        c = config_scan_peek(scan);
    }
    return true;
}

void config_scan_spaces(struct config_scan *scan)
{
    size_t len;

    while ((len = space_len(scan, scan->at)) > 0)
        for (; len > 0; len--)
            config_scan_next(scan);
}

bool config_scan_at_space(const struct config_scan *scan)
{
    return config_scan_peek(scan) == SCAN_END || space_len(scan, scan->at) > 0;
}

static struct slice since(const struct config_scan *scan, size_t start)
{
    return slice_make(scan->text.data + start, scan->at - start);
}

/* Behind the opening quote; takes the closing one. */
static enum result scan_to_quote(struct config_scan *scan, char quote, const char **out)
{
    size_t start = scan->at;
    int c;

    while ((c = config_scan_peek(scan)) != quote) {
        if (c == SCAN_END)
            return config_scan_fail(scan, ERR_SYNTAX, "the file ends inside quotes");
        config_scan_next(scan);
    }
    *out = arena_copy(scan->arena, since(scan, start));
    config_scan_next(scan);
    return OK;
}

static int hex_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind the backslash. */
static enum result scan_escape(struct config_scan *scan, struct buf *out)
{
    static const char names[] = "tnr\"\\", bytes[] = "\t\n\r\"\\";
    int c = config_scan_peek(scan), high, low;
    const char *name;
    char next[16];

    if (c == 'x') {
        high = hex_value(peek_at(scan, scan->at + 1));
        low = high < 0 ? -1 : hex_value(peek_at(scan, scan->at + 2));
        if (low < 0)
            return config_scan_fail(scan, ERR_SYNTAX, "\\x wants two hexadecimal digits");
        if (high + low == 0)
            return config_scan_fail(scan, ERR_SYNTAX, "a text cannot have a zero byte");
        buf_add_char(out, (char)(high << 4 | low));
        scan->at += 3;
        return OK;
    }
    name = c > 0 ? strchr(names, c) : NULL;
    if (name == NULL)
        return config_scan_fail(scan, ERR_SYNTAX,
                                "a backslash wants one of x t n r \" \\ behind it, not %s",
                                what_is_next(scan, next));
    buf_add_char(out, bytes[name - names]);
    config_scan_next(scan);
    return OK;
}

/* Behind the opening quote; takes the closing one. */
static enum result scan_double_quoted(struct config_scan *scan, const char **out)
{
    struct buf text = {0};
    enum result rc = OK;
    int c;

    while (rc == OK && (c = config_scan_peek(scan)) != '"') {
        if (c == SCAN_END) {
            rc = config_scan_fail(scan, ERR_SYNTAX, "the file ends inside quotes");
            break;
        }
        config_scan_next(scan);
        if (c == '\\')
            rc = scan_escape(scan, &text);
        else
            buf_add_char(&text, (char)c);
    }
    if (rc == OK) {
        config_scan_next(scan);
        *out = arena_copy(scan->arena, buf_slice(&text));
    }
    buf_fini(&text);
    return rc;
}

/* Behind the opening parenthesis; ends at a line that is nothing but the closing one. */
static enum result scan_block(struct config_scan *scan, const char **out)
{
    size_t start = scan->at;
    int c;

    for (; (c = config_scan_peek(scan)) != SCAN_END; config_scan_next(scan)) {
        int after = peek_at(scan, scan->at + 1);

        if (c != ')' || scan->at == start || scan->text.data[scan->at - 1] != '\n')
            continue;
        if (after == '\r')
            after = peek_at(scan, scan->at + 2);
        if (after != '\n' && after != SCAN_END)
            continue;
        *out = arena_copy(scan->arena, since(scan, start));
        config_scan_next(scan);
        return OK;
    }
    return config_scan_fail(scan, ERR_SYNTAX,
                            "the file ends inside a block: no line that is just \")\"");
}

static bool as_bool(struct slice word, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true},   {"yes", true}, {"on", true},
        {"false", false}, {"no", false}, {"off", false},
    };

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (slice_equal_nocase(word, slice_of(words[i].word))) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

static bool is_bcrypt(struct slice word)
{
    return slice_starts(word, SLICE("$2a$")) || slice_starts(word, SLICE("$2b$")) ||
           slice_starts(word, SLICE("$2y$"));
}

static void classify(struct config_scan *scan, struct slice word, struct scan_value *value)
{
    if (as_bool(word, &value->boolean)) {
        value->kind = SCAN_BOOL;
    } else if (slice_starts(word, SLICE("$")) && !is_bcrypt(word)) {
        value->kind = SCAN_VARIABLE;
        value->string = arena_copy(scan->arena, slice_from(word, 1));
    } else {
        value->kind = SCAN_STRING;
        value->string = arena_copy(scan->arena, word);
    }
}

/* The first `raw` bytes belong to the word whatever they are. */
static enum result scan_word(struct config_scan *scan, size_t raw, struct scan_value *value)
{
    struct buf text = {0};
    bool escaped = false;
    enum result rc = OK;
    int c;

    for (size_t i = 0; i < raw; i++) {
        buf_add_char(&text, (char)config_scan_peek(scan));
        config_scan_next(scan);
    }
    while (rc == OK && (c = config_scan_peek(scan)) > 0 && strchr(" \t\r\n,;]}'", c) == NULL) {
        config_scan_next(scan);
        escaped = escaped || c == '\\';
        if (c == '\\')
            rc = scan_escape(scan, &text);
        else
            buf_add_char(&text, (char)c);
    }
    if (rc == OK) {
        (void)config_scan_take(scan, '\''); /* an odd end, but it is one */
        if (escaped || raw > 0) {
            value->kind = SCAN_STRING;
            value->string = arena_copy(scan->arena, buf_slice(&text));
        } else {
            classify(scan, buf_slice(&text), value);
        }
    }
    buf_fini(&text);
    return rc;
}

static bool ends_number(int c, bool in_list)
{
    return c == SCAN_END || is_line_end(c) || is_blank(c) || c == ',' || c == ';' || c == '}' ||
           (c == ']' && in_list);
}

static void take_digits(struct config_scan *scan)
{
    int c;

    while ((c = config_scan_peek(scan)) >= '0' && c <= '9')
        config_scan_next(scan);
}

/* The factor that stands behind an integer; 0 if it is none. */
static int64_t unit_factor(struct slice unit)
{
    static const char prefixes[] = "kmgtpe";
    const char *prefix;
    int64_t factor = 1, base;

    if (unit.len == 0)
        return 1;
    prefix = strchr(prefixes, tolower((unsigned char)unit.data[0]));
    unit = slice_from(unit, 1);
    if (unit.len == 0)
        base = 1000;
    else if (slice_equal_nocase(unit, SLICE("b")) || slice_equal_nocase(unit, SLICE("i")) ||
             slice_equal_nocase(unit, SLICE("ib")))
        base = 1024;
    else
        return 0;
    for (const char *p = prefixes; p <= prefix; p++)
        factor *= base;
    return factor;
}

static enum result make_integer(struct config_scan *scan, struct slice digits, struct slice unit,
                                struct scan_value *value)
{
    int64_t factor = unit_factor(unit);
    char text[32];

    if (factor == 0)
        return config_scan_fail(scan, ERR_SYNTAX, "no unit of a number: \"%.*s\"", (int)unit.len,
                                unit.data);
    errno = ERANGE;
    if (digits.len < sizeof(text)) {
        memcpy(text, digits.data, digits.len);
        text[digits.len] = '\0';
        errno = 0;
        value->integer = strtoll(text, NULL, 10);
    }
    if (errno == ERANGE || __builtin_mul_overflow(value->integer, factor, &value->integer))
        return config_scan_fail(scan, ERR_LIMIT, "integer \"%.*s\" is out of range",
                                (int)(digits.len > 64 ? 64 : digits.len), digits.data);
    value->kind = SCAN_INT;
    return OK;
}

/* Behind the digits, at the letter of a unit. */
static enum result scan_unit(struct config_scan *scan, size_t start, struct scan_value *value)
{
    struct slice digits = since(scan, start);
    size_t unit_start = scan->at;
    int c;

    do
        config_scan_next(scan);
    while ((c = config_scan_peek(scan)) > 0 && strchr("bBiI", c) != NULL);
    if (ends_number(c, false) || (c >= '0' && c <= '9'))
        return make_integer(scan, digits, since(scan, unit_start), value);
    scan->at = start;
    return scan_word(scan, digits.len, value);
}

/* At the dot behind the digits: a fraction, or an address. */
static enum result scan_fraction(struct config_scan *scan, size_t start, struct scan_value *value)
{
    char text[NUMBER_TEXT_MAX], next[16];
    struct slice word;
    int c;

    config_scan_next(scan);
    c = config_scan_peek(scan);
    if (c < '0' || c > '9')
        return config_scan_fail(scan, ERR_SYNTAX, "a number wants a digit behind its dot, not %s",
                                what_is_next(scan, next));
    take_digits(scan);
    if (config_scan_peek(scan) == '.') {
        while ((c = config_scan_peek(scan)) > 0 && strchr("0123456789.:-", c) != NULL)
            config_scan_next(scan);
        value->kind = SCAN_STRING;
        value->string = arena_copy(scan->arena, since(scan, start));
        return OK;
    }
    word = since(scan, start);
    errno = ERANGE;
    if (word.len < sizeof(text)) {
        memcpy(text, word.data, word.len);
        text[word.len] = '\0';
        errno = 0;
        value->real = strtod(text, NULL);
    }
    if (errno == ERANGE && value->real != 0)
        return config_scan_fail(scan, ERR_LIMIT, "a number is out of range");
    value->kind = SCAN_FLOAT;
    return OK;
}

/* Behind the year. */
static enum result scan_time(struct config_scan *scan, size_t start, struct scan_value *value)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    char text[sizeof(form)] = "";

    scan->at = start;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        int c = config_scan_peek(scan);

        if (form[i] == '0' ? c < '0' || c > '9' : c != form[i])
            return config_scan_fail(scan, ERR_SYNTAX,
                                    "this begins like a time, but is not like "
                                    "2026-01-02T03:04:05Z; a text like this wants quotes");
        text[i] = (char)c;
        config_scan_next(scan);
    }
    if (clock_parse(text, &value->time_ns) != 0)
        return config_scan_fail(scan, ERR_SYNTAX, "there is no such time: %s", text);
    value->kind = SCAN_TIME;
    return OK;
}

static enum result scan_number(struct config_scan *scan, bool in_list, struct scan_value *value)
{
    size_t start = scan->at;
    bool negative = config_scan_take(scan, '-');
    char next[16];
    int c = config_scan_peek(scan);

    if (c < '0' || c > '9')
        return config_scan_fail(scan, ERR_SYNTAX, "a number begins with a digit, not with %s",
                                what_is_next(scan, next));
    take_digits(scan);
    c = config_scan_peek(scan);
    if (c == '.')
        return scan_fraction(scan, start, value);
    if (c > 0 && strchr("kKmMgGtTpPeE", c) != NULL)
        return scan_unit(scan, start, value);
    if (negative || ends_number(c, in_list))
        return make_integer(scan, since(scan, start), SLICE(""), value);
    if (c == '-' && scan->at - start == 4)
        return scan_time(scan, start, value);
    if (c == '-')
        return config_scan_fail(scan, ERR_SYNTAX,
                                "a text that begins with digits and a dash wants quotes");
    /* Some text after all; the byte behind the digits belongs to it whatever it is. */
    scan->at = start;
    take_digits(scan);
    start = scan->at - start + 1;
    scan->at -= start - 1;
    return scan_word(scan, start, value);
}

enum result config_scan_key(struct config_scan *scan, const char **key, bool *bare)
{
    size_t start;
    int c = config_scan_peek(scan);
    char next[16];

    *bare = false;
    if (config_scan_take(scan, '"') || config_scan_take(scan, '\''))
        return scan_to_quote(scan, (char)c, key);
    if (c == '=' || c == ':')
        return config_scan_fail(scan, ERR_SYNTAX, "a key cannot begin with %s",
                                what_is_next(scan, next));
    start = scan->at;
    while (!config_scan_at_space(scan) && config_scan_peek(scan) != '=' &&
           config_scan_peek(scan) != ':')
        config_scan_next(scan);
    *key = arena_copy(scan->arena, since(scan, start));
    *bare = true;
    return OK;
}

enum result config_scan_value(struct config_scan *scan, bool in_list, struct scan_value *value)
{
    int c = config_scan_peek(scan);

    *value = (struct scan_value){.kind = SCAN_STRING};
    if (c == '"' || c == '\'' || c == '(') {
        config_scan_next(scan);
        value->quoted = true;
        return c == '"'    ? scan_double_quoted(scan, &value->string)
               : c == '\'' ? scan_to_quote(scan, '\'', &value->string)
                           : scan_block(scan, &value->string);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(scan, in_list, value);
    if (c == '.')
        return config_scan_fail(scan, ERR_SYNTAX, "a number begins with a digit, not with a dot");
    return scan_word(scan, 0, value);
}

enum result config_scan_path(struct config_scan *scan, const char **path)
{
    size_t start;
    int c = config_scan_peek(scan);

    if (is_line_end(c) || c == SCAN_END)
        return config_scan_fail(scan, ERR_SYNTAX, "include wants a file on the same line");
    if (config_scan_take(scan, '"') || config_scan_take(scan, '\''))
        return scan_to_quote(scan, (char)c, path);
    start = scan->at;
    while ((c = config_scan_peek(scan)) > 0 && strchr(" \t\r\n;}", c) == NULL)
        config_scan_next(scan);
    *path = arena_copy(scan->arena, since(scan, start));
    return OK;
}
