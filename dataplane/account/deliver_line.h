/*
 * deliver_line: the parts of MSG and HMSG lines that all takers of a message share.
 *
 * Formed when a taker asks for them, once for each message and worker.
 *
 * Ownership  the text is the line's; deliver.c keeps it from message to message.
 * Thread     the worker's.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/sub.h"

/* headers: HMSG; stripped: MSG without the headers, for takers that do not want them. */
enum deliver_form { DELIVER_PLAIN, DELIVER_HEADERS, DELIVER_STRIPPED };

/* Forms what is missing of delivery->line. */
void deliver_line_form(const struct delivery *delivery, enum deliver_form form);
/* For another message; keeps the memory. */
void deliver_line_clear(struct deliver_line *line);
void deliver_line_fini(struct deliver_line *line);
