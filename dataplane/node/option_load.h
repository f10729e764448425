/*
 * option_load: the options of a node: defaults, then the file, then the command line.
 *
 * The table of all keys of the top level; the blocks have tables of their own.  A key of a part
 * that does not exist yet is refused with "not supported yet".
 *
 * Ownership  the options' arena holds every text; after a failure there is nothing to free.
 * Thread     the main thread.
 * Errors     a message of one or more lines, without a newline at the end.
 */
#pragma once

#include "api/base/buf.h"
#include "api/base/result.h"
#include "dataplane/node/flags.h"
#include "dataplane/node/node_options.h"

/*
 * flags lives as long as the options.  ERR_SYNTAX and the like: message says why.  In a check
 * (-t) warnings are mistakes too.
 */
enum result option_load(const struct flags *flags, struct node_options *out,
                        struct buf *message) MUST_CHECK;
