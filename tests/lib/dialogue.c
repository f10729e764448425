/*
 * A table has one function for each kind of step; a function may use up the steps that follow
 * when they belong together (a choice, a set).
 * What can go wrong: a line is not what was expected, none comes in time, the server closes.
 * Then everything that came is in the report: it is what one needs to mend the server or the
 * transcript.
 */
#include "tests/lib/dialogue.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "api/base/check.h"
#include "api/base/mem.h"

enum { SHOWN_MAX = 4000, MESSAGES_MAX = 32, LIST_MAX = 64 };

const char *dialogue_cut_name(enum peer_cut cut)
{
    static const char *const names[CUTS] = {"whole", "bytes", "random"};

    return names[cut];
}

/* Bytes as text: what is not printable as an escape, cut when long. */
static void add_shown(struct buf *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len && i < SHOWN_MAX; i++) {
        unsigned char c = (unsigned char)bytes.data[i];

        if (c == '\\')
            buf_add_text(out, "\\\\");
        else if (c >= ' ' && c < 0x7f)
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "\\x%02x", c);
    }
    if (bytes.len > SHOWN_MAX)
        buf_printf(out, "... (%zu bytes)", bytes.len);
}

static void show(const struct dialogue *dialogue, char peer, const char *mark, struct slice line)
{
    struct buf text = {0};

    if (!dialogue->show)
        return;
    add_shown(&text, line);
    printf("%c%-2s %s\n", peer, mark, buf_text(&text));
    fflush(stdout);
    buf_fini(&text);
}

static char letter_of(const struct dialogue *dialogue, const struct peer *peer)
{
    return (char)('A' + (peer - dialogue->set.peers));
}

/* The rest of what the peers have received, for the report. */
static void add_received(struct dialogue *dialogue)
{
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &dialogue->set.peers[i];
        struct slice line;

        while (peer->used && peer_peek(peer, &line) == PEER_LINE) {
            buf_printf(&dialogue->error, "    %c< ", (char)('A' + i));
            add_shown(&dialogue->error, line);
            buf_add_char(&dialogue->error, '\n');
            peer_drop_line(peer, line);
        }
        if (peer->used && peer->in.len > 0) {
            buf_printf(&dialogue->error, "    %c< (no CRLF) ", (char)('A' + i));
            add_shown(&dialogue->error, buf_slice(&peer->in));
            buf_add_char(&dialogue->error, '\n');
        }
        if (peer->ended)
            buf_printf(&dialogue->error, "    %c< (closed)\n", (char)('A' + i));
    }
}

static bool fail(struct dialogue *dialogue, const struct step *step, const char *why)
{
    struct buf wanted = {0};

    if (!scope_expand(&dialogue->scope, step->text != NULL ? step->text : "", true, &wanted)) {
        buf_clear(&wanted); /* it has holes, which stay as they are written */
        buf_add_text(&wanted, step->text);
    }
    buf_printf(&dialogue->error, "%s:%d: %s\n    wanted: %s ", dialogue->transcript->path,
               step->line, why, step->peers != NULL ? step->peers : "server");
    add_shown(&dialogue->error, buf_slice(&wanted));
    buf_add_text(&dialogue->error, "\n  what came and was not yet asked for:\n");
    /* What is still on its way is worth a moment's patience now. */
    dialogue->set.timeout_ms = 200;
    while (peer_set_wait(&dialogue->set, peer_deadline_ms(&dialogue->set)) &&
           dialogue->error.len < 1 << 16)
        add_received(dialogue);
    add_received(dialogue);
    buf_fini(&wanted);
    return false;
}

static bool fail_scope(struct dialogue *dialogue, const struct step *step)
{
    buf_printf(&dialogue->error, "%s:%d: %s\n", dialogue->transcript->path, step->line,
               dialogue->scope.error);
    return false;
}

static struct peer *peer_of(struct dialogue *dialogue, char letter)
{
    return &dialogue->set.peers[letter - 'A'];
}

static bool is_info(struct slice line)
{
    return slice_starts(line, SLICE("INFO "));
}

static void take_info(struct peer *peer, struct slice line)
{
    json_decref(peer->info);
    peer->info = json_loadb(line.data + 5, line.len - 5, 0, NULL);
}

/* The next line that is not a PING of the server's, unless a PING is wanted. */
static enum peer_line next_line(struct dialogue *dialogue, struct peer *peer, bool ping_wanted,
                                struct slice *line)
{
    enum peer_line kind = peer_wait(&dialogue->set, peer, line);

