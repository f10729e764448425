#include "controlplane/db/statement.h"

#include "api/base/check.h"

/* sql/queries, linked into the program by the Makefile. */
extern const char _binary_queries_sql_start[], _binary_queries_sql_end[];

static const char *const names[] = {
#define STATEMENT(name) #name,
#include "statements.def"
#undef STATEMENT
    NULL,
};

static const struct slice mark = {"-- name: ", sizeof("-- name: ") - 1};

const char *statement_name(enum statement statement)
{
    CHECK(statement >= 0 && statement < STATEMENTS);
    return names[statement];
}

bool statement_is_list(enum statement statement)
{
    return slice_ends(slice_of(statement_name(statement)), SLICE("_list"));
}

/* Up to the next line that begins with the mark, or the end. */
static struct slice up_to_mark(struct slice text)
{
    size_t len = 0;

    while (len < text.len) {
        struct slice here = slice_from(text, len);
        const char *end;

        if (slice_starts(here, mark))
            break;
        end = memchr(here.data, '\n', here.len);
        len = end != NULL ? (size_t)(end - text.data) + 1 : text.len;
    }
    return slice_make(text.data, len);
}

bool statement_next(struct slice *rest, struct slice *name, struct slice *text)
{
    const char *end;

    if (rest->data == NULL) {
        *rest = slice_make(_binary_queries_sql_start,
                           (size_t)(_binary_queries_sql_end - _binary_queries_sql_start));
        *rest = slice_from(*rest, up_to_mark(*rest).len);
    }
    if (slice_empty(*rest))
        return false;
    CHECK(slice_starts(*rest, mark));
    end = memchr(rest->data, '\n', rest->len);
    CHECK(end != NULL);
    *name = slice_make(rest->data + mark.len, (size_t)(end - rest->data) - mark.len);
    *rest = slice_from(*rest, (size_t)(end - rest->data) + 1);
    *text = up_to_mark(*rest);
    *rest = slice_from(*rest, text->len);
    return true;
}

struct slice statement_text(enum statement statement)
{
    struct slice rest = {0}, name, text;

    CHECK(statement >= 0 && statement < STATEMENTS);
    for (int i = 0; statement_next(&rest, &name, &text); i++) {
        if (i == (int)statement) {
            CHECK(slice_equal(name, slice_of(names[i])));
            return text;
        }
    }
    CHECK_UNREACHABLE("a statement without text");
}
