#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/base/check.h"
#include "dataplane/core/mailbox.h"

enum { WRITERS = 3, RECORDS = 40000, WAIT_MS = 60000 };

struct stress;

struct writer {
    struct stress *stress;
    unsigned index;
    uint64_t woke;
    pthread_t thread;
};

struct stress {
    struct mailbox mailbox;
    struct writer writers[WRITERS];
    _Atomic uint64_t read[WRITERS]; /* how far the reader has come with each */
    uint64_t sleeps, woken;
};

struct letter {
    struct stress *stress;
    unsigned writer;
    uint64_t number;
};

static void read_letter(struct worker *worker, void *body, size_t len)
{
    struct letter letter;
    uint64_t expected;

    CHECK(len == sizeof letter);
    CHECK(((uintptr_t)body & 15) == 0);
    memcpy(&letter, body, sizeof letter);
    expected = atomic_load_explicit(&letter.stress->read[letter.writer], memory_order_relaxed);
    CHECK(letter.number == expected); /* all there, in order */
    atomic_store(&letter.stress->read[letter.writer], expected + 1);
}

static void *write_letters(void *arg)
{
    struct writer *writer = arg;
    struct stress *stress = writer->stress;
    uint64_t number = 0;

    while (number < RECORDS) {
        struct chunk *chunk = chunk_new(512);
        unsigned count = 1 + (unsigned)(number % 5);

        mail_begin(chunk);
        for (unsigned i = 0; i < count && number < RECORDS; i++) {
            struct letter letter = {stress, writer->index, number++};

            memcpy(mail_add(chunk, read_letter, sizeof letter), &letter, sizeof letter);
        }
        mailbox_push(&stress->mailbox, chunk);
        writer->woke += mailbox_wake(&stress->mailbox);
        /* Let the reader fall asleep, and hit it at every point of doing so. */
        if (number % 3 == 0) {
            while (atomic_load(&stress->read[writer->index]) < number)
                (void)sched_yield();
        }
    }
    return NULL;
}

static uint64_t read_all(struct stress *stress)
{
    struct chunk *chunk = mailbox_take(&stress->mailbox);
    uint64_t count = 0;

    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        struct mail *mail;

        while ((mail = mail_next(chunk)) != NULL) {
            mail->fn(NULL, mail + 1, mail->len);
            count++;
        }
        mailbox_done(&stress->mailbox, mail_head(chunk)->weight);
        chunk_free(chunk);
        chunk = next;
    }
    return count;
}

/* Sleeps as a worker does: for ever, but for a wake-up. */
static void read_letters(struct stress *stress, int epoll)
{
    uint64_t count = 0;

    while (count < (uint64_t)WRITERS * RECORDS) {
        struct epoll_event event;

        count += read_all(stress);
        mailbox_doze(&stress->mailbox);
        if (count < (uint64_t)WRITERS * RECORDS && mailbox_empty(&stress->mailbox) &&
            mailbox_sleep(&stress->mailbox)) {
            stress->sleeps++;
            /* A lost wake-up shows as a time-out. */
            assert_int_equal(epoll_wait(epoll, &event, 1, WAIT_MS), 1);
            stress->woken++;
        }
        mailbox_awake(&stress->mailbox);
    }
}

static void test_no_wakeup_is_lost(void **state)
{
    static struct stress stress;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(0), wake_fd = eventfd(0, EFD_NONBLOCK);
    uint64_t woke = 0, written = 0;

    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, wake_fd, &event), 0);
    mailbox_init(&stress.mailbox, wake_fd);
    for (unsigned i = 0; i < WRITERS; i++) {
        stress.writers[i] = (struct writer){.stress = &stress, .index = i};
        assert_int_equal(
            pthread_create(&stress.writers[i].thread, NULL, write_letters, &stress.writers[i]), 0);
    }
    read_letters(&stress, epoll);
    for (unsigned i = 0; i < WRITERS; i++) {
        (void)pthread_join(stress.writers[i].thread, NULL);
        woke += stress.writers[i].woke;
        assert_int_equal(atomic_load(&stress.read[i]), RECORDS);
    }
    /* Every sleep was ended by exactly one writer, and nobody else wrote. */
    assert_int_equal(stress.sleeps, stress.woken);
    assert_int_equal(woke, stress.sleeps);
    assert_int_equal(read(wake_fd, &written, sizeof written), sizeof written);
    assert_int_equal(written, woke);
    assert_true(stress.sleeps > 100);
    assert_int_equal(mailbox_bytes(&stress.mailbox), 0);
    mailbox_fini(&stress.mailbox);
    (void)close(wake_fd);
    (void)close(epoll);
}

static void test_records(void **state)
{
    struct mailbox mailbox;
    struct chunk *chunk = chunk_new(512);
    unsigned fit = 0;
    void *body;

    mailbox_init(&mailbox, -1);
    mail_begin(chunk);
    while ((body = mail_add(chunk, read_letter, 20)) != NULL) {
        assert_int_equal((uintptr_t)body & 15, 0);
        memset(body, (int)fit, 20);
        fit++;
    }
    assert_int_equal(fit, (512 - 16) / 48);
    assert_int_equal(mail_head(chunk)->count, fit);
    mailbox_push(&mailbox, chunk);
    assert_false(mailbox_wake(&mailbox)); /* it runs */
    assert_int_equal(mailbox_bytes(&mailbox), fit * 48);
    chunk = mailbox_take(&mailbox);
    for (unsigned i = 0; i < fit; i++) {
        struct mail *mail = mail_next(chunk);
        unsigned char expected[20];

        assert_int_equal(mail->len, 20);
        memset(expected, (int)i, 20);
        assert_memory_equal(mail + 1, expected, 20);
    }
    assert_null(mail_next(chunk));
    mailbox_done(&mailbox, mail_head(chunk)->weight);
    assert_int_equal(mailbox_bytes(&mailbox), 0);
    chunk_free(chunk);
    /* What nobody took is freed. */
    chunk = chunk_new(mail_chunk_size(100000));
    mail_begin(chunk);
    assert_non_null(mail_add(chunk, read_letter, 100000));
    mailbox_push(&mailbox, chunk);
    mailbox_fini(&mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_no_wakeup_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