    while (kind == PEER_LINE && !ping_wanted && slice_equal(*line, SLICE("PING"))) {
        peer_drop_line(peer, *line);
        kind = peer_wait(&dialogue->set, peer, line);
    }
    return kind;
}

static void drop_line(struct dialogue *dialogue, struct peer *peer, struct slice line)
{
    show(dialogue, letter_of(dialogue, peer), "<", line);
    peer_drop_line(peer, line);
}

static bool play_info(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    struct slice line;

    if (next_line(dialogue, peer, false, &line) != PEER_LINE || !is_info(line))
        return fail(dialogue, step, "INFO was expected");
    take_info(peer, line);
    drop_line(dialogue, peer, line);
    return true;
}

static bool play_connect(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    bool from = step->kind == STEP_CONNECT && *step->text != '\0';

    if (!peer_connect(&dialogue->set, peer, from ? step->text : NULL))
        return fail(dialogue, step, "cannot connect");
    return play_info(dialogue, step);
}

static bool play_close(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);

    if (!peer_leave(&dialogue->set, peer))
        return fail(dialogue, step, "the server does not close, too");
    peer->used = false;
    return true;
}

/* What the step sends, expanded. */
static bool expand_send(struct dialogue *dialogue, const struct step *step, struct buf *out)
{
    if (!scope_expand(&dialogue->scope, step->text, true, out))
        return fail_scope(dialogue, step);
    if (step->kind == STEP_SEND)
        buf_add_text(out, "\r\n");
    return true;
}

static bool sends(const struct step *step)
{
    return step->kind == STEP_SEND || step->kind == STEP_SEND_RAW;
}

/* Sets what ${#} stands for: the length of the sending step behind this one. */
static bool measure_next(struct dialogue *dialogue, const struct step *step)
{
    const struct step *end = dialogue->transcript->steps + dialogue->transcript->step_count;
    struct buf next = {0};
    bool ok;

    dialogue->scope.next_len = 0;
    if (strstr(step->text, "${#}") == NULL || step + 1 == end || !sends(step + 1))
        return true;
    ok = scope_expand(&dialogue->scope, step[1].text, true, &next);
    dialogue->scope.next_len = next.len;
    buf_fini(&next);
    return ok || fail_scope(dialogue, step + 1);
}

/* All that the peer sends without somebody else acting in between. */
static bool play_send(struct dialogue *dialogue, const struct step *step)
{
    const struct step *end = dialogue->transcript->steps + dialogue->transcript->step_count;
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    const struct step *first = step;

    for (; step < end && sends(step) && step->peers[0] == first->peers[0]; step++) {
        size_t before = peer->out.len;

        if (!measure_next(dialogue, step) || !expand_send(dialogue, step, &peer->out))
            return false;
        show(dialogue, step->peers[0], ">", slice_from(buf_slice(&peer->out), before));
        if (strncasecmp(step->text, "CONNECT", 7) == 0)
            peer->logged_in = true;
    }
    dialogue->next += (size_t)(step - first) - 1;
    peer_flush(&dialogue->set, peer);
    return true;
}

static bool play_line(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    bool ping = strcmp(step->text, "PING") == 0;
    struct slice line;

    switch (next_line(dialogue, peer, ping, &line)) {
    case PEER_SILENT:
        return fail(dialogue, step, "no line came in time");
    case PEER_ENDED:
        return fail(dialogue, step, "the server has closed");
    case PEER_LINE:
        break;
    }
    if (!scope_match(&dialogue->scope, step->text, line))
        return fail(dialogue, step, "another line came");
    drop_line(dialogue, peer, line);
    return true;
}

/* Which of the peers of a choice has a line that fits?  NULL: none yet. */
static struct peer *fitting(struct dialogue *dialogue, const struct step *step)
{
    for (const char *at = step->peers; *at != '\0'; at++) {
        struct peer *peer = *at != '|' ? peer_of(dialogue, *at) : NULL;
        struct slice line;

        if (peer != NULL && peer_peek(peer, &line) == PEER_LINE &&
            scope_match(&dialogue->scope, step->text, line))
            return peer;
    }
    return NULL;
}

