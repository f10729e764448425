#include "controlplane/domain/account_life.h"

#include <string.h>

#include "controlplane/domain/account_issue.h"
#include "controlplane/domain/account_limits.h"
#include "controlplane/domain/authz.h"
#include "controlplane/domain/permission_warnings.h"
#include "controlplane/domain/secret.h"
#include "controlplane/domain/team.h"

static enum result choose_team(struct work *work, const struct account_settings *settings,
                               struct team *team)
{
    const char *ref = settings->team_id != NULL ? settings->team_id : work->who->team_id;
    enum result rc;

    if (ref == NULL)
        return refusal_field(work->refusal, "/team_id", "required", "is required");
    rc = team_by_ref(work, ref, team);
    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/team_id", "not_found", "there is no such team");
    return rc;
}

static enum result choose_system(struct work *work, const char *ref, const char **id)
{
    struct nats_system system;
    enum result rc;

    if (ref == NULL) {
        rc = nats_system_only(work, id);
        if (rc == ERR_NOT_FOUND)
            return refusal_field(work->refusal, "/system_id", "required",
                                 "there is not exactly one system: name it");
        return rc;
    }
    rc = nats_system_by_ref(work, ref, &system);
    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/system_id", "not_found", "there is no such system");
    if (rc == OK)
        *id = system.resource.id;
    return rc;
}

/* A tenant's accounts have the team's plan; only the operator gives another one. */
static enum result choose_plan(struct work *work, const struct team *team, const char *ref,
                               struct plan *plan)
{
    enum result rc = plan_terms(work, ref != NULL ? ref : team->plan_id, plan);

    if (rc == ERR_NOT_FOUND)
        return refusal_field(work->refusal, "/plan_id", "not_found", "there is no such plan");
    if (rc == OK && !principal_is_operator(work->who) &&
        strcmp(plan->resource.id, team->plan_id) != 0)
        return refusal_set(work->refusal, REFUSAL_plan_forbids,
                           "Only the operator gives an account another plan than the team's.");
    return rc;
}

/* Under the team's row lock, so that two at once do not both find room. */
static enum result check_account_quota(struct work *work, const struct team *team)
{
    const char *locked;
    struct plan plan;
    enum result rc = db_get_text(work->db, SQL_team_lock, DB_ARGS(db_text(team->resource.id)),
                                 work->arena, &locked);

    if (rc == OK)
        rc = plan_terms(work, team->plan_id, &plan);
    if (rc == OK)
        rc = plan_room(work, SQL_account_count, team->resource.id,
                       plan.limits.accounts.set ? plan.limits.accounts.value : -1,
                       "The plan allows", "accounts for a team");
    return rc;
}

static enum result name_taken(struct work *work, enum result rc)
{
    if (rc == ERR_EXISTS)
        return refusal_set(work->refusal, REFUSAL_name_taken,
                           "Another account of the team has this name.");
    return rc;
}

/* Under a strict operator nodes accept users of signing keys only: every account begins with one.
 */
static enum result insert_signing_key(struct work *work, const char *account_id,
                                      const char *team_id)
{
    char public_key[NKEY_PUBLIC_MAX];
    const char *secret_id;
    enum result rc =
        secret_new_key(work, team_id, account_id, "account_signing", public_key, &secret_id);

    if (rc != OK)
        return rc;
    return db_exec(work->db, SQL_signing_key_insert,
                   DB_ARGS(db_text(resource_id_new(work, "skey")), db_text("default"), db_text(""),
                           db_text(""), db_text("{}"), db_text(or_empty(work->who->name)),
                           db_text(team_id), db_text(account_id), db_text(public_key),
                           db_text("managed"), db_text(NULL), db_text(secret_id)));
}

static enum result insert(struct work *work, const struct account_settings *settings,
                          const char *id, const char *team_id, const char *system_id,
                          const struct plan *plan)
{
    const struct resource_settings *head = &settings->settings;
    char public_key[NKEY_PUBLIC_MAX];
    const char *secret_id;
    enum result rc = secret_new_key(work, team_id, id, "account_identity", public_key, &secret_id);

    if (rc != OK)
        return rc;
    return db_exec(
        work->db, SQL_account_insert,
        DB_ARGS(db_text(id), db_text(head->name), db_text(or_empty(head->display_name)),
                db_text(or_empty(head->description)), db_json(resource_labels(head, work->arena)),
                db_text(or_empty(work->who->name)), db_text(team_id), db_text(system_id),
                db_bool(false), db_text(public_key), db_text(secret_id), db_text(plan->resource.id),
                db_integer(plan->plan_version), db_bool(settings->protection),
                db_strings(&settings->tags), db_text(or_empty(settings->info_url)),
                db_json(permissions_json(&settings->default_permissions, work->arena))));
}

enum result account_create(struct work *work, const struct account_settings *settings,
                           struct account *out)
{
    const char *id = resource_id_new(work, "acc"), *system_id;
    struct team team;
    struct plan plan;
    int64_t revision;
    enum result rc;

