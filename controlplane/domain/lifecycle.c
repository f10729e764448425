#include "controlplane/domain/lifecycle.h"

#include <string.h>

#include "api/base/check.h"

static const struct life_move *find(const struct lifecycle *life, const char *action)
{
    for (size_t i = 0; i < life->move_count; i++) {
        if (strcmp(life->moves[i].action, action) == 0)
            return &life->moves[i];
    }
    CHECK_UNREACHABLE("an action without a row");
}

static bool allows(const struct life_move *move, const char *state)
{
    char needle[32];

    snprintf(needle, sizeof(needle), "|%s|", state);
    return strstr(move->from, needle) != NULL;
}

bool lifecycle_allows(const struct lifecycle *life, const char *action, const char *state,
                      const char **to)
{
    const struct life_move *move = find(life, action);

    if (to != NULL)
        *to = move->to;
    return allows(move, state);
}

enum result lifecycle_may(struct work *work, const struct lifecycle *life, const char *action,
                          const char *state)
{
    const char *text = "";

    if (allows(find(life, action), state))
        return OK;
    for (size_t i = 0; i < life->move_count; i++) {
        if (life->moves[i].asked && allows(&life->moves[i], state))
            text = arena_printf(work->arena, "%s %s", text, life->moves[i].action);
    }
    return refusal_set(work->refusal, REFUSAL_illegal_state, "The %s is %s, which allows:%s.",
                       life->kind, state, text[0] != '\0' ? text : " nothing");
}

const struct strings *lifecycle_from(const struct work *work, const struct lifecycle *life,
                                     const char *action)
{
    const struct life_move *move = find(life, action);
    struct strings *list = arena_alloc(work->arena, sizeof(*list));
    struct slice rest = slice_of(move->from), state;

    *list =
        (struct strings){arena_alloc_array(work->arena, strlen(move->from) + 1, sizeof(char *)), 0};
    while (slice_cut(&rest, '|', &state)) {
        if (!slice_empty(state))
            list->items[list->count++] = arena_copy(work->arena, state);
    }
    return list;
}
