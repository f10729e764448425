#include "api/nats/subject.h"

enum { DELETE = 0x7f };

struct subject_info subject_scan(struct slice subject)
{
    struct subject_info info = {.valid = true, .literal = true};
    size_t begin = 0;

    for (size_t i = 0; i <= subject.len; i++) {
        if (i < subject.len && subject.data[i] != '.')
            continue;
        info.tokens++;
        if (info.full || i == begin)
            info.valid = false; /* something after '>', or nothing at all */
        info.full = i - begin == 1 && subject.data[begin] == '>';
        if (info.full || (i - begin == 1 && subject.data[begin] == '*'))
            info.literal = false;
        begin = i + 1;
    }
    return info;
}

bool subject_valid(struct slice subject)
{
    return subject_scan(subject).valid;
}

bool subject_valid_literal(struct slice subject)
{
    struct subject_info info = subject_scan(subject);

    return info.valid && info.literal;
}

bool subject_literal(struct slice subject)
{
    return subject_scan(subject).literal;
}

bool subject_clean(struct slice subject)
{
    while (subject.len > 0) {
        unsigned char c = (unsigned char)subject.data[0];
        size_t len = slice_utf8(subject);

        if (len == 0 || c <= ' ' || c == DELETE)
            return false;
        if (len == 3 && memcmp(subject.data, "\xef\xbf\xbd", 3) == 0)
            return false; /* what stands for damaged text */
        subject = slice_from(subject, len);
    }
    return true;
}

bool subject_token_next(struct slice *rest, struct slice *token)
{
    return slice_cut(rest, '.', token);
}

unsigned subject_token_count(struct slice subject)
{
    return subject_scan(subject).tokens;
}

struct slice subject_token_at(struct slice subject, unsigned position)
{
    struct slice rest = subject, token;

    for (unsigned i = 1; subject_token_next(&rest, &token); i++) {
        if (i == position)
            return token;
    }
    return slice_make(NULL, 0);
}

static bool is_token(struct slice token, char c)
{
    return token.len == 1 && token.data[0] == c;
}

bool subject_match(struct slice pattern, struct slice subject)
{
    return subject_subset(subject, pattern);
}

bool subject_subset(struct slice inner, struct slice outer)
{
    struct slice in, out;

    while (subject_token_next(&outer, &out)) {
        if (!subject_token_next(&inner, &in))
            return false;
        if (is_token(out, '>'))
            return true;
        if (is_token(in, '>'))
            return false;
        if (!is_token(out, '*') && !slice_equal(in, out))
            return false;
    }
    return !subject_token_next(&inner, &in);
}

bool subject_overlap(struct slice a, struct slice b)
{
    struct slice x, y;

    for (;;) {
        bool more_a = subject_token_next(&a, &x), more_b = subject_token_next(&b, &y);

        if (!more_a || !more_b)
            return more_a == more_b;
        if (is_token(x, '>') || is_token(y, '>'))
            return true;
        if (!is_token(x, '*') && !is_token(y, '*') && !slice_equal(x, y))
            return false;
    }
}
