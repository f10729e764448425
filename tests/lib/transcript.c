/*
 * The file is read whole and cut in place: each line is looked at once, by its first word.
 * What can go wrong: a line that is none of the kinds; then the file is refused with its number.
 */
#include "tests/lib/transcript.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"

struct reader {
    struct transcript *transcript;
    char *next; /* NULL at the end */
    int line;
    bool gap; /* a blank line or a comment came before this one */
};

static bool fail(struct reader *reader, const char *why)
{
    snprintf(reader->transcript->error, sizeof(reader->transcript->error), "%s:%d: %s",
             reader->transcript->path, reader->line, why);
    return false;
}

static char *next_line(struct reader *reader)
{
    char *line = reader->next;
    char *end;

    if (line == NULL || *line == '\0')
        return NULL;
    reader->line++;
    end = strchr(line, '\n');
    if (end != NULL)
        *end = '\0';
    reader->next = end != NULL ? end + 1 : NULL;
    return line;
}

static bool indented(const char *line)
{
    return line != NULL && (*line == ' ' || *line == '\t');
}

/* The indented lines that follow, as one text of the caller's. */
static char *indented_lines(struct reader *reader)
{
    struct buf buf = {0};

    while (indented(reader->next)) {
        buf_add_text(&buf, next_line(reader));
        buf_add_char(&buf, '\n');
    }
    return buf_take(&buf);
}

