/*
 * openapi_document: api/openapi.json as the route tables and shapes of the program say it.
 *
 * The file is kept in the repository, because the program serves it and others read it; a test
 * compares the two.  What tables cannot say (which schema an answer has, an example for each
 * body) stands in the tables of the .c.
 *
 * Ownership  a new reference.
 * Thread     any.
 * Errors     none: a route that the tables here do not know is a failed test (CHECK).
 */
#pragma once

#include <jansson.h>

json_t *openapi_document(void);
