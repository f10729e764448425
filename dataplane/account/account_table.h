/*
 * account_table: all accounts of the node.
 *
 * Ownership  the table holds one reference to each account in it.
 * Thread     any; a lock inside, never held while calling out.
 * Errors     none.
 */
#pragma once

#include "dataplane/account/account.h"

struct account_table;

struct account_table *account_table_new(struct workers *workers);
/* After workers_stop, when nobody else holds a reference any more. */
void account_table_free(struct account_table *table);

/* A reference, the caller's; NULL when there is none. */
struct account *account_table_find(struct account_table *table, struct slice name);
/* As find, made if it is not there. */
struct account *account_table_obtain(struct account_table *table, struct slice name);
void account_table_remove(struct account_table *table, struct account *account);
size_t account_table_count(struct account_table *table);

/* A snapshot: an array of references (each the caller's, and the array: mem_free). */
struct account **account_table_all(struct account_table *table, size_t *count);
