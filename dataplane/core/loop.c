#include "dataplane/core/loop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/log.h"
#include "api/base/mem.h"

#define POLL_FIRST_NS (20 * NS_PER_US)
#define POLL_STEP_NS (10 * NS_PER_US)
#define POLL_REST_NS (100 * NS_PER_MS)
#define LOAD_WINDOW (500 * NS_PER_MS)

enum {
    POLL_ROUNDS_MAX = 400, /* also when the clock stands still */
    SHORT_SLEEPS = 4,      /* so many in a row make polling worth a try */
    LOOK_EVERY = 64,       /* sleeps */
    PUSHED_OFF_MAX = 4,    /* between two looks */
};

struct loop *loop_new(struct clock *clock, int64_t poll_max_ns)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    loop->clock = clock;
    loop->poll_max_ns = poll_max_ns;
    loop->quantum = LOOP_QUANTUM;
    list_init(&loop->ready);
    list_init(&loop->held);
    list_init(&loop->dirty);
    list_init(&loop->deferred);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    /* Edge-triggered: every write is an event, and nobody needs to read. */
    if (loop->epoll < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
        int error = errno;

        loop_free(loop);
        errno = error;
        return NULL;
    }
    loop->turn_began_ns = loop->window_began_ns = clock_mono_ns(clock);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->epoll >= 0)
        (void)close(loop->epoll);
    if (loop->wake_fd >= 0)
        (void)close(loop->wake_fd);
    mem_free(loop);
}

bool loop_busy(const struct loop *loop)
{
    return !list_empty(&loop->ready) || !list_empty(&loop->dirty) || !list_empty(&loop->deferred);
}

static void take_events(struct loop *loop, int timeout_ms)
{
    int count = epoll_wait(loop->epoll, loop->events, LOOP_EVENTS, timeout_ms);

    CHECK(count >= 0 || errno == EINTR);
    loop->event_count = count > 0 ? count : 0;
}

void loop_look(struct loop *loop)
{
    take_events(loop, 0);
}

bool loop_poll(struct loop *loop, struct mailbox *mailbox)
{
    int64_t began;

    if (loop->poll_ns == 0)
        return false;
    began = clock_mono_ns(loop->clock);
    for (int round = 0; round < POLL_ROUNDS_MAX; round++) {
        take_events(loop, 0);
        if (loop->event_count > 0 || !mailbox_empty(mailbox)) {
            if (loop->poll_ns < loop->poll_max_ns)
                loop->poll_ns += POLL_STEP_NS;
            return true;
        }
        if (clock_mono_ns(loop->clock) - began >= loop->poll_ns)
            break;
    }
    loop->poll_ns = 0;
    loop->short_sleeps = 0;
    return false;
}

void loop_sleep(struct loop *loop, int64_t now_ns, int timeout_ms)
{
    loop->slept_ns = now_ns;
    loop_count(&loop->sleeps, 1);
    take_events(loop, timeout_ms);
}

/* Has the thread been pushed off its core since the last look?  Then others need it more. */
static void look_around(struct loop *loop, int64_t now_ns)
{
    struct rusage usage;

    if (++loop->looks < LOOK_EVERY)
        return;
    loop->looks = 0;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        return;
    if (usage.ru_nivcsw - loop->pushed_off > PUSHED_OFF_MAX) {
        loop->no_poll_until_ns = now_ns + POLL_REST_NS;
        loop->poll_ns = 0;
    }
    loop->pushed_off = usage.ru_nivcsw;
}

/* Would polling have caught what ended this sleep? */
static void learn(struct loop *loop, int64_t now_ns)
{
    if (loop->poll_max_ns == 0)
        return;
    look_around(loop, now_ns);
    if (now_ns - loop->slept_ns >= loop->poll_max_ns) {
        loop->short_sleeps = 0;
        return;
    }
    if (++loop->short_sleeps >= SHORT_SLEEPS && now_ns >= loop->no_poll_until_ns)
        loop->poll_ns = loop->poll_max_ns < POLL_FIRST_NS ? loop->poll_max_ns : POLL_FIRST_NS;
}

static void keep_load(struct loop *loop, int64_t now_ns, int64_t busy_ns)
{
    int64_t window = now_ns - loop->window_began_ns, share;
    unsigned before = atomic_load_explicit(&loop->load, memory_order_relaxed);

    loop->window_busy_ns += busy_ns;
    if (window < LOAD_WINDOW)
        return;
    share = loop->window_busy_ns * 1000 / window;
    /* After a long sleep the past does not count. */
    if (window < 2 * LOAD_WINDOW)
        share = (share + before) / 2;
    atomic_store_explicit(&loop->load, (unsigned)share, memory_order_relaxed);
    atomic_store_explicit(&loop->load_at_ns, now_ns, memory_order_relaxed);
    loop->window_began_ns = now_ns;
    loop->window_busy_ns = 0;
}

