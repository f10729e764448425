/* The stream of a peer: cut anywhere it gives the same events as in one piece. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/nats/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_LIMIT = 64, PAYLOAD_LIMIT_ = 128, CUTS_MAX = 16 };

static void note(struct buf *out, const struct parser_event *event)
{
    const struct slice reply = parser_reply(event), queue = parser_queue(event);

    buf_printf(out, "%d %u %u %u %lld|", (int)event->verb, event->arg_count, event->header_len,
               event->payload_len, (long long)event->max);
    for (unsigned i = 0; i < event->arg_count; i++) {
        buf_add_slice(out, event->args[i]);
        buf_add_char(out, '|');
    }
    buf_add_slice(out, event->text);
    buf_add_slice(out, event->payload);
    buf_add_slice(out, reply);
    buf_add_slice(out, queue);
    buf_add_slice(out, parser_sid(event));
}

/* Shows bytes[at, end) and all that was kept; returns where the next command begins. */
static size_t feed(struct parser *parser, struct slice bytes, size_t at, size_t end, bool *dead,
                   struct buf *out)
{
    /* A copy of exact size, so that a read beyond the end is seen. */
    struct buf copy = {0};
    size_t done = 0;

    buf_add_slice(&copy, slice_make(bytes.data + at, end - at));
    while (!*dead) {
        struct parser_event event = {0};
        enum parser_status status = parser_next(parser, copy.data + done, copy.len - done, &event);

        if (status == PARSER_MORE) {
            CHECK(event.needed == 0 || event.needed > copy.len - done);
            break;
        }
        if (status == PARSER_ERROR) {
            CHECK(event.error != PARSER_ERROR_NONE);
            buf_printf(out, "error %d", (int)event.error);
            *dead = true;
            break;
        }
        CHECK(event.consumed > 0 && event.consumed <= copy.len - done);
        note(out, &event);
        done += event.consumed;
    }
    buf_fini(&copy);
    return at + done;
}

static void parse(struct slice bytes, uint32_t verbs, const uint8_t *cuts, size_t count,
                  struct buf *out)
{
    struct parser parser;
    size_t at = 0, end = 0;
    bool dead = false;

    parser_init(&parser, verbs, LINE_LIMIT, PAYLOAD_LIMIT_);
    for (size_t i = 0; i < count && end < bytes.len && !dead; i++) {
        end += cuts[i];
        if (end > bytes.len)
            end = bytes.len;
        at = feed(&parser, bytes, at, end, &dead, out);
    }
    if (!dead)
        (void)feed(&parser, bytes, at, bytes.len, &dead, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0}, cut = {0};
    struct slice bytes;
    uint32_t verbs;

    if (size < 1 + CUTS_MAX)
        return 0;
    verbs = data[0] & 1 ? verbs_of_client : verbs_of_server;
    bytes = slice_make((const char *)data + 1 + CUTS_MAX, size - 1 - CUTS_MAX);
    parse(bytes, verbs, NULL, 0, &whole);
    parse(bytes, verbs, data + 1, CUTS_MAX, &cut);
    CHECK(slice_equal(buf_slice(&whole), buf_slice(&cut)));
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
