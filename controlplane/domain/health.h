/*
 * health: whether the service is well.
 *
 * Ownership  texts in the work's arena.
 * Thread     the work's.
 * Errors     none: what fails is what is told.
 */
#pragma once

#include "api/base/buf.h"
#include "controlplane/domain/work.h"

struct health {
    bool database, migrations, signer;
    struct health_systems {
        struct health_system {
            const char *name;
            int64_t total, ready;
        } * items;
        size_t count;
    } systems;
};

/* What cannot be asked counts as not well. */
void health_check(struct work *work, struct health *out);
/* Ready to serve: nodes are told of, but no node that is away makes the API unready (REP-10). */
bool health_ready(const struct health *health);
json_t *health_json(const struct health *health);