static char *skip_blanks(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static struct step *add_step(struct reader *reader, enum step_kind kind, const char *peers,
                             const char *text)
{
    struct transcript *transcript = reader->transcript;
    struct step *step;

    if (transcript->step_count == transcript->step_cap) {
        transcript->step_cap = transcript->step_cap == 0 ? 64 : transcript->step_cap * 2;
        transcript->steps =
            mem_realloc(transcript->steps, transcript->step_cap * sizeof(*transcript->steps));
    }
    CHECK(transcript->steps != NULL);
    step = &transcript->steps[transcript->step_count++];
    *step = (struct step){.kind = kind, .line = reader->line, .peers = peers, .text = text};
    return step;
}

static bool read_comment(struct reader *reader, char *line)
{
    static const struct {
        const char *word;
        unsigned option;
    } options[] = {
        {"fresh", TRANSCRIPT_FRESH},
        {"uncut", TRANSCRIPT_UNCUT},
        {"loose", TRANSCRIPT_LOOSE},
        {"peer-uncut", TRANSCRIPT_PEER_UNCUT},
    };
    char *text = skip_blanks(line + 1);
    struct slice rest, word;

    if (strncmp(text, "options:", 8) != 0) {
        if (reader->transcript->title == NULL && *text != '\0')
            reader->transcript->title = text;
        return true;
    }
    rest = slice_of(text + 8);
    while (slice_cut(&rest, ',', &word)) {
        size_t i = 0;

        while (i < COUNT_OF(options) && !slice_equal(slice_of(options[i].word), slice_trim(word)))
            i++;
        if (i == COUNT_OF(options))
            return fail(reader, "unknown option");
        reader->transcript->options |= options[i].option;
    }
    return true;
}

static bool read_token(struct reader *reader, char *line)
{
    struct transcript *transcript = reader->transcript;
    struct token_claims *token;
    char *name = skip_blanks(line + 4);
    char *by = strstr(name, " by ");

    if (by == NULL)
        return fail(reader, "expected: jwt NAME by TYPE:KEY");
    *by = '\0';
    transcript->tokens = mem_realloc(transcript->tokens,
                                     (transcript->token_count + 1) * sizeof(*transcript->tokens));
    token = &transcript->tokens[transcript->token_count++];
    token->name = name;
    token->signer = skip_blanks(by + 4);
    token->claims = indented_lines(reader);
    return true;
}

static bool read_server(struct reader *reader, char *text)
{
    if (strncmp(text, "signal ", 7) == 0)
        add_step(reader, STEP_SIGNAL, NULL, text + 7);
    else if (strncmp(text, "exit ", 5) == 0)
        add_step(reader, STEP_EXIT, NULL, text + 5);
    else
        return fail(reader, "expected: server: signal NAME, or server: exit STATUS");
    return true;
}

static bool read_act(struct reader *reader, const char *peers, char *text)
{
    if (strcmp(text, "connect") == 0)
        add_step(reader, STEP_CONNECT, peers, "");
    else if (strncmp(text, "connect from ", 13) == 0)
        add_step(reader, STEP_CONNECT, peers, text + 13);
    else if (strcmp(text, "close") == 0)
        add_step(reader, STEP_CLOSE, peers, "");
    else
        return fail(reader, "expected: connect, connect from ADDRESS, or close");
    return true;
}

static bool begins_message(const char *text)
{
    return strncmp(text, "MSG ", 4) == 0 || strncmp(text, "HMSG ", 5) == 0;
}

static bool read_expectation(struct reader *reader, const char *peers, char *text, bool unordered)
{
    const struct transcript *transcript = reader->transcript;
    const struct step *last =
        transcript->step_count > 0 ? &transcript->steps[transcript->step_count - 1] : NULL;
    enum step_kind kind = unordered ? STEP_UNORDERED : STEP_LINE;
    bool follows = last != NULL && last->kind == kind && strcmp(last->peers, peers) == 0;

    if (unordered || strchr(peers, '|') != NULL) {
        bool first = reader->gap || !follows || begins_message(text);

        add_step(reader, kind, peers, text)->first = first;
        return true;
    }
    if (strcmp(text, "(closed)") == 0)
        kind = STEP_CLOSED;
    else if (strcmp(text, "(nothing)") == 0)
        kind = STEP_NOTHING;
    else if (strcmp(text, "(info)") == 0)
        kind = STEP_INFO;
    else if (strncmp(text, "(json)", 6) == 0)
        kind = STEP_JSON;
    add_step(reader, kind, peers, kind == STEP_JSON ? skip_blanks(text + 6) : text);
    return true;
}

static bool read_step(struct reader *reader, char *line)
{
    size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ|");
    char mark = line[len];
    char *text = line + len + 1;
    bool twice;

    if (strncmp(line, "server:", 7) == 0)
        return read_server(reader, skip_blanks(line + 7));
    if (len == 0 || mark == '\0' || strchr("><?:", mark) == NULL)
        return fail(reader, "not a line of a transcript");
    line[len] = '\0';
    twice = (mark == '>' && *text == '>') || (mark == '<' && *text == '~');
    text = skip_blanks(twice ? text + 1 : text);
    if (mark != '<' && len != 1)
        return fail(reader, "only one peer can do this");
    switch (mark) {
    case '>':
        add_step(reader, twice ? STEP_SEND_RAW : STEP_SEND, line, text);
        return true;
    case '?':
        add_step(reader, STEP_FIELD, line, text);
        return true;
    case ':':
        return read_act(reader, line, text);
    default:
        return read_expectation(reader, line, text, twice);
    }
}

static bool read_line(struct reader *reader, char *line)
{
    bool ok;

    if (*line == '\0' || *line == '#') {
        reader->gap = true;
        return *line == '\0' || read_comment(reader, line);
    }
    if (strcmp(line, "config:") == 0) {
        mem_free(reader->transcript->config);
        reader->transcript->config = indented_lines(reader);
        return true;
    }
    if (strncmp(line, "jwt ", 4) == 0)
        return read_token(reader, line);
    ok = read_step(reader, line);
    reader->gap = false;
    return ok;
}

static bool read_text(struct transcript *transcript)
{
    struct buf buf = {0};
    FILE *file = fopen(transcript->path, "r");
    size_t len;

    if (file == NULL) {
        snprintf(transcript->error, sizeof(transcript->error), "%s: cannot be read",
                 transcript->path);
        return false;
    }
    do {
        char *room = buf_reserve(&buf, 4096);

        len = fread(room, 1, 4096, file);
        buf_commit(&buf, len);
    } while (len > 0);
    fclose(file);
    transcript->text = buf_take(&buf);
    return true;
}

bool transcript_read(struct transcript *transcript, const char *path)
{
    struct reader reader = {.transcript = transcript};
    char *line;

    *transcript = (struct transcript){.path = path};
    if (!read_text(transcript))
        return false;
    reader.next = transcript->text;
    while ((line = next_line(&reader)) != NULL) {
        if (!read_line(&reader, line))
            return false;
    }
    if (transcript->title == NULL)
        return fail(&reader, "no title: the first comment says what is shown");
    return true;
}

void transcript_fini(struct transcript *transcript)
{
    for (size_t i = 0; i < transcript->token_count; i++)
        mem_free(transcript->tokens[i].claims);
    mem_free(transcript->tokens);
    mem_free(transcript->steps);
    mem_free(transcript->config);
    mem_free(transcript->text);
}
