#include "dataplane/account/account_table.h"

#include "api/base/check.h"
#include "api/base/lock.h"
#include "api/base/mem.h"

struct account_table {
    struct lock lock;
    struct map by_name;
    struct workers *workers;
};

struct account_table *account_table_new(struct workers *workers)
{
    struct account_table *table = mem_alloc(sizeof(*table));

    lock_init(&table->lock);
    map_init(&table->by_name);
    table->workers = workers;
    return table;
}

void account_table_free(struct account_table *table)
{
    struct map_iter iter = {0};
    struct map_link *link;

    if (table == NULL)
        return;
    while ((link = map_next(&table->by_name, &iter)) != NULL) {
        struct account *account = map_entry(link, struct account, link);

        map_remove(&table->by_name, link);
        account->workers = NULL; /* they have stopped: freed at once */
        account_unref(account);
    }
    map_fini(&table->by_name);
    lock_fini(&table->lock);
    mem_free(table);
}

static struct account *find(struct account_table *table, struct slice name)
{
    struct map_link *link = map_find(&table->by_name, name);

    return link != NULL ? account_ref(map_entry(link, struct account, link)) : NULL;
}

struct account *account_table_find(struct account_table *table, struct slice name)
{
    struct account *account;

    lock_read(&table->lock);
    account = find(table, name);
    lock_release(&table->lock);
    return account;
}

struct account *account_table_obtain(struct account_table *table, struct slice name)
{
    struct account *account = account_table_find(table, name), *made;
    char *text;

    if (account != NULL)
        return account;
    text = mem_strndup(name.data, name.len);
    made = account_new(table->workers, text);
    mem_free(text);
    lock_write(&table->lock);
    account = find(table, name); /* somebody else may have been faster */
    if (account == NULL) {
        account = account_ref(made); /* one for the table, one for the caller */
        CHECK(map_insert(&table->by_name, &account->link, slice_of(account->name)));
        made = NULL;
    }
    lock_release(&table->lock);
    account_unref(made);
    return account;
}

void account_table_remove(struct account_table *table, struct account *account)
{
    lock_write(&table->lock);
    map_remove(&table->by_name, &account->link);
    lock_release(&table->lock);
    account_unref(account);
}

size_t account_table_count(struct account_table *table)
{
    size_t count;

    lock_read(&table->lock);
    count = table->by_name.count;
    lock_release(&table->lock);
    return count;
}

struct account **account_table_all(struct account_table *table, size_t *count)
{
    struct account **all;
    struct map_iter iter = {0};
    struct map_link *link;
    size_t n = 0;

    lock_read(&table->lock);
    all = mem_alloc_array(table->by_name.count, sizeof(struct account *));
    while ((link = map_next(&table->by_name, &iter)) != NULL)
        all[n++] = account_ref(map_entry(link, struct account, link));
    lock_release(&table->lock);
    *count = n;
    return all;
}
