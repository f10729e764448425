/* Every route of the REST API. */
#include "controlplane/rest/accounts.h"
#include "controlplane/rest/audit_log.h"
#include "controlplane/rest/credentials.h"
#include "controlplane/rest/operations.h"
#include "controlplane/rest/operators.h"
#include "controlplane/rest/plans.h"
#include "controlplane/rest/revocations.h"
#include "controlplane/rest/roles.h"
#include "controlplane/rest/service.h"
#include "controlplane/rest/signing_keys.h"
#include "controlplane/rest/systems.h"
#include "controlplane/rest/teams.h"
#include "controlplane/rest/tokens.h"
#include "controlplane/rest/usage_reads.h"
#include "controlplane/rest/users.h"

const struct rest_route *const rest_tables[] = {
    service_routes,     tokens_routes,      teams_routes,       plans_routes,
    accounts_routes,    users_routes,       roles_routes,       signing_keys_routes,
    credentials_routes, revocations_routes, usage_reads_routes, audit_log_routes,
    operations_routes,  operators_routes,   systems_routes,     NULL,
};