/* The first line goes to one of them; the rest of the group to the same. */
static bool play_choice(struct dialogue *dialogue, const struct step *step)
{
    const struct step *end = dialogue->transcript->steps + dialogue->transcript->step_count;
    int64_t deadline = peer_deadline_ms(&dialogue->set);
    struct peer *peer = fitting(dialogue, step);
    struct slice line;

    while (peer == NULL) {
        if (!peer_set_wait(&dialogue->set, deadline))
            return fail(dialogue, step, "nobody received it");
        peer = fitting(dialogue, step);
    }
    for (const struct step *at = step;; dialogue->next++) {
        if (next_line(dialogue, peer, false, &line) != PEER_LINE ||
            !scope_match(&dialogue->scope, at->text, line))
            return fail(dialogue, at, "not what its first line promised");
        drop_line(dialogue, peer, line);
        at++;
        if (at == end || at->kind != STEP_LINE || at->first || strcmp(at->peers, step->peers) != 0)
            return true;
    }
}

static bool play_expectation(struct dialogue *dialogue, const struct step *step)
{
    return strchr(step->peers, '|') != NULL ? play_choice(dialogue, step)
                                            : play_line(dialogue, step);
}

struct message {
    const struct step *first;
    size_t lines; /* 0: it has come */
};

static size_t gather_messages(const struct dialogue *dialogue, const struct step *step,
                              struct message *messages, size_t *steps)
{
    const struct step *end = dialogue->transcript->steps + dialogue->transcript->step_count;
    const struct step *first = step;
    size_t count = 0;

    for (; step < end && step->kind == STEP_UNORDERED && strcmp(step->peers, first->peers) == 0;
         step++) {
        if (step->first || count == 0) {
            CHECK(count < MESSAGES_MAX);
            messages[count++] = (struct message){.first = step};
        }
        messages[count - 1].lines++;
    }
    *steps = (size_t)(step - first);
    return count;
}

/* Do the peer's next lines fit the message?  Takes them when they do. */
static bool take_message(struct dialogue *dialogue, struct peer *peer,
                         const struct message *message)
{
    struct slice rest = buf_slice(&peer->in);
    size_t len = 0;

    for (size_t i = 0; i < message->lines; i++) {
        const char *end = rest.len > 0 ? memmem(rest.data, rest.len, "\r\n", 2) : NULL;
        struct slice line;

        if (end == NULL)
            return false;
        line = slice_make(rest.data, (size_t)(end - rest.data));
        if (!scope_match(&dialogue->scope, message->first[i].text, line))
            return false;
        len += line.len + 2;
        rest = slice_from(rest, line.len + 2);
    }
    show(dialogue, letter_of(dialogue, peer), "<~", slice_make(peer->in.data, len));
    buf_drop_front(&peer->in, len);
    return true;
}

static bool take_one_of(struct dialogue *dialogue, struct peer *peer, struct message *messages,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (messages[i].lines > 0 && take_message(dialogue, peer, &messages[i])) {
            messages[i].lines = 0;
            return true;
        }
    }
    return false;
}

static bool play_unordered(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    int64_t deadline = peer_deadline_ms(&dialogue->set);
    struct message messages[MESSAGES_MAX];
    size_t steps, count = gather_messages(dialogue, step, messages, &steps);

    for (size_t left = count; left > 0;) {
        struct slice line;

        if (peer_peek(peer, &line) == PEER_LINE && slice_equal(line, SLICE("PING")))
            peer_drop_line(peer, line);
        else if (take_one_of(dialogue, peer, messages, count))
            left--;
        else if (!peer_set_wait(&dialogue->set, deadline))
            return fail(dialogue, step, "a message of the set did not come");
    }
    dialogue->next += steps - 1;
    return true;
}

static bool json_holds(const json_t *tree, json_t *wanted);

/* Is each of the wanted items, but the first, that of another item of the list? */
static bool list_holds_unordered(const json_t *tree, json_t *wanted)
{
    size_t size = json_array_size(tree);
    bool taken[LIST_MAX] = {false};

    if (size + 1 != json_array_size(wanted) || size > LIST_MAX)
        return false;
    for (size_t w = 1; w <= size; w++) {
        size_t i = 0;

        while (i < size &&
               (taken[i] || !json_holds(json_array_get(tree, i), json_array_get(wanted, w))))
            i++;
        if (i == size)
            return false;
        taken[i] = true;
    }
    return true;
}

