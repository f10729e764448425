#include "controlplane/domain/metrics.h"

#include <string.h>

#include "api/base/check.h"
#include "api/base/exposition.h"

/* --- of the service ----------------------------------------------------------------------- */

struct figure {
    const char *name, *label, *value_of, *system;
    int64_t value;
};
#define T struct figure
static const struct field figure_fields[] = {
    {"name", STRING_AT(T, name)},         {"label", STRING_AT(T, label)},
    {"value_of", STRING_AT(T, value_of)}, {"system", STRING_AT(T, system)},
    {"value", INT_AT(T, value)},
};
#undef T
static const struct shape figure_shape = SHAPE(struct figure, figure_fields);

static const struct {
    const char *name, *type, *help;
} heads[] = {
    {"cp_outbox_depth", "gauge", "Accounts with a change that not every node has."},
    {"cp_outbox_oldest_seconds", "gauge", "Age of the oldest such change."},
    {"cp_accounts", "gauge", "Accounts by how far their newest claims have come."},
    {"cp_accounts_by_state", "gauge", "Accounts by their state."},
    {"cp_node_up", "gauge", "1: the node is ready, or ending in order."},
    {"cp_node_behind_accounts", "gauge", "Accounts whose newest claims the node lacks."},
    {"cp_node_accounts_stored", "gauge", "Accounts that the node holds."},
    {"cp_lease_held", "gauge", "Leases held by any process."},
    {"cp_operations_open", "gauge", "Operations that have not ended."},
    {"cp_usage_gap_seconds_total", "counter", "Seconds of which no usage is known."},
    {"cp_credentials_expiring", "gauge", "Credentials that end within so many days."},
};

static void add_head(struct buf *out, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        if (strcmp(heads[i].name, name) == 0) {
            exposition_head(out, name, heads[i].type, heads[i].help);
            return;
        }
    }
    CHECK(false); /* metrics.sql has a figure that `heads` has not */
}

enum result metrics_of_service(struct work *work, struct buf *out)
{
    struct db_rows rows;
    const char *last = "";
    enum result rc =
        db_all(work->db, SQL_metrics_of_service, DB_NO_ARGS, &figure_shape, work->arena, &rows);

    for (size_t i = 0; rc == OK && i < rows.count; i++) {
        const struct figure *figure = (const struct figure *)rows.items + i;
        const struct exposition_label labels[] = {{figure->label, figure->value_of},
                                                  {"system", figure->system}};

        if (strcmp(last, figure->name) != 0)
            add_head(out, figure->name);
        last = figure->name;
        exposition_line(out, figure->name, labels, COUNT_OF(labels), figure->value);
    }
    return rc;
}

/* --- of accounts -------------------------------------------------------------------------- */

struct used {
    const char *account_id, *account, *team, *system, *node;
    int64_t values[7];
    int64_t accounts; /* of all */
};
#define T struct used
static const struct field used_fields[] = {
    {"account_id", STRING_AT(T, account_id)},
    {"account", STRING_AT(T, account)},
    {"team", STRING_AT(T, team)},
    {"system", STRING_AT(T, system)},
    {"node", STRING_AT(T, node)},
    {"connections", INT_AT(T, values[0])},
    {"subscriptions", INT_AT(T, values[1])},
    {"msgs_in", INT_AT(T, values[2])},
    {"bytes_in", INT_AT(T, values[3])},
    {"msgs_out", INT_AT(T, values[4])},
    {"bytes_out", INT_AT(T, values[5])},
    {"slow_consumers", INT_AT(T, values[6])},
    {"accounts", INT_AT(T, accounts)},
};
#undef T
static const struct shape used_shape = SHAPE(struct used, used_fields);

static const struct {
    const char *name, *type, *help;
} uses[COUNT_OF(((struct used *)NULL)->values)] = {
    {"cp_account_connections", "gauge", "Clients connected."},
    {"cp_account_subscriptions", "gauge", "Subscriptions."},
    {"cp_account_messages_in_total", "counter", "Messages received from clients."},
    {"cp_account_bytes_in_total", "counter", "Bytes of those."},
    {"cp_account_messages_out_total", "counter", "Messages sent to clients."},
    {"cp_account_bytes_out_total", "counter", "Bytes of those."},
    {"cp_account_slow_consumers_total", "counter", "Clients closed because they read too slowly."},
};

static void write_use(struct buf *out, const struct db_rows *rows, size_t use)
{
    exposition_head(out, uses[use].name, uses[use].type, uses[use].help);
    for (size_t i = 0; i < rows->count; i++) {
        const struct used *used = (const struct used *)rows->items + i;
        const struct exposition_label labels[] = {{"account", used->account},
                                                  {"account_id", used->account_id},
                                                  {"team", used->team},
                                                  {"node", used->node},
                                                  {"system", used->system}};

        exposition_line(out, uses[use].name, labels, COUNT_OF(labels), used->values[use]);
    }
}

enum result metrics_of_accounts(struct work *work, int64_t max, struct buf *out)
{
    struct db_rows rows;
    enum result rc = db_all(work->db, SQL_metrics_of_accounts, DB_ARGS(db_integer(max)),
                            &used_shape, work->arena, &rows);
    int64_t shown = 0, all = 0;

    if (rc != OK)
        return rc;
    for (size_t use = 0; use < COUNT_OF(uses); use++)
        write_use(out, &rows, use);
    if (rows.count > 0)
        all = ((const struct used *)rows.items)->accounts;
    shown = all < max ? all : max;
    exposition_single(out, "cp_account_series_left_out", "gauge",
                      "Accounts in use beyond metrics_accounts.", all - shown);
    return OK;
}
