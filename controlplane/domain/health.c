#include "controlplane/domain/health.h"

#include <string.h>

#include "controlplane/db/migrate.h"
#include "controlplane/domain/secret.h"

#define T struct health_system
static const struct field system_fields[] = {
    {"name", STRING_AT(T, name)},
    {"total", INT_AT(T, total)},
    {"ready", INT_AT(T, ready)},
};
#undef T
static const struct shape system_shape = SHAPE(struct health_system, system_fields);

void health_check(struct work *work, struct health *out)
{
    struct db_rows rows = {0};
    int64_t level = 0;

    *out = (struct health){0};
    out->database = db_exec(work->db, SQL_db_ping, DB_NO_ARGS) == OK;
    out->migrations =
        out->database && migrate_level(work->db, &level) == OK && level == migrate_version();
    out->signer = out->database && secret_check_master(work) == OK;
    if (out->database &&
        db_all(work->db, SQL_health_systems, DB_NO_ARGS, &system_shape, work->arena, &rows) == OK) {
        out->systems.items = rows.items;
        out->systems.count = rows.count;
    }
}

bool health_ready(const struct health *health)
{
    return health->database && health->migrations && health->signer;
}

/* Who cannot ask the database does not know of the rest. */
static json_t *word(const struct health *health, bool well)
{
    return json_string(well ? "ok" : health->database ? "failed" : "unknown");
}

json_t *health_json(const struct health *health)
{
    json_t *tree = json_object(), *checks = json_object(), *systems = json_object();

    for (size_t i = 0; i < health->systems.count; i++) {
        const struct health_system *system = &health->systems.items[i];
        json_t *entry = json_object();

        json_object_set_new(entry, "state",
                            json_string(system->ready > 0 ? "ok" : "no_node_ready"));
        json_object_set_new(entry, "nodes_ready", json_integer(system->ready));
        json_object_set_new(entry, "nodes_total", json_integer(system->total));
        json_object_set_new(systems, system->name, entry);
    }
    json_object_set_new(checks, "database", json_string(health->database ? "ok" : "failed"));
    json_object_set_new(checks, "migrations", word(health, health->migrations));
    json_object_set_new(checks, "signer", word(health, health->signer));
    json_object_set_new(checks, "systems", systems);
    json_object_set_new(tree, "ready", json_boolean(health_ready(health)));
    json_object_set_new(tree, "checks", checks);
    return tree;
}