static bool list_holds(const json_t *tree, json_t *wanted)
{
    size_t size = json_array_size(wanted);
    const char *first = json_string_value(json_array_get(wanted, 0));

    if (!json_is_array(tree))
        return false;
    if (first != NULL && strcmp(first, "(any order)") == 0)
        return list_holds_unordered(tree, wanted);
    for (size_t i = 0; i < size; i++) {
        if (!json_holds(json_array_get(tree, i), json_array_get(wanted, i)))
            return false;
    }
    return json_array_size(tree) == size;
}

/* Does the tree hold at least what wanted holds?  Lists are compared item by item. */
static bool json_holds(const json_t *tree, json_t *wanted)
{
    const char *key;
    json_t *value;

    if (json_is_string(wanted) && strcmp(json_string_value(wanted), "(any)") == 0)
        return tree != NULL;
    if (json_is_string(wanted) && strcmp(json_string_value(wanted), "(absent)") == 0)
        return tree == NULL;
    if (json_is_array(wanted))
        return list_holds(tree, wanted);
    if (!json_is_object(wanted))
        return json_equal(tree, wanted);
    json_object_foreach(wanted, key, value)
    {
        if (!json_holds(json_object_get(tree, key), value))
            return false;
    }
    return json_is_object(tree);
}

static bool play_json(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    struct buf text = {0};
    json_t *tree = NULL, *wanted = NULL;
    struct slice line;
    bool ok;

    if (!scope_expand(&dialogue->scope, step->text, false, &text)) {
        buf_fini(&text);
        return fail_scope(dialogue, step);
    }
    wanted = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
    buf_fini(&text);
    if (wanted == NULL)
        return fail(dialogue, step, "the transcript's JSON is malformed");
    ok = next_line(dialogue, peer, false, &line) == PEER_LINE;
    if (ok)
        tree = json_loadb(line.data, line.len, JSON_DECODE_ANY, NULL);
    ok = ok && json_holds(tree, wanted);
    json_decref(tree);
    json_decref(wanted);
    if (!ok)
        return fail(dialogue, step, "not the JSON that was expected");
    drop_line(dialogue, peer, line);
    return true;
}

static bool play_closed(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);
    struct slice line;

    if (next_line(dialogue, peer, false, &line) != PEER_ENDED || line.len > 0)
        return fail(dialogue, step, "the server was expected to close");
    show(dialogue, step->peers[0], "<", SLICE("(closed)"));
    peer_close(peer);
    return true;
}

static void send_ping(struct dialogue *dialogue, struct peer *peer)
{
    buf_add_text(&peer->out, "PING\r\n");
    peer_flush(&dialogue->set, peer);
}

static bool expect_pong(struct dialogue *dialogue, struct peer *peer, bool info_allowed)
{
    struct slice line;

    while (next_line(dialogue, peer, false, &line) == PEER_LINE) {
        if (slice_equal(line, SLICE("PONG"))) {
            peer_drop_line(peer, line);
            return true;
        }
        if (!info_allowed || !is_info(line))
            return false;
        peer_drop_line(peer, line);
    }
    return false;
}

static bool play_nothing(struct dialogue *dialogue, const struct step *step)
{
    struct peer *peer = peer_of(dialogue, step->peers[0]);

    send_ping(dialogue, peer);
    if (!expect_pong(dialogue, peer, false))
        return fail(dialogue, step, "something came");
    show(dialogue, step->peers[0], "<", SLICE("(nothing)"));
    return true;
}

static void add_info_text(const json_t *value, struct buf *out)
{
    char *text;

    if (json_is_string(value)) {
        buf_add_text(out, json_string_value(value));
        return;
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    buf_add_text(out, text != NULL ? text : "");
    free(text);
}

/* For the scope: ${A.FIELD}. */
static bool info_field(void *context, char letter, struct slice field, struct buf *out)
{
    struct dialogue *dialogue = context;
    char *name = mem_strndup(field.data, field.len);
    json_t *value = NULL;

    if (letter >= 'A' && letter <= 'Z')
        value = json_object_get(peer_of(dialogue, letter)->info, name);
    if (value != NULL)
        add_info_text(value, out);
    mem_free(name);
    return value != NULL;
}

static bool play_field(struct dialogue *dialogue, const struct step *step)
{
    struct slice wanted = slice_of(step->text), name;
    struct buf value = {0};
    bool found, ok;

    slice_cut(&wanted, ' ', &name);
    wanted = slice_trim(wanted);
    found = info_field(dialogue, step->peers[0], name, &value);
    if (slice_equal(wanted, SLICE("(absent)")))
        ok = !found;
    else if (slice_equal(wanted, SLICE("(present)")))
        ok = found;
    else
        ok = found && scope_match(&dialogue->scope, wanted.data, buf_slice(&value));
    if (!ok) {
        fail(dialogue, step, "the field of INFO is another");
        buf_printf(&dialogue->error, "    it is: %s\n", found ? buf_text(&value) : "(absent)");
    }
    buf_fini(&value);
    return ok;
}

static bool play_signal(struct dialogue *dialogue, const struct step *step)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"INT", SIGINT}, {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
                   {"HUP", SIGHUP}, {"QUIT", SIGQUIT}, {"KILL", SIGKILL}};

    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        if (strcmp(signals[i].name, step->text) == 0)
            return kill(dialogue->set.server->pid, signals[i].number) == 0;
    }
    return fail(dialogue, step, "no such signal");
}

