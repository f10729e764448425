#include "dataplane/auth/identity.h"

#include <string.h>

#include "api/base/mem.h"

static size_t room(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Copies text to *at and moves *at behind it. */
static const char *put(char **at, const char *text)
{
    size_t len = room(text);
    char *copy = *at;

    if (text == NULL)
        return NULL;
    memcpy(copy, text, len);
    *at += len;
    return copy;
}

struct identity *identity_new(const struct identity *from)
{
    size_t texts = room(from->user) + room(from->jwt) + room(from->issuer_key) +
                   room(from->name_tag) + room(from->label);
    size_t tags = from->tags.count * sizeof(from->tags.items[0]);
    struct identity *identity;
    char *at;

    for (size_t i = 0; i < from->tags.count; i++)
        texts += room(from->tags.items[i]);
    identity = mem_alloc(sizeof(*identity) + tags + texts);
    *identity = *from;
    if (tags > 0)
        identity->tags.items = (const char **)(void *)(identity + 1);
    at = (char *)(identity + 1) + tags;
    for (size_t i = 0; i < from->tags.count; i++)
        identity->tags.items[i] = put(&at, from->tags.items[i]);
    identity->user = put(&at, from->user);
    identity->label = put(&at, from->label);
    identity->jwt = put(&at, from->jwt);
    identity->issuer_key = put(&at, from->issuer_key);
    identity->name_tag = put(&at, from->name_tag);
    return identity;
}

void identity_retire(struct identity *identity, struct worker *worker)
{
    if (identity == NULL)
        return;
    if (identity->permission != NULL)
        permission_retire(identity->permission, worker->reader);
    account_unref(identity->account);
    mem_free(identity);
}

void identity_set_permission(struct identity *identity, struct permission *permission,
                             struct worker *worker)
{
    if (identity->permission != NULL)
        permission_retire(identity->permission, worker->reader);
    identity->permission = permission;
}
