/*
 * A text is copied byte by byte; at "${" the matching "}" is found, what lies between is expanded
 * first and then looked up by its first word in the table below.  A pattern is expanded to pieces:
 * literal text, and holes that take the shortest run up to the next literal.
 * What can go wrong: an unknown name, a wrong number; the transcript is wrong then.
 */
#include "tests/lib/scope.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "tests/lib/nkey_pair.h"

enum { REPEAT_MAX = 1 << 21, PIECES_MAX = 32 };

struct scope_value {
    struct scope_value *next;
    char *name;
    struct buf value;
};

void scope_init(struct scope *scope, const struct transcript *transcript)
{
    *scope = (struct scope){.transcript = transcript};
}

void scope_fini(struct scope *scope)
{
    while (scope->values != NULL) {
        struct scope_value *value = scope->values;

        scope->values = value->next;
        mem_free(value->name);
        buf_fini(&value->value);
        mem_free(value);
    }
}

static bool fail(struct scope *scope, const char *why, struct slice what)
{
    snprintf(scope->error, sizeof(scope->error), "%s: %.*s", why, (int)what.len, what.data);
    return false;
}

static struct scope_value *find(const struct scope *scope, struct slice name)
{
    struct scope_value *value = scope->values;

    while (value != NULL && !slice_equal(slice_of(value->name), name))
        value = value->next;
    return value;
}

void scope_set(struct scope *scope, struct slice name, struct slice text)
{
    struct scope_value *value = find(scope, name);

    if (value == NULL) {
        value = mem_alloc(sizeof(*value));
        value->name = mem_strndup(name.data, name.len);
        value->next = scope->values;
        scope->values = value;
    }
    buf_clear(&value->value);
    buf_add_slice(&value->value, text);
}

/* "U:alice": type and name of a key. */
static bool derive(struct scope *scope, struct slice key, struct nkey_pair *pair)
{
    if (key.len < 3 || key.data[1] != ':' || strchr("OAUNC", key.data[0]) == NULL)
        return fail(scope, "not TYPE:NAME of a key", key);
    nkey_pair_derive(pair, key.data[0], slice_from(key, 2));
    return true;
}

static bool expand_pub(struct scope *scope, struct slice rest, struct buf *out)
{
    struct nkey_pair pair;

    if (!derive(scope, rest, &pair))
        return false;
    nkey_pair_public(&pair, out);
    return true;
}

static bool expand_seed(struct scope *scope, struct slice rest, struct buf *out)
{
    struct nkey_pair pair;

    if (!derive(scope, rest, &pair))
        return false;
    nkey_pair_seed(&pair, out);
    return true;
}

static bool expand_sign(struct scope *scope, struct slice rest, struct buf *out)
{
    struct nkey_pair pair;
    struct buf nonce = {0};

    if (rest.len < 3 || !derive(scope, slice_from(rest, 2), &pair))
        return fail(scope, "expected sign:PEER:TYPE:NAME", rest);
    if (!scope->info(scope->context, rest.data[0], SLICE("nonce"), &nonce))
        return fail(scope, "there is no nonce", rest);
    nkey_pair_sign(&pair, buf_slice(&nonce), out);
    buf_fini(&nonce);
    return true;
}

static bool expand_jwt(struct scope *scope, struct slice rest, struct buf *out)
{
    const struct transcript *transcript = scope->transcript;
    struct buf claims = {0};
    struct nkey_pair pair;
    size_t i = 0;
    bool ok;

    while (i < transcript->token_count && !slice_equal(slice_of(transcript->tokens[i].name), rest))
        i++;
    if (i == transcript->token_count)
        return fail(scope, "no such token", rest);
    ok = derive(scope, slice_of(transcript->tokens[i].signer), &pair) &&
         scope_expand(scope, transcript->tokens[i].claims, false, &claims);
    if (ok && !nkey_pair_token(&pair, buf_text(&claims), out))
        ok = fail(scope, "the claims are not JSON", buf_slice(&claims));
    buf_fini(&claims);
    return ok;
}

/* The first character of the signature is another one. */
static bool expand_forged(struct scope *scope, struct slice rest, struct buf *out)
{
    char *signature;

    if (!expand_jwt(scope, rest, out))
        return false;
    signature = strrchr(out->data, '.') + 1;
    *signature = *signature == 'A' ? 'B' : 'A';
    return true;
}

static bool expand_repeat(struct scope *scope, struct slice rest, struct buf *out)
{
    struct slice number;
    uint64_t count;

    if (!slice_cut(&rest, ':', &number) || !slice_uint(number, REPEAT_MAX, &count))
        return fail(scope, "expected repeat:N:TEXT", rest);
    for (uint64_t i = 0; i < count; i++)
        buf_add_slice(out, rest);
    return true;
}

static bool expand_now(struct scope *scope, struct slice rest, struct buf *out)
{
    uint64_t later = 0;

    if (rest.len > 0 && !slice_uint(rest, UINT32_MAX, &later))
        return fail(scope, "expected now+SECONDS", rest);
    buf_printf(out, "%lld", (long long)time(NULL) + (long long)later);
    return true;
}

static bool expand_next_len(struct scope *scope, struct slice rest, struct buf *out)
{
    buf_printf(out, "%zu", scope->next_len);
    return true;
}

/* clang-format off */
static const struct {
    struct slice word;
    bool (*expand)(struct scope *scope, struct slice rest, struct buf *out);
} functions[] = {
    {SLICE("pub:"),    expand_pub},
    {SLICE("seed:"),   expand_seed},
    {SLICE("sign:"),   expand_sign},
    {SLICE("jwt:"),    expand_jwt},
    {SLICE("forged:"), expand_forged},
    {SLICE("repeat:"), expand_repeat},
    {SLICE("now+"),    expand_now},
    {SLICE("#"),       expand_next_len},
};
/* clang-format on */