static bool play_exit(struct dialogue *dialogue, const struct step *step)
{
    struct server_process *server = dialogue->set.server;

    if (!server_process_wait(server, dialogue->set.timeout_ms))
        return fail(dialogue, step, "the server has not ended");
    if (!WIFEXITED(server->status) || WEXITSTATUS(server->status) != strtol(step->text, NULL, 10))
        return fail(dialogue, step, "the server has ended in another way");
    return true;
}

static bool (*const players[])(struct dialogue *dialogue, const struct step *step) = {
    [STEP_SEND] = play_send,           [STEP_SEND_RAW] = play_send, [STEP_LINE] = play_expectation,
    [STEP_UNORDERED] = play_unordered, [STEP_JSON] = play_json,     [STEP_CLOSED] = play_closed,
    [STEP_NOTHING] = play_nothing,     [STEP_INFO] = play_info,     [STEP_FIELD] = play_field,
    [STEP_CONNECT] = play_connect,     [STEP_CLOSE] = play_close,   [STEP_SIGNAL] = play_signal,
    [STEP_EXIT] = play_exit,
};

/* Whoever is named for the first time is connected. */
static bool connect_named(struct dialogue *dialogue, const struct step *step)
{
    for (const char *at = step->peers; at != NULL && *at != '\0'; at++) {
        struct step connect = {.kind = STEP_INFO, .line = step->line, .peers = at, .text = ""};

        if (*at != '|' && step->kind != STEP_CONNECT && !peer_of(dialogue, *at)->used &&
            !play_connect(dialogue, &connect))
            return false;
    }
    return true;
}

/* Twice around: the second time whatever the first has set off has arrived. */
static bool play_end(struct dialogue *dialogue)
{
    struct step step = {.kind = STEP_NOTHING, .peers = "", .text = "(nothing more)"};

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PEERS_MAX; i++) {
            struct peer *peer = &dialogue->set.peers[i];
            char name[2] = {(char)('A' + i), '\0'};

            if (peer->fd < 0 || !peer->logged_in)
                continue;
            send_ping(dialogue, peer);
            step.peers = name;
            if (!expect_pong(dialogue, peer, round == 0))
                return fail(dialogue, &step, "at the end something came");
        }
    }
    return true;
}

void dialogue_init(struct dialogue *dialogue, const struct transcript *transcript,
                   struct server_process *server, const struct dialogue_options *options)
{
    *dialogue = (struct dialogue){.transcript = transcript, .show = options->show};
    peer_set_init(&dialogue->set, server);
    dialogue->set.cut = options->cut;
    dialogue->set.timeout_ms = options->timeout_ms;
    random_seed(&dialogue->set.random, options->seed);
    scope_init(&dialogue->scope, transcript);
    dialogue->scope.info = info_field;
    dialogue->scope.context = dialogue;
    scope_set(&dialogue->scope, SLICE("dir"), slice_of(server->folder));
}

void dialogue_fini(struct dialogue *dialogue)
{
    peer_set_fini(&dialogue->set);
    scope_fini(&dialogue->scope);
    buf_fini(&dialogue->error);
}

bool dialogue_play(struct dialogue *dialogue)
{
    const struct transcript *transcript = dialogue->transcript;

    for (dialogue->next = 0; dialogue->next < transcript->step_count; dialogue->next++) {
        const struct step *step = &transcript->steps[dialogue->next];

        if (!connect_named(dialogue, step) || !players[step->kind](dialogue, step))
            return false;
    }
    return (transcript->options & TRANSCRIPT_LOOSE) != 0 || play_end(dialogue);
}
