#include "api/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *condition)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "%s:%d: check failed: %s\n", file, line, condition);

    /* Not through stdio: its lock may be held by the thread that is stopped here. */
    if (len > (int)sizeof(text) - 1)
        len = (int)sizeof(text) - 1;
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        abort();
    abort();
}