static bool expand_name(struct scope *scope, struct slice name, struct buf *out)
{
    const struct scope_value *value = find(scope, name);

    if (value != NULL) {
        buf_add_slice(out, buf_slice(&value->value));
        return true;
    }
    if (slice_equal(name, SLICE("now")))
        return expand_now(scope, SLICE(""), out);
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (slice_starts(name, functions[i].word))
            return functions[i].expand(scope, slice_from(name, functions[i].word.len), out);
    }
    if (name.len > 2 && name.data[1] == '.' &&
        scope->info(scope->context, name.data[0], slice_from(name, 2), out))
        return true;
    return fail(scope, "unknown variable", name);
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* text points behind a backslash; the number of characters used, 0 if it is no escape. */
static size_t unescape(const char *text, struct buf *out)
{
    static const char from[] = "rnts0\\", to[] = "\r\n\t \0\\";
    const char *at = *text != '\0' ? strchr(from, *text) : NULL;
    int high, low;

    if (at != NULL) {
        buf_add_char(out, to[at - from]);
        return 1;
    }
    high = *text == 'x' ? hex_digit(text[1]) : -1;
    low = high >= 0 ? hex_digit(text[2]) : -1;
    if (low < 0)
        return 0;
    buf_add_char(out, (char)(high << 4 | low));
    return 3;
}

/* text points behind "${"; the "}" that belongs to it. */
static const char *closing(const char *text)
{
    unsigned depth = 1;

    for (; *text != '\0'; text++) {
        if (text[0] == '$' && text[1] == '{')
            depth++;
        else if (*text == '}' && --depth == 0)
            return text;
    }
    return NULL;
}

/* text points behind "${" and is moved behind the "}". */
static bool expand_variable(struct scope *scope, const char **text, bool escapes, struct buf *out)
{
    const char *end = closing(*text);
    struct buf name = {0};
    char *inner;
    bool ok;

    if (end == NULL)
        return fail(scope, "no closing brace", slice_of(*text));
    inner = mem_strndup(*text, (size_t)(end - *text));
    ok = scope_expand(scope, inner, escapes, &name) && expand_name(scope, buf_slice(&name), out);
    mem_free(inner);
    buf_fini(&name);
    *text = end + 1;
    return ok;
}

bool scope_expand(struct scope *scope, const char *text, bool escapes, struct buf *out)
{
    while (*text != '\0') {
        size_t used = escapes && *text == '\\' ? unescape(text + 1, out) : 0;

        if (used > 0) {
            text += used + 1;
        } else if (text[0] == '$' && text[1] == '{') {
            text += 2;
            if (!expand_variable(scope, &text, escapes, out))
                return false;
        } else {
            buf_add_char(out, *text++);
        }
    }
    return true;
}

struct piece {
    struct buf literal;
    struct slice hole; /* follows the literal; data is NULL behind the last one */
};

/* The next hole in text: where it starts, or NULL; name and end are set then. */
static const char *next_hole(const char *text, struct slice *name, const char **end)
{
    for (; (text = strstr(text, "${")) != NULL; text += 2) {
        if (text[2] != '*' && text[2] != '?')
            continue;
        *end = closing(text + 2);
        if (*end == NULL)
            return NULL;
        *name = slice_make(text + 3, (size_t)(*end - text - 3));
        (*end)++;
        return text;
    }
    return NULL;
}

static size_t cut_pattern(struct scope *scope, const char *pattern, struct piece *pieces)
{
    size_t count = 0;

    while (count < PIECES_MAX) {
        struct piece *piece = &pieces[count++];
        const char *end = NULL;
        const char *hole = next_hole(pattern, &piece->hole, &end);
        size_t len = hole != NULL ? (size_t)(hole - pattern) : strlen(pattern);
        char *literal = mem_strndup(pattern, len);
        bool ok = scope_expand(scope, literal, true, &piece->literal);

        mem_free(literal);
        if (!ok)
            return 0;
        if (hole == NULL)
            return count;
        pattern = end;
    }
    fail(scope, "too many holes", slice_of(pattern));
    return 0;
}

/* Where the literal that follows a hole begins; the last one ends the line. */
static const char *find_literal(struct slice rest, struct slice literal, bool last)
{
    if (last)
        return slice_ends(rest, literal) ? rest.data + rest.len - literal.len : NULL;
    return memmem(rest.data, rest.len, literal.data, literal.len);
}

static bool match_pieces(const struct piece *pieces, size_t count, struct slice line,
                         struct slice *taken)
{
    if (!slice_starts(line, buf_slice(&pieces[0].literal)))
        return false;
    line = slice_from(line, pieces[0].literal.len);
    for (size_t i = 1; i < count; i++) {
        struct slice literal = buf_slice(&pieces[i].literal);
        const char *at = find_literal(line, literal, i == count - 1);

        if (at == NULL)
            return false;
        taken[i - 1] = slice_make(line.data, (size_t)(at - line.data));
        line = slice_from(line, taken[i - 1].len + literal.len);
    }
    return line.len == 0;
}

bool scope_match(struct scope *scope, const char *pattern, struct slice line)
{
    struct piece pieces[PIECES_MAX] = {0};
    struct slice taken[PIECES_MAX];
    size_t count = cut_pattern(scope, pattern, pieces);
    bool matches = count > 0 && match_pieces(pieces, count, line, taken);

    for (size_t i = 0; matches && i + 1 < count; i++) {
        if (pieces[i].hole.len > 0)
            scope_set(scope, pieces[i].hole, taken[i]);
    }
    for (size_t i = 0; i < PIECES_MAX; i++)
        buf_fini(&pieces[i].literal);
    return matches;
}
