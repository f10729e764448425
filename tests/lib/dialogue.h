/*
 * dialogue: plays a transcript with a server that runs.
 *
 * Lines that one peer sends one after the other are one piece of input; the cut says in
 * which portions it is written.  Whatever arrives is kept for each peer until a line asks
 * for it, so that what different peers receive may be written down in any order.
 *
 * Ownership  the caller's struct; transcript and server are borrowed.
 * Thread     one at a time.
 * Errors     play: false, with what was expected and what came in error.
 */
#pragma once

#include <stdbool.h>

#include "api/base/buf.h"
#include "tests/lib/peer.h"
#include "tests/lib/scope.h"
#include "tests/lib/server_process.h"
#include "tests/lib/transcript.h"

struct dialogue_options {
    enum peer_cut cut;
    uint64_t seed;  /* of CUT_RANDOM */
    int timeout_ms; /* for each line that is waited for */
    bool show;      /* print the conversation */
};

struct dialogue {
    const struct transcript *transcript;
    bool show;
    struct scope scope;
    struct peer_set set;
    size_t next;      /* the step at hand */
    struct buf error; /* why it failed */
};

void dialogue_init(struct dialogue *dialogue, const struct transcript *transcript,
                   struct server_process *server, const struct dialogue_options *options);
void dialogue_fini(struct dialogue *dialogue);
bool dialogue_play(struct dialogue *dialogue);

/* "whole", "bytes", "random". */
const char *dialogue_cut_name(enum peer_cut cut);
