#include "controlplane/rest/later.h"

#include <string.h>

#include "api/base/check.h"

/* A value of members, or with "*" whatever stands there; one that ends in ':' is how it begins. */
static const struct {
    const char *routes, *member, *values, *instead;
} rows[] = {
    {"issueCredential", "custody", "sealed",
     "A seed is given once and kept nowhere: save it, or send the public_key of a key of your own. "
     "Leave custody out."},
    {"createSigningKey", "custody", "sealed external",
     "Use managed (the seed is kept here, sealed) or customer (you keep it and send public_key)."},
    {"createSystem changeSystem", "resolver_kind", "cache url",
     "Use full, or memory for nodes that keep no files."},
    {"createSystem changeSystem", "tls", "*",
     "Use tls:// in urls, with a certificate that this machine trusts (its store, or the file in "
     "SSL_CERT_FILE). Leave tls out."},
    {"createSystem changeSystem", "urls", "ws: wss:",
     "The control plane connects over nats:// or tls://: name such addresses in urls, and those "
     "for clients in public_urls."},
};

static bool has_word(const char *words, struct slice wanted)
{
    struct slice rest = slice_of(words), word;

    while (slice_cut(&rest, ' ', &word)) {
        if (slice_equal(word, wanted))
            return true;
        if (word.data[word.len - 1] == ':' && slice_starts(wanted, word))
            return true;
    }
    return false;
}

static bool asks_for(const char *values, const json_t *value)
{
    if (strcmp(values, "*") == 0)
        return !json_is_null(value);
    if (json_is_string(value))
        return has_word(values, slice_make(json_string_value(value), json_string_length(value)));
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (asks_for(values, json_array_get(value, i)))
            return true;
    }
    return false;
}

enum result later_check(struct rest_call *call)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const json_t *value = json_object_get(call->body_json, rows[i].member);

        if (value != NULL && has_word(rows[i].routes, slice_of(call->route->id)) &&
            asks_for(rows[i].values, value))
            return refusal_later(call->work.refusal,
                                 arena_printf(call->arena, "/%s", rows[i].member), rows[i].instead);
    }
    return OK;
}
