#include "api/base/exposition.h"

#include <inttypes.h>

void exposition_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            buf_add_text(out, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

void exposition_line(struct buf *out, const char *name, const struct exposition_label *labels,
                     size_t count, int64_t value)
{
    char before = '{';

    buf_add_text(out, name);
    for (size_t i = 0; i < count; i++) {
        if (labels[i].value[0] == '\0')
            continue;
        buf_printf(out, "%c%s=\"", before, labels[i].name);
        add_value(out, labels[i].value);
        buf_add_char(out, '"');
        before = ',';
    }
    buf_printf(out, "%s %" PRId64 "\n", before == ',' ? "}" : "", value);
}

void exposition_single(struct buf *out, const char *name, const char *type, const char *help,
                       int64_t value)
{
    exposition_head(out, name, type, help);
    exposition_line(out, name, NULL, 0, value);
}
