#include "api/nats/verb.h"

#include <stddef.h>

const struct verb_spec verb_specs[VERB_COUNT] = {
    /*                word      len args             min max */
    [VERB_CONNECT] = {"CONNECT", 7, VERB_ARGS_TEXT, 1, 1, .attached = true},
    [VERB_PUB] = {"PUB", 3, VERB_ARGS_WORDS, 2, 3, .payload = true},
    [VERB_HPUB] = {"HPUB", 4, VERB_ARGS_WORDS, 3, 4, .payload = true, .headers = true},
    [VERB_SUB] = {"SUB", 3, VERB_ARGS_WORDS, 2, 3},
    [VERB_UNSUB] = {"UNSUB", 5, VERB_ARGS_WORDS, 1, 2},
    [VERB_PING] = {"PING", 4, VERB_ARGS_NONE, 0, 0, .attached = true},
    [VERB_PONG] = {"PONG", 4, VERB_ARGS_NONE, 0, 0, .attached = true},
    [VERB_INFO] = {"INFO", 4, VERB_ARGS_TEXT, 1, 1, .attached = true},
    [VERB_OK] = {"+OK", 3, VERB_ARGS_NONE, 0, 0, .attached = true},
    [VERB_ERR] = {"-ERR", 4, VERB_ARGS_TEXT, 0, 1},
    [VERB_MSG] = {"MSG", 3, VERB_ARGS_WORDS, 3, 4, .payload = true},
    [VERB_HMSG] = {"HMSG", 4, VERB_ARGS_WORDS, 4, 5, .payload = true, .headers = true},
};

const uint32_t verbs_of_client = VERB_BIT(VERB_CONNECT) | VERB_BIT(VERB_PUB) | VERB_BIT(VERB_HPUB) |
                                 VERB_BIT(VERB_SUB) | VERB_BIT(VERB_UNSUB) | VERB_BIT(VERB_PING) |
                                 VERB_BIT(VERB_PONG) | VERB_BIT(VERB_INFO) | VERB_BIT(VERB_OK) |
                                 VERB_BIT(VERB_ERR);

const uint32_t verbs_of_server = VERB_BIT(VERB_INFO) | VERB_BIT(VERB_PING) | VERB_BIT(VERB_PONG) |
                                 VERB_BIT(VERB_OK) | VERB_BIT(VERB_ERR) | VERB_BIT(VERB_MSG) |
                                 VERB_BIT(VERB_HMSG);

enum fit { FIT_NO, FIT_PARTLY, FIT_YES };

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static enum fit fits(const struct verb_spec *spec, struct slice line)
{
    size_t len = line.len < spec->len ? line.len : spec->len;

    for (size_t i = 0; i < len; i++) {
        if (upper(line.data[i]) != spec->word[i])
            return FIT_NO;
    }
    if (line.len < spec->len)
        return FIT_PARTLY;
    if (spec->attached)
        return FIT_YES;
    if (line.len == spec->len)
        return FIT_PARTLY;
    return line.data[len] == ' ' || line.data[len] == '\t' ? FIT_YES : FIT_NO;
}

/* The verbs whose words begin with that letter, VERB_COUNT where there are fewer. */
static const uint8_t *by_letter(char first)
{
    static const uint8_t p[] = {VERB_PUB, VERB_PING, VERB_PONG};
    static const uint8_t h[] = {VERB_HPUB, VERB_HMSG, VERB_COUNT};
    static const uint8_t s[] = {VERB_SUB, VERB_COUNT};
    static const uint8_t m[] = {VERB_MSG, VERB_COUNT};
    static const uint8_t u[] = {VERB_UNSUB, VERB_COUNT};
    static const uint8_t c[] = {VERB_CONNECT, VERB_COUNT};
    static const uint8_t i[] = {VERB_INFO, VERB_COUNT};
    static const uint8_t plus[] = {VERB_OK, VERB_COUNT};
    static const uint8_t minus[] = {VERB_ERR, VERB_COUNT};
    static const uint8_t none[] = {VERB_COUNT};

    switch (upper(first)) {
    case 'P':
        return p;
    case 'H':
        return h;
    case 'S':
        return s;
    case 'M':
        return m;
    case 'U':
        return u;
    case 'C':
        return c;
    case 'I':
        return i;
    case '+':
        return plus;
    case '-':
        return minus;
    default:
        return none;
    }
}

enum { SAME_LETTER_MAX = 3 };

enum verb verb_at(struct slice line, uint32_t verbs, bool *partial)
{
    const uint8_t *list;

    *partial = line.len == 0;
    if (line.len == 0)
        return VERB_COUNT;
    list = by_letter(line.data[0]);
    for (int i = 0; i < SAME_LETTER_MAX && list[i] != VERB_COUNT; i++) {
        enum fit fit;

        if ((verbs & VERB_BIT(list[i])) == 0)
            continue;
        fit = fits(&verb_specs[list[i]], line);
        if (fit == FIT_YES)
            return (enum verb)list[i];
        if (fit == FIT_PARTLY)
            *partial = true;
    }
    return VERB_COUNT;
}
