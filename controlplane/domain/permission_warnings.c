#include "controlplane/domain/permission_warnings.h"

#include <string.h>

#include "api/base/check.h"
#include "api/nats/subject.h"

/* An entry without its queue group. */
static struct slice subject_of(const char *entry)
{
    struct slice rest = slice_of(entry), subject = rest;

    return slice_cut(&rest, ' ', &subject) ? subject : slice_of(entry);
}

static bool has_all(const struct strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_equal(subject_of(list->items[i]), SLICE(">")))
            return true;
    }
    return false;
}

static bool has_prefix(const struct strings *list, const char *prefix)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}

/* An entry that takes such a subject, or is one of them, or says so only when a user logs in. */
static bool reaches(const struct strings *allow, const char *prefix, const char *example)
{
    if (allow->count == 0) /* no list: everything */
        return true;
    if (has_prefix(allow, prefix) || has_prefix(allow, "{{"))
        return true;
    for (size_t i = 0; i < allow->count; i++) {
        struct slice subject = subject_of(allow->items[i]);

        if (memmem(subject.data, subject.len, "{{", 2) == NULL &&
            subject_match(subject, slice_of(example)))
            return true;
    }
    return false;
}

/* With a right to reply and no list, replies are all that it may publish. */
static bool may_ask(const struct permissions *p)
{
    return !has_all(&p->pub.deny) && !(p->pub.allow.count == 0 && p->resp != NULL);
}

static bool allows_all(const struct permissions *p)
{
    return has_all(&p->pub.allow) || has_all(&p->sub.allow);
}

static bool misses_inbox(const struct permissions *p)
{
    return may_ask(p) && !has_all(&p->sub.deny) && !reaches(&p->sub.allow, "_INBOX", "_INBOX.a.b");
}

static bool misses_acks(const struct permissions *p)
{
    return has_prefix(&p->pub.allow, "$JS.API.CONSUMER.") &&
           !reaches(&p->pub.allow, "$JS.ACK", "$JS.ACK.s.c.1.1.1.1.0");
}

static const struct {
    bool (*applies)(const struct permissions *permissions);
    const char *type, *reason, *message;
} rows[] = {
    {allows_all, "permissions_narrow", "everything_allowed",
     "\">\" is among what is allowed: every subject of the account. Name the subjects that are "
     "needed."},
    {misses_inbox, "replies_reachable", "no_inbox",
     "It may publish, but no allowed subscription takes an inbox: requests, and JetStream, get no "
     "answer. Allow _INBOX.> to subscribe, or the inbox prefix that the client uses."},
    {misses_acks, "acks_possible", "no_ack_subject",
     "It may use JetStream consumers, but not acknowledge what they deliver. Allow $JS.ACK.> to "
     "publish."},
};

/* Since when it stands: as it did before, if it did. */
static json_t *since(struct work *work, const char *type, const json_t *old)
{
    size_t i;
    json_t *item;
    char text[CLOCK_TEXT_MAX];

    json_array_foreach(old, i, item)
    {
        const char *other = json_string_value(json_object_get(item, "type"));

        if (other != NULL && strcmp(other, type) == 0)
            return json_incref(json_object_get(item, "last_transition_at"));
    }
    clock_format(work_now(work), 3, text);
    return json_string(text);
}

json_t *permission_warnings(struct work *work, const struct permissions *permissions,
                            const json_t *old)
{
    json_t *list = shape_own(work->arena, json_array());

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].applies(permissions))
            CHECK(json_array_append_new(
                      list, json_pack("{s:s,s:s,s:s,s:s,s:o}", "type", rows[i].type, "status",
                                      "false", "reason", rows[i].reason, "message", rows[i].message,
                                      "last_transition_at", since(work, rows[i].type, old))) == 0);
    }
    return list;
}

enum result permission_warnings_put(struct work *work, enum statement statement, const char *id,
                                    const struct permissions *permissions, const json_t *old)
{
    json_t *list = permission_warnings(work, permissions, old);

    if (json_array_size(list) == 0 && json_array_size(old) == 0)
        return OK;
    if (old != NULL && json_equal(list, old))
        return OK;
    return db_exec(work->db, statement, DB_ARGS(db_text(id), db_json(list)));
}
