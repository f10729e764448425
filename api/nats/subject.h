/*
 * subject: the grammar of subjects: valid, literal, match, overlap.
 *
 * Tokens are separated by '.'; none is empty.  A token that is exactly '*' stands for one
 * token, exactly '>' in the last place for one or more.  "foo*" is a literal.
 *
 * Ownership  slices only; nothing is kept.
 * Thread     any.
 * Errors     none: questions with an answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/base/slice.h"

struct subject_info {
    unsigned tokens;
    bool valid;   /* as the subject of a subscription: no empty token, nothing after '>' */
    bool literal; /* no wildcard token */
    bool full;    /* the last token is '>' */
};

/* All of it in one pass. */
struct subject_info subject_scan(struct slice subject);

/* A subscription may have it.  Blanks are not looked at: see subject_clean. */
bool subject_valid(struct slice subject);
/* A message may be published on it: valid and literal. */
bool subject_valid_literal(struct slice subject);
/* No wildcard token; says nothing about validity. */
bool subject_literal(struct slice subject);
/*
 * What configuration and claims ask beyond subject_valid: no blank, no control character, no
 * replacement character, UTF-8.
 */
bool subject_clean(struct slice subject);

/* The next token off *rest (first set to the whole); false when used up. */
bool subject_token_next(struct slice *rest, struct slice *token);
unsigned subject_token_count(struct slice subject);
/* From 1; empty beyond the end. */
struct slice subject_token_at(struct slice subject, unsigned position);

/* Does the pattern match this literal subject?  Both must be valid. */
bool subject_match(struct slice pattern, struct slice subject);
/* Is everything that `inner` matches matched by `outer` too? */
bool subject_subset(struct slice inner, struct slice outer);
/* Is there a literal subject that both match? */
bool subject_overlap(struct slice a, struct slice b);
