/*
 * openapi_check: does an answer stand in api/openapi.json?
 *
 * Every answer that a test gets of a control plane (control_plane.h) is held against the
 * document: its status or, if it is a problem, its code, and its media type.
 *
 * Ownership  the text is in `why`.
 * Thread     any.
 * Errors     false, with what is not declared in `why`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct control_reply;

/* An answer of a path that is none of the document's is declared: there is nothing to say. */
bool openapi_declares(const char *method, const char *path, const struct control_reply *reply,
                      char *why, size_t cap);
