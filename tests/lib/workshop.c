#include "tests/lib/workshop.h"

#include <stdio.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/nats/jwt.h"
#include "controlplane/domain/secret.h"
#include "controlplane/vault/issuer.h"

static const char *const no_subjects[] = {NULL};

static void on_sync_changed(const char *account_id, void *arg)
{
    ((struct workshop *)arg)->told++;
}

static void on_wake(unsigned wake, void *arg)
{
    ((struct workshop *)arg)->woken |= wake;
}

static void on_message(const char *system_id, const char *subject, struct slice body, void *arg)
{
    node_events_add(((struct workshop *)arg)->context.events, system_id, subject, body);
}

const char *workshop_token(struct workshop *workshop, int account_index, int64_t iat)
{
    struct account_claims account = {0};
    struct claims claims = {.sub = workshop->keys[account_index],
                            .type = CLAIMS_ACCOUNT,
                            .version = 2,
                            .iat = iat,
                            .account = &account};
    struct jwt_key_signer signer;
    struct slice token;

    claims_account_defaults(&account);
    jwt_key_signer_init(&signer, &workshop->signer);
    CHECK(jwt_encode(&claims, &signer.signer, &workshop->world->arena, &token) == OK);
    return arena_copy(&workshop->world->arena, token);
}

/* Account keys that are keys, and their tokens. */
static void make_tokens(struct workshop *workshop)
{
    char operator_key[NKEY_PUBLIC_MAX], account_key[NKEY_PUBLIC_MAX];
    struct nkey account;

    nkey_create(&workshop->signer, NKEY_OPERATOR, random_system());
    nkey_public(&workshop->signer, operator_key);
    for (int i = 0; i < 3; i++) {
        nkey_create(&account, NKEY_ACCOUNT, random_system());
        nkey_public(&account, account_key);
        workshop->keys[i] = arena_strdup(&workshop->world->arena, account_key);
        workshop->jwts[i] = workshop_token(workshop, i, 1);
        world_sql(workshop->world,
                  "UPDATE account SET public_key = '%s' WHERE account_id = 'acc_%d'", account_key,
                  i + 1);
        world_sql(workshop->world, "UPDATE account_jwt SET jwt = '%s' WHERE account_id = 'acc_%d'",
                  workshop->jwts[i], i + 1);
    }
    world_sql(workshop->world,
              "UPDATE node SET trusted_keys = '{%s}', trust_read_at = now(), allow_delete = true",
              operator_key);
}

struct workshop *workshop_open(const struct fake_answer *answers)
{
    struct workshop *workshop = mem_alloc(sizeof(*workshop));
    struct link_set_options links = {.credentials = fake_set_credentials,
                                     .on_message = on_message,
                                     .subjects = no_subjects,
                                     .arg = workshop,
                                     .name = "test"};
    void *state;

    CHECK(world_begin(&state) == 0);
    workshop->world = state;
    make_tokens(workshop);
    workshop->node = fake_node_start(answers);
    world_sql(workshop->world, "UPDATE system SET urls = '{%s}'", fake_node_url(workshop->node));
    world_sql(workshop->world, "UPDATE node SET server_id = '%s'", fake_node_id(workshop->node));
    workshop->context = (struct job_context){
        .pool = pool_new(workshop->world->conninfo, 4),
        .tools = &workshop->world->tools,
        .links = link_set_new(&links),
        .events = node_events_new(),
        .holder = "test",
        .sync_changed = on_sync_changed,
        .wake = on_wake,
        .arg = workshop,
    };
    return workshop;
}

void workshop_signer(struct workshop *workshop)
{
    struct work *work = workshop->world->work;
    char public_key[NKEY_PUBLIC_MAX];
    struct vault_secret seed = {0};
    const char *id;

    issuer_new_key(work->tools->random, NKEY_OPERATOR, public_key, &seed);
    world_ok(work, secret_check_master(work));
    world_ok(work, secret_put(work, NULL, "opr_1", "operator_signing", &seed, &id));
    vault_secret_wipe(&seed);
    world_sql(workshop->world,
              "INSERT INTO operator_key (operator_key_id, name, operator_id, state, public_key, "
              "secret_id) VALUES ('opk_1', 'k', 'opr_1', 'active', '%s', '%s')",
              public_key, id);
}

void workshop_connect(struct workshop *workshop)
{
    struct link_target target = {"sys_1", fake_node_url(workshop->node), NULL};

    link_set_update(workshop->context.links, &target, 1);
    fake_node_await_link(workshop->context.links, "sys_1");
}

void workshop_close(struct workshop *workshop)
{
    void *state = workshop->world;

    link_set_free(workshop->context.links);
    node_events_free(workshop->context.events);
    pool_free(workshop->context.pool);
    fake_node_stop(workshop->node);
    CHECK(world_end(&state) == 0);
    mem_free(workshop);
}
