/*
 * fake_node: a node as a link sees it, whose answers are the test's.
 *
 * A broker without log-in runs as a process of its own (BERTH_BIN/berth-broker); a client on it
 * answers the subjects that the test names, with the texts that the test gives.  "@ID@" in an
 * answer is the broker's server id; several answers are parted by a line "--".
 *
 * Ownership  the node is the caller's; texts are borrowed until the stop.
 * Thread     one at a time; answers are given by a thread of libnats.
 * Errors     none: what does not start is a failed test (CHECK).
 */
#pragma once

#include "controlplane/link/link_set.h"
#include "controlplane/link/system_link.h"

enum { FAKE_ANSWERS_MAX = 16, FAKE_URL_MAX = 64 };

struct fake_answer {
    const char *subject, *text; /* text NULL: listens, and says nothing */
};

struct fake_node;

/* answers end with a NULL subject. */
struct fake_node *fake_node_start(const struct fake_answer *answers);
void fake_node_stop(struct fake_node *node);
const char *fake_node_url(const struct fake_node *node);
const char *fake_node_id(const struct fake_node *node);
/* From now on it listens there, too. */
void fake_node_listen(struct fake_node *node, const struct fake_answer *answer);
/* What was asked last on that subject's row; "" when nothing was. */
const char *fake_node_heard(struct fake_node *node, size_t row);
/* From now on that row's answer is another one; the text is borrowed until the stop. */
void fake_node_set(struct fake_node *node, size_t row, const char *text);
/* Says something by itself, to whoever listens. */
void fake_node_say(struct fake_node *node, const char *subject, const char *text);

/* A new user key and any text for its JWT: a broker without log-in asks for neither. */
enum result fake_node_credentials(void *arg, struct system_link_user *out);
enum result fake_set_credentials(const char *system_id, struct system_link_user *out, void *arg);

/* Until a link of the system is up: on a busy machine the first attempt may come to nothing. */
void fake_node_await_link(struct link_set *set, const char *system_id);
/* A link to the node that is up. */
struct system_link *fake_node_link(const struct fake_node *node);
