/* One control line: words are within it, without blanks, and sizes are what they say. */
#include <stddef.h>
#include <stdint.h>

#include "api/base/check.h"
#include "api/nats/parser.h"
#include "api/nats/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct parser_event *event, const char *data, size_t size)
{
    CHECK(event->arg_count <= PARSER_ARGS_MAX);
    for (unsigned i = 0; i < event->arg_count; i++) {
        struct slice word = event->args[i];

        CHECK(word.len > 0 && word.data >= data && word.data + word.len <= data + size);
        for (size_t j = 0; j < word.len; j++)
            CHECK(word.data[j] != ' ' && word.data[j] != '\t' && word.data[j] != '\n');
    }
    CHECK(event->header_len <= event->payload_len);
    CHECK(event->payload.len == event->payload_len);
    if (event->verb == VERB_PUB || event->verb == VERB_SUB) {
        struct subject_info info = subject_scan(parser_subject(event));

        CHECK(!info.full || !info.literal);
        CHECK(info.tokens > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct parser parser;
    struct parser_event event = {0};
    bool partial;

    (void)verb_at(slice_make(text, size), verbs_of_client | verbs_of_server, &partial);
    parser_init(&parser, verbs_of_client | verbs_of_server, 4096, PARSER_PAYLOAD_UNLIMITED);
    if (parser_next(&parser, text, size, &event) == PARSER_EVENT)
        check_event(&event, text, size);
    return 0;
}
