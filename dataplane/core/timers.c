/*
 * How it flows.  Level 0 has a slot for each of the next 256 ticks; a slot of level 1 covers 256
 * ticks, of level 2 64 times that, of level 3 64 times that again.  A timer is put into the
 * lowest level that reaches it.  When time comes to the beginning of what a slot of a higher
 * level covers, its timers are dealt out to the levels below.  Beyond the last level a timer waits
 * in the farthest slot and is dealt again.
 *
 * Time jumps from one slot in use to the next; nothing is done for the empty ticks between.
 */
#include "dataplane/core/timers.h"

#include "api/base/check.h"
#include "api/base/clock.h"

enum { LEVELS = 4, BITS_0 = 8, BITS_N = 6, SLOTS_0 = 1 << BITS_0, SLOTS_N = 1 << BITS_N };

static unsigned level_shift(int level)
{
    return level == 0 ? 0 : (unsigned)(BITS_0 + BITS_N * (level - 1));
}

static unsigned level_first(int level)
{
    return level == 0 ? 0 : (unsigned)(SLOTS_0 + SLOTS_N * (level - 1));
}

static unsigned level_slots(int level)
{
    return level == 0 ? SLOTS_0 : SLOTS_N;
}

void timers_init(struct timers *timers, int64_t now_ns)
{
    *timers = (struct timers){.tick = now_ns / NS_PER_MS};
    for (int i = 0; i < TIMER_SLOTS; i++)
        list_init(&timers->slots[i]);
}

/* The slot for a tick that is not before timers->tick. */
static unsigned slot_for(const struct timers *timers, int64_t tick)
{
    for (int level = 0; level < LEVELS; level++) {
        unsigned shift = level_shift(level);
        int64_t ahead = (tick >> shift) - (timers->tick >> shift);

        if (ahead < (int64_t)level_slots(level))
            return level_first(level) +
                   (unsigned)((uint64_t)(tick >> shift) & (level_slots(level) - 1));
    }
    /* The farthest: the one that time has just left. */
    int64_t farthest = (timers->tick >> level_shift(LEVELS - 1)) + SLOTS_N - 1;

    return level_first(LEVELS - 1) + (unsigned)((uint64_t)farthest & (SLOTS_N - 1));
}

/* Not before the tick `first`. */
static void put(struct timers *timers, struct timer *timer, int64_t first)
{
    /* Rounded up, so that nothing fires early. */
    int64_t tick = timer->due_ns / NS_PER_MS + (timer->due_ns % NS_PER_MS > 0);
    unsigned slot;

    if (tick < first)
        tick = first;
    slot = slot_for(timers, tick);
    list_push(&timers->slots[slot], &timer->link);
    timers->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

void timer_arm(struct timers *timers, struct timer *timer, int64_t due_ns,
               void (*fn)(struct timer *timer))
{
    timer_cancel(timers, timer);
    timer->due_ns = due_ns;
    timer->fn = fn;
    timers->count++;
    put(timers, timer, timers->tick + 1);
}

void timer_cancel(struct timers *timers, struct timer *timer)
{
    if (!list_linked(&timer->link))
        return;
    list_remove(&timer->link);
    timers->count--;
}

bool timer_armed(const struct timer *timer)
{
    return list_linked(&timer->link);
}

/*
 * The slot in use at a level that time comes to next; its beginning, or -1.  Bits of slots that
 * cancelling has emptied are cleared on the way.
 */
static int64_t next_at_level(struct timers *timers, int level, unsigned *slot)
{
    unsigned shift = level_shift(level), slots = level_slots(level), first = level_first(level);
    int64_t base = timers->tick >> shift;

    for (unsigned ahead = 1; ahead <= slots;) {
        unsigned index = (unsigned)((uint64_t)(base + ahead) & (slots - 1));
        unsigned bit = (first + index) % 64;
        uint64_t *word = &timers->used[(first + index) / 64];
        uint64_t rest = *word >> bit;

        if (rest == 0) {
            ahead += 64 - bit;
            continue;
        }
        ahead += (unsigned)__builtin_ctzll(rest);
        if (ahead > slots)
            break;
        bit += (unsigned)__builtin_ctzll(rest);
        *slot = first + (unsigned)((uint64_t)(base + ahead) & (slots - 1));
        if (!list_empty(&timers->slots[*slot]))
            return (int64_t)((uint64_t)(base + ahead) << shift);
        *word &= ~(UINT64_C(1) << bit);
    }
    return -1;
}

/* The tick at which something is to be done next: a slot to run or to deal out; or -1. */
static int64_t next_tick(struct timers *timers)
{
    int64_t next = -1;

    if (timers->count == 0)
        return -1;
    for (int level = 0; level < LEVELS; level++) {
        unsigned slot;
        int64_t tick = next_at_level(timers, level, &slot);

        if (tick >= 0 && (next < 0 || tick < next))
            next = tick;
    }
    return next;
}

/* Time has come to the beginning of these slots: deal their timers out. */
static void deal(struct timers *timers)
{
    for (int level = LEVELS - 1; level > 0; level--) {
        unsigned shift = level_shift(level);
        struct list dealt;
        struct list *link;
        unsigned slot;

        if ((uint64_t)timers->tick & ((UINT64_C(1) << shift) - 1))
            continue;
        slot = level_first(level) + (unsigned)((uint64_t)(timers->tick >> shift) & (SLOTS_N - 1));
        list_init(&dealt);
        list_splice(&dealt, &timers->slots[slot]);
        while ((link = list_pop(&dealt)) != NULL)
            put(timers, list_entry(link, struct timer, link), timers->tick);
    }
}

void timers_run(struct timers *timers, int64_t now_ns)
{
    int64_t now = now_ns / NS_PER_MS;

    for (;;) {
        int64_t tick = next_tick(timers);
        struct list *due, *link;

        if (tick < 0 || tick > now)
            break;
        timers->tick = tick;
        deal(timers);
        due = &timers->slots[(uint64_t)tick & (SLOTS_0 - 1)];
        while ((link = list_pop(due)) != NULL) {
            struct timer *timer = list_entry(link, struct timer, link);

            timers->count--;
            timer->fn(timer);
        }
    }
    if (now > timers->tick)
        timers->tick = now;
}

int timers_sleep_ms(struct timers *timers, int64_t now_ns)
{
    int64_t tick = next_tick(timers), wait_ns;

    if (tick < 0)
        return -1;
    wait_ns = tick * NS_PER_MS - now_ns;
    if (wait_ns <= 0)
        return 0;
    wait_ns = (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
    return wait_ns > 3600000 ? 3600000 : (int)wait_ns;
}
