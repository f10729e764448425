#include "api/base/result.h"

#include "api/base/check.h"

static const struct {
    const char *name, *text;
} results[RESULT_COUNT] = {
#define X(name, text) {#name, text},
    RESULTS(X)
#undef X
};

const char *result_name(enum result rc)
{
    CHECK((unsigned)rc < RESULT_COUNT);
    return results[rc].name;
}

const char *result_text(enum result rc)
{
    CHECK((unsigned)rc < RESULT_COUNT);
    return results[rc].text;
}
