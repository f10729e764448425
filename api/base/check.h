/*
 * check: assertions that stay on in every build.
 *
 * CHECK(condition) stops the process (one line on stderr: file, line, condition; then
 * abort) when the condition is false: a caller broke a contract or a state cannot be.
 * A server that goes on after it has proved itself wrong damages what it was trusted with.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     never returns when the condition is false.
 */
#pragma once

#include <stddef.h>

#define CHECK(condition)                                  \
    do {                                                  \
        if (__builtin_expect(!(condition), 0))            \
            check_failed(__FILE__, __LINE__, #condition); \
    } while (0)

/* Stops the process with a message of the caller's: for states that a condition cannot name. */
#define CHECK_UNREACHABLE(why) check_failed(__FILE__, __LINE__, why)

_Noreturn void check_failed(const char *file, int line, const char *condition);

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
