#include "dataplane/account/deliver_record.h"

#include "api/base/check.h"
#include "dataplane/account/account.h"
#include "dataplane/core/conn.h"

enum {
    COPIED_MAX = 16,   /* plain takers copied although a match could be named */
    TAKER_WEIGHT = 16, /* the work of one of them, in bytes of mail */
};

struct record {
    struct account *account;
    struct shared *shared;     /* NULL: the data is in the record */
    const struct match *match; /* NULL: the plain takers are in the record */
    uint64_t origin, tried;
    uint32_t header_len, len, subject_len, reply_len;
    uint32_t plain, picks;
    uint32_t offset; /* of the data in shared: a large PUB is received into it whole */
    bool keep_account;
    uint64_t slots[];
};

static uint32_t picks_of(unsigned worker, const struct record_takers *takers, uint64_t *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < takers->pick_count; i++) {
        if (takers->picks[i] == 0 || slot_worker(takers->picks[i]) != worker)
            continue;
        if (out != NULL)
            out[count] = takers->picks[i];
        count++;
    }
    return count;
}

static char *append(char *to, const void *data, size_t len)
{
    if (len > 0)
        memcpy(to, data, len);
    return to + len;
}

void record_post(struct worker *worker, unsigned to, const struct delivery *message,
                 const struct record_takers *takers, mail_fn fn)
{
    bool named = takers->match != NULL && takers->plain_count > COPIED_MAX;
    uint32_t plain = named ? 0 : takers->plain_count;
    uint32_t picks = picks_of(to, takers, NULL);
    size_t data = message->shared == NULL ? message->len + 2 : 0;
    struct record *record =
        worker_post(worker, to, fn,
                    sizeof(*record) + ((size_t)plain + picks) * sizeof(record->slots[0]) +
                        message->subject.len + message->reply.len + data);
    char *end = (char *)&record->slots[plain + picks];

    *record = (struct record){
        .account = takers->keep_account ? account_ref(message->account) : message->account,
        .shared = message->shared != NULL ? shared_ref(message->shared) : NULL,
        .match = named ? takers->match : NULL,
        .origin = message->origin,
        .header_len = (uint32_t)message->header_len,
        .len = (uint32_t)message->len,
        .subject_len = (uint32_t)message->subject.len,
        .reply_len = (uint32_t)message->reply.len,
        .plain = plain,
        .offset = message->shared != NULL ? (uint32_t)(message->data - message->shared->data) : 0,
        .picks = picks,
        .tried = takers->tried,
        .keep_account = takers->keep_account,
    };
    if (plain > 0)
        memcpy(record->slots, takers->plain, plain * sizeof(record->slots[0]));
    (void)picks_of(to, takers, &record->slots[plain]);
    end = append(end, message->subject.data, message->subject.len);
    end = append(end, message->reply.data, message->reply.len);
    (void)append(end, message->data, data);
    if (message->shared != NULL || takers->plain_count > COPIED_MAX)
        worker_weigh(worker, to,
                     (message->shared != NULL ? message->len : 0) +
                         (size_t)takers->plain_count * TAKER_WEIGHT);
}

void record_read(void *body, size_t len, struct delivery *message, struct record_takers *takers)
{
    const struct record *record = body;
    const char *text = (const char *)&record->slots[record->plain + record->picks];

    CHECK(len >= sizeof(*record));
    *takers = (struct record_takers){
        .plain = record->slots,
        .plain_count = record->plain,
        .match = record->match,
        .picks = &record->slots[record->plain],
        .pick_count = record->picks,
        .tried = record->tried,
        .keep_account = record->keep_account,
    };
    *message = (struct delivery){
        .subject = slice_make(text, record->subject_len),
        .reply = slice_make(text + record->subject_len, record->reply_len),
        .data = record->shared != NULL ? record->shared->data + record->offset
                                       : text + record->subject_len + record->reply_len,
        .header_len = record->header_len,
        .len = record->len,
        .shared = record->shared,
        .origin = record->origin,
        .account = record->account,
    };
}

void record_done(void *body, const struct delivery *message)
{
    const struct record *record = body;

    if (record->shared != NULL)
        shared_unref(record->shared);
    /* Made shared by the receiver, to send it on. */
    if (message->shared != NULL && message->shared != record->shared)
        shared_unref(message->shared);
    if (record->keep_account)
        account_unref(record->account);
}