    if (!principal_is_operator(work->who) && !work->who->all_accounts)
        return refusal_set(work->refusal, REFUSAL_forbidden,
                           "This token is bound to accounts and cannot create others.");
    rc = choose_team(work, settings, &team);
    if (rc == OK)
        rc = choose_system(work, settings->system_id, &system_id);
    if (rc == OK)
        rc = choose_plan(work, &team, settings->plan_id, &plan);
    if (rc == OK)
        rc = check_account_quota(work, &team);
    if (rc == OK)
        rc = insert(work, settings, id, team.resource.id, system_id, &plan);
    if (rc == OK)
        rc = insert_signing_key(work, id, team.resource.id);
    if (rc == OK)
        rc = permission_warnings_put(work, SQL_account_set_conditions, id,
                                     &settings->default_permissions, NULL);
    if (rc == OK)
        rc = account_changed(work, id, "created", &revision);
    if (rc != OK)
        return name_taken(work, rc);
    return account_by_ref(work, id, out);
}

/* The plan keeps its version unless another plan is named. */
static enum result update_plan(struct work *work, const struct account *old,
                               const struct account_settings *settings, struct account *after)
{
    struct team team;
    struct plan plan;
    enum result rc;

    *after = *old;
    if (settings->plan_id == NULL || strcmp(settings->plan_id, old->plan_id) == 0)
        return OK;
    rc = team_by_ref(work, old->team_id, &team);
    if (rc == OK)
        rc = choose_plan(work, &team, settings->plan_id, &plan);
    if (rc != OK)
        return rc;
    after->plan_id = plan.resource.id;
    after->plan_version = plan.plan_version;
    return settings->allow_over_quota ? OK : account_limits_check_use(work, old, after);
}

enum result account_update(struct work *work, const struct account *old,
                           const struct account_settings *settings, struct account *out)
{
    struct account_settings before = account_settings_of(old);
    const char *fixed = shape_fixed_change(&account_settings_shape, &before, settings);
    const struct resource_settings *head = &settings->settings;
    struct account after;
    int64_t revision;
    enum result rc = account_may(work, old, "change");

    if (rc == OK && fixed != NULL)
        return refusal_field(work->refusal, arena_printf(work->arena, "/%s", fixed), "fixed",
                             "cannot be changed");
    if (rc == OK)
        rc = update_plan(work, old, settings, &after);
    if (rc == OK)
        rc = db_exec(
            work->db, SQL_account_update,
            DB_ARGS(db_text(old->resource.id), db_text(head->name),
                    db_text(or_empty(head->display_name)), db_text(or_empty(head->description)),
                    db_json(resource_labels(head, work->arena)), db_text(after.plan_id),
                    db_integer(after.plan_version), db_bool(settings->protection),
                    db_strings(&settings->tags), db_text(or_empty(settings->info_url)),
                    db_json(permissions_json(&settings->default_permissions, work->arena))));
    if (rc == OK)
        rc = permission_warnings_put(work, SQL_account_set_conditions, old->resource.id,
                                     &settings->default_permissions, old->resource.conditions);
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "changed", &revision);
    if (rc != OK)
        return name_taken(work, rc);
    return account_by_ref(work, old->resource.id, out);
}

/* Every user's JWT issued so far is refused. */
static enum result revoke_everybody(struct work *work, const struct account *account,
                                    const char *reason)
{
    int64_t now = work_now(work) / NS_PER_S * NS_PER_S;
    enum result rc =
        db_exec(work->db, SQL_revocation_put,
                DB_ARGS(db_text(resource_id_new(work, "rev")), db_text(or_empty(work->who->name)),
                        db_text(account->team_id), db_text(account->resource.id), db_text("*"),
                        db_time(now), db_text(or_empty(reason))));

    if (rc == OK)
        rc = db_exec(work->db, SQL_credential_revoke_key,
                     DB_ARGS(db_text(account->resource.id), db_text("*"), db_time(now)));
    return rc;
}

static bool suspended_by(const struct account *account, const char *whom)
{
    return strcmp(account->suspended_by, whom) == 0;
}

/* The operator makes a team's suspension his own, or the team could undo it. */
enum result account_suspend(struct work *work, const struct account *old, const char *reason,
                            bool revoke_users, struct account *out)
{
    bool take_over = principal_is_operator(work->who) && suspended_by(old, SUSPENDED_BY_TEAM);
    int64_t revision;
    enum result rc = account_move(work, old, take_over ? "take_over" : "suspend", reason);

    if (rc == OK && revoke_users)
        rc = revoke_everybody(work, old, reason);
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "suspended", &revision);
    return rc == OK ? account_by_ref(work, old->resource.id, out) : rc;
}

enum result account_resume(struct work *work, const struct account *old, struct account *out)
{
    int64_t revision;
    enum result rc;

    if (!principal_is_operator(work->who) && suspended_by(old, SUSPENDED_BY_OPERATOR))
        return refusal_set(work->refusal, REFUSAL_suspended_by_operator,
                           "The operator of the platform suspended this account; only the "
                           "operator can resume it. Its state_reason says why, if a reason was "
                           "given.");
    rc = account_move(work, old, "resume", "");
    if (rc == OK)
        rc = account_changed(work, old->resource.id, "resumed", &revision);
    return rc == OK ? account_by_ref(work, old->resource.id, out) : rc;
}
