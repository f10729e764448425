#include "tests/lib/option_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/node/option_load.h"

static char path[] = "/tmp/berth-options.XXXXXX";
static const char *place; /* how messages name the file */

int option_text_set_up(void **state)
{
    int fd = mkstemp(path);

    place = path;
    return fd >= 0 ? close(fd) : -1;
}

int option_text_tear_down(void **state)
{
    return unlink(path);
}

enum result option_text_load(const char *text, struct flags *flags, struct node_options *options,
                             struct buf *message)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    flags->program = "berth-broker";
    flags->config = path;
    *message = (struct buf){0};
    return option_load(flags, options, message);
}

void option_text_expect(const struct buf *message, const char *wanted, const char *text)
{
    struct buf plain = {0};
    const char *at = buf_text(message), *found;

    while ((found = strstr(at, place)) != NULL) {
        buf_add(&plain, at, (size_t)(found - at));
        buf_add_char(&plain, 'F');
        at = found + strlen(place);
    }
    buf_add_text(&plain, at);
    if (strcmp(buf_text(&plain), wanted) != 0)
        fail_msg("%s\n: \"%s\" instead of \"%s\"", text, buf_text(&plain), wanted);
    buf_fini(&plain);
}

void option_text_refused(const struct option_refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct node_options options;
        struct flags flags = {0};
        struct buf message;

        if (option_text_load(cases[i].text, &flags, &options, &message) == OK)
            fail_msg("%s is accepted", cases[i].text);
        option_text_expect(&message, cases[i].message, cases[i].text);
        buf_fini(&message);
    }
}

void option_text_read(struct option_text *reading, const struct option *table, const char *text,
                      void *out)
{
    struct config_error error;
    struct config_node *root;

    *reading = (struct option_text){0};
    if (config_parse(slice_of(text), "f", NULL, &reading->arena, &root, &error) != OK)
        fail_msg("%s: %s", text, error.message);
    option_reader_init(&reading->reader, &reading->arena);
    option_table_read(&reading->reader, table, root, out);
}

void option_text_done(struct option_text *reading)
{
    option_reader_fini(&reading->reader);
    arena_fini(&reading->arena);
}