int64_t loop_begin(struct loop *loop)
{
    int64_t now_ns = clock_mono_ns(loop->clock);
    int64_t busy_ns = (loop->slept_ns != 0 ? loop->slept_ns : now_ns) - loop->turn_began_ns;

    if (loop->slept_ns != 0)
        learn(loop, now_ns);
    loop->slept_ns = 0;
    loop->turn_began_ns = now_ns;
    keep_load(loop, now_ns, busy_ns);
    loop_count(&loop->turns, 1);
    if (busy_ns > atomic_load_explicit(&loop->longest_turn_ns, memory_order_relaxed))
        atomic_store_explicit(&loop->longest_turn_ns, busy_ns, memory_order_relaxed);
    return now_ns;
}

static uint32_t share_of(uint32_t all, int count, uint32_t least)
{
    uint32_t share = count > 1 ? all / (uint32_t)count : all;

    return share > least ? share : least;
}

/* Those with input go to the end of the queue; output is at once. */
static void queue_events(struct loop *loop, struct list *queue)
{
    for (int i = 0; i < loop->event_count; i++) {
        struct loop_io *io = loop->events[i].data.ptr;

        if (io == NULL)
            continue;
        if ((loop->events[i].events & EPOLLIN) == 0) {
            io->on_event(io, loop->events[i].events);
            continue;
        }
        io->events |= loop->events[i].events;
        if (!list_linked(&io->ready))
            list_push(queue, &io->ready);
    }
}

void loop_dispatch(struct loop *loop, struct loop_work *work)
{
    uint32_t budget, share, end;
    struct list queue, *link;

    loop->quantum = share_of(LOOP_TURN_BYTES, loop->event_count, LOOP_QUANTUM_MIN);
    if (loop->quantum > LOOP_QUANTUM)
        loop->quantum = LOOP_QUANTUM;
    /* What becomes ready from now on waits for the next turn. */
    list_init(&queue);
    list_splice(&queue, &loop->ready);
    queue_events(loop, &queue);
    budget = queue.next == queue.prev ? LOOP_LONE_WORK : LOOP_TURN_WORK;
    share = share_of(budget, loop->event_count, LOOP_WORK_MIN);
    end = work->done + budget;
    loop->event_count = 0;
    while (work->done < end && (link = list_pop(&queue)) != NULL) {
        struct loop_io *io = list_entry(link, struct loop_io, ready);
        uint32_t events = io->events != 0 ? io->events : EPOLLIN;

        io->events = 0;
        work->until = work->done + share;
        io->on_event(io, events);
    }
    list_splice(&queue, &loop->ready);
    list_splice(&loop->ready, &queue);
}

void loop_release(struct loop *loop)
{
    list_splice(&loop->ready, &loop->held);
}

void loop_flush(struct loop *loop)
{
    struct list dirty, *link;

    list_init(&dirty);
    list_splice(&dirty, &loop->dirty);
    while ((link = list_pop(&dirty)) != NULL) {
        struct flushable *flushable = list_entry(link, struct flushable, link);

        flushable->flush(flushable);
    }
}

void loop_run_deferred(struct loop *loop)
{
    struct list deferred, *link;

    list_init(&deferred);
    list_splice(&deferred, &loop->deferred);
    while ((link = list_pop(&deferred)) != NULL) {
        struct deferred *entry = list_entry(link, struct deferred, link);

        entry->fn(entry);
    }
}

enum result loop_watch(struct loop *loop, struct loop_io *io, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = io};

    io->interest = interest;
    io->events = 0;
    if (interest == 0)
        return OK;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, io->fd, &event) == 0)
        return OK;
    io->interest = 0;
    return ERR_IO;
}

void loop_rewatch(struct loop *loop, struct loop_io *io, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = io};
    int what = interest == 0 ? EPOLL_CTL_DEL : io->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (interest == io->interest)
        return;
    if (epoll_ctl(loop->epoll, what, io->fd, &event) != 0) {
        /* Only for want of memory in the kernel; the deadlines of the connection remain. */
        log_every(1000, LOG_ERROR, LOG_CORE, "epoll_ctl failed: errno %d", errno);
        return;
    }
    io->interest = interest;
}

void loop_unwatch(struct loop *loop, struct loop_io *io)
{
    if (io->interest != 0)
        loop_rewatch(loop, io, 0);
    list_remove(&io->ready);
    /* An event of this turn may still name it. */
    for (int i = 0; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr == io)
            loop->events[i].data.ptr = NULL;
    }
}
