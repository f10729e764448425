/*
 * option_text: configurations of a node as texts, and what is said of them.
 *
 * The text is written to a file of its own, which messages name; here it is "F".
 *
 * Ownership  options that were loaded and messages are the test's.
 * Thread     the test's main thread.
 * Errors     none: what goes wrong is a failed test.
 */
#pragma once

#include <stddef.h>

#include "api/base/buf.h"
#include "api/base/result.h"
#include "dataplane/node/flags.h"
#include "dataplane/node/node_options.h"

/* For cmocka_run_group_tests: makes the file; removes it. */
int option_text_set_up(void **state);
int option_text_tear_down(void **state);

enum result option_text_load(const char *text, struct flags *flags, struct node_options *options,
                             struct buf *message) MUST_CHECK;
void option_text_expect(const struct buf *message, const char *wanted, const char *text);

struct option_refusal {
    const char *text, *message;
};
void option_text_refused(const struct option_refusal *cases, size_t count);

/* Read by one table, without a file ("f" in messages) and without what stands around it. */
struct option_text {
    struct arena arena;
    struct option_reader reader; /* has the errors */
};
void option_text_read(struct option_text *reading, const struct option *table, const char *text,
                      void *out);
void option_text_done(struct option_text *reading);
