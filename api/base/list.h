/*
 * list: intrusive doubly linked list.
 *
 * A struct list is a head or a link inside an element.  A link set to {0} is unlinked;
 * a head must be initialised.  Removing an unlinked link does nothing.
 *
 * Ownership  a list owns nothing.
 * Thread     as what it links.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/base/check.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head || head->next == NULL;
}

static inline bool list_linked(const struct list *link)
{
    return link->next != NULL;
}

/* At the end. */
static inline void list_push(struct list *head, struct list *link)
{
    CHECK(!list_linked(link));
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* At the beginning. */
static inline void list_push_front(struct list *head, struct list *link)
{
    CHECK(!list_linked(link));
    link->next = head->next;
    link->prev = head;
    head->next->prev = link;
    head->next = link;
}

static inline void list_remove(struct list *link)
{
    if (!list_linked(link))
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* Takes the first off; NULL when empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *link = head->next;

    if (list_empty(head))
        return NULL;
    list_remove(link);
    return link;
}

/* All of from to the end of to; from is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

/* The element at hand may be removed inside the loop. */
#define list_each(head, link, after)                                            \
    for (struct list *link = (head)->next, *after = link->next; link != (head); \
         link = after, after = link->next)
