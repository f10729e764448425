/* Tokens, and the claims in them: what was decoded is encoded, and that is decoded to the same. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/claims.h"
#include "api/nats/claims_validate.h"
#include "api/nats/jwt.h"
#include "api/nats/scope_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply_templates(const struct claims *claims, struct arena *arena)
{
    const struct scope_template_input input = {
        .user_name = "u", .user_subject = "U", .user_tags = &claims->tags};
    struct claims_user_limits out;

    if (claims->type != CLAIMS_ACCOUNT)
        return;
    for (size_t i = 0; i < claims->account->signing_keys.count; i++) {
        const struct claims_user_limits *template = claims->account->signing_keys.items[i].template;

        if (template != NULL)
            (void)!scope_template_apply(template, &input, arena, &out);
    }
}

/* The claims in canonical form, or NULL. */
static char *once(struct slice text)
{
    struct arena arena = {0};
    struct claims_issues issues;
    struct claims claims;
    char *out = NULL;
    json_t *tree;

    if (shape_parse_lenient(text, &tree, NULL) != OK)
        return NULL;
    if (claims_decode(tree, &arena, &claims, NULL) == OK) {
        json_t *again = claims_encode(&claims);

        claims_validate(&claims, 0, &arena, &issues);
        (void)claims_blocking(&issues, true);
        apply_templates(&claims, &arena);
        out = shape_dump(again);
        json_decref(again);
    }
    json_decref(tree);
    arena_fini(&arena);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = slice_make((const char *)data, size);
    struct arena arena = {0};
    struct claims claims;
    char *first, *second;

    (void)!jwt_decode(text, &arena, &claims, NULL);
    arena_fini(&arena);
    first = once(text);
    if (first == NULL)
        return 0;
    second = once(slice_of(first));
    CHECK(second != NULL && strcmp(first, second) == 0);
    mem_free(first);
    mem_free(second);
    return 0;
}
