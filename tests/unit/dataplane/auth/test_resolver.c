#include "dataplane/auth/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <semaphore.h>
#include <string.h>

#include "tests/lib/on_worker.h"
#include "tests/lib/station.h"

/* A resolver in memory with what it needs, and nothing more of a node. */
static struct {
    struct station_keys keys;
    struct workers *workers;
    struct blocking *blocking;
    struct account_table *accounts;
    struct resolver_preload preload;
    struct resolver_options options;
    struct resolver *resolver;
    struct auth *auth;
    struct claims operator_claims;
    struct operator_claims operator_part;
    struct auth_operator operator;
    struct buf token;
} it;

static int set_up(void **state)
{
    struct auth_parts parts;
    struct auth_options options;
    char message[RESOLVER_MESSAGE_MAX];

    station_keys_init(&it.keys, "");
    station_account_token(&it.keys.operator, & it.keys.account_id, "", -100, &it.token);
    it.preload = (struct resolver_preload){buf_text(&it.keys.account_id), buf_text(&it.token)};
    it.options = (struct resolver_options){
        .kind = RESOLVER_MEMORY, .limit = 3, .preload = &it.preload, .preload_count = 1};
    it.workers = idle_workers(2, clock_system());
    it.blocking = blocking_new(2, it.workers);
    it.accounts = account_table_new(it.workers);
    assert_int_equal(resolver_open(&it.options, &it.resolver, message), OK);
    parts = (struct auth_parts){
        .workers = it.workers,
        .blocking = it.blocking,
        .accounts = it.accounts,
        .lookup = {.find = resolver_find, .arg = it.resolver},
        .clock = clock_system(),
    };
    it.operator_claims = (struct claims){.sub = buf_text(&it.keys.operator_id),
                                         .iss = buf_text(&it.keys.operator_id),
                                         .type = CLAIMS_OPERATOR,
                                         .operator= & it.operator_part };
    it.operator=(struct auth_operator){.claims = &it.operator_claims};
    options = (struct auth_options){.operators = &it.operator, .operator_count = 1 };
    assert_int_equal(auth_new(&options, &parts, &it.auth, message), OK);
    resolver_bind(it.resolver, it.auth, &parts);
    return 0;
}

static int tear_down(void **state)
{
    blocking_free(it.blocking);
    workers_stop(it.workers);
    auth_free(it.auth);
    resolver_close(it.resolver);
    account_table_free(it.accounts);
    buf_fini(&it.token);
    station_keys_fini(&it.keys);
    return 0;
}

/* --- finding ------------------------------------------------------------------------------- */

struct question {
    struct auth_lookup lookup;
    const char *key;
    enum result rc;
    bool found, has_jwt;
    sem_t done;
};

static void on_found(struct auth_lookup *lookup, struct worker *worker, enum result rc,
                     struct account *account)
{
    struct question *question = container_of(lookup, struct question, lookup);

    question->rc = rc;
    question->found = account != NULL;
    if (account != NULL) {
        question->has_jwt = account_terms(account)->jwt != NULL;
        account_unref(account);
    }
    sem_post(&question->done);
}

static void ask_on_worker(struct worker *worker, void *arg)
{
    struct question *question = arg;

    resolver_find(it.resolver, worker, slice_of(question->key), &question->lookup);
}

static enum result find(unsigned worker, const char *key)
{
    struct question question = {.lookup = {on_found}, .key = key};

    sem_init(&question.done, 0, 0);
    on_worker(it.workers, worker, ask_on_worker, &question);
    sem_wait(&question.done);
    sem_destroy(&question.done);
    assert_int_equal(question.found, question.rc == OK);
    assert_int_equal(question.has_jwt, question.rc == OK);
    return question.rc;
}

static void test_an_account_is_found_from_every_worker(void **state)
{
    const char *key = buf_text(&it.keys.account_id);

    size_t before = account_table_count(it.accounts);

    assert_int_equal(find(1, key), OK); /* read */
    assert_int_equal(find(1, key), OK); /* there */
    assert_int_equal(find(0, key), OK);
    assert_int_equal(account_table_count(it.accounts), before + 1);
    assert_int_equal(find(1, buf_text(&it.keys.system_id)), ERR_NOT_FOUND);
    assert_int_equal(find(0, "nonsense"), ERR_NOT_FOUND);
}

/* Many questions for an account that is being read: each has its answer. */
static void test_questions_wait_together(void **state)
{
    enum { MANY = 50 };
    struct question questions[MANY];
    struct nkey_pair pair;
    struct buf id = {0}, jwt = {0};

    nkey_pair_derive(&pair, 'A', SLICE("many"));
    nkey_pair_public(&pair, &id);
    station_account_token(&it.keys.operator, & id, "", 0, &jwt);
    assert_int_equal(
        jwt_store_save(resolver_store_of(it.resolver), buf_slice(&id), buf_slice(&jwt)), OK);
    for (int i = 0; i < MANY; i++) {
        questions[i] = (struct question){.lookup = {on_found}, .key = buf_text(&id)};
        sem_init(&questions[i].done, 0, 0);
        on_worker(it.workers, (unsigned)i % 2, ask_on_worker, &questions[i]);
    }
    for (int i = 0; i < MANY; i++) {
        sem_wait(&questions[i].done);
        sem_destroy(&questions[i].done);
        assert_int_equal(questions[i].rc, OK);
    }
    buf_fini(&id);
    buf_fini(&jwt);
}

/* --- storing ------------------------------------------------------------------------------- */

static void apply_on_worker(struct worker *worker, void *arg)
{
    struct resolver_stored *stored = arg;
    struct account *account = resolver_apply(it.resolver, worker, stored->token);

    if (account != NULL) {
        assert_int_equal(account_terms(account)->connections, 7);
        account_unref(account);
    }
    stored->iat = account != NULL;
}

static void test_new_claims(void **state)
{
    struct nkey_pair stranger;
    struct resolver_stored stored;
    struct buf jwt = {0};

    station_account_token(&it.keys.operator, & it.keys.account_id, "\"conn\":7", -50, &jwt);
    assert_int_equal(resolver_store(it.resolver, buf_slice(&jwt), &stored), OK);
    assert_non_null(stored.token);
    assert_string_equal(stored.key, buf_text(&it.keys.account_id));
    assert_true(find(0, stored.key) == OK);
    on_worker(it.workers, RESOLVER_HOME, apply_on_worker, &stored);
    assert_true(stored.iat); /* it was loaded, so connections have to follow */
    /* the same again */
    assert_int_equal(resolver_store(it.resolver, buf_slice(&jwt), &stored), OK);
    assert_null(stored.token);
    /* older; untrusted; nonsense; nothing of it is stored */
    station_account_token(&it.keys.operator, & it.keys.account_id, "", -60, &jwt);
    assert_int_equal(resolver_store(it.resolver, buf_slice(&jwt), &stored), ERR_STALE);
    nkey_pair_derive(&stranger, 'O', SLICE("stranger"));
    station_account_token(&stranger, &it.keys.account_id, "", 0, &jwt);
    assert_int_equal(resolver_store(it.resolver, buf_slice(&jwt), &stored), ERR_UNTRUSTED);
    assert_true(stored.issue[0] != '\0');
    assert_int_equal(resolver_store(it.resolver, SLICE("x.y.z"), &stored), ERR_SYNTAX);
    assert_int_equal(
        jwt_store_load(resolver_store_of(it.resolver), buf_slice(&it.keys.account_id), &jwt), OK);
    assert_non_null(strstr(buf_text(&jwt), "."));
    buf_fini(&jwt);
}

static void test_a_full_store_takes_nobody_new(void **state)
{
    struct resolver_stored stored;
    struct nkey_pair pair;
    struct buf id = {0}, jwt = {0};
    enum result rc = OK;

    for (int i = 0; i < 4 && rc == OK; i++) {
        char name[24];

        snprintf(name, sizeof(name), "fill-%d", i);
        buf_clear(&id);
        nkey_pair_derive(&pair, 'A', slice_of(name));
        nkey_pair_public(&pair, &id);
        station_account_token(&it.keys.operator, & id, "", 0, &jwt);
        rc = resolver_store(it.resolver, buf_slice(&jwt), &stored);
        auth_account_token_free(stored.token);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_string_equal(stored.issue, "jwt store is full");
    buf_fini(&id);
    buf_fini(&jwt);
}

/* --- the system account -------------------------------------------------------------------- */

static void load_system(struct worker *worker, void *arg)
{
    struct account *account =
        resolver_load_system(it.resolver, worker, buf_text(&it.keys.system_id));

    assert_true(account->system);
    assert_non_null(account_terms(account)->claims);
    assert_null(account_terms(account)->jwt);
    account_unref(account);
}

static void test_what_is_stored_is_of_use(void **state)
{
    char issue[AUTH_ISSUE_MAX];
    struct nkey_pair rogue;
    struct buf jwt = {0};

    assert_int_equal(resolver_verify(it.resolver, buf_slice(&it.keys.account_id), issue), OK);
    assert_int_equal(resolver_verify(it.resolver, buf_slice(&it.keys.system_id), issue),
                     ERR_NOT_FOUND);
    assert_true(issue[0] != '\0');
    nkey_pair_derive(&rogue, 'O', SLICE("rogue"));
    station_account_token(&rogue, &it.keys.system_id, "", 0, &jwt);
    assert_int_equal(jwt_store_save(resolver_store_of(it.resolver), buf_slice(&it.keys.system_id),
                                    buf_slice(&jwt)),
                     OK);
    assert_int_equal(resolver_verify(it.resolver, buf_slice(&it.keys.system_id), issue),
                     ERR_UNTRUSTED);
    assert_int_equal(
        jwt_store_remove(resolver_store_of(it.resolver), buf_slice(&it.keys.system_id), true), OK);
    buf_fini(&jwt);
}

static void test_a_system_account_before_its_token(void **state)
{
    on_worker(it.workers, RESOLVER_HOME, load_system, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_is_found_from_every_worker),
        cmocka_unit_test(test_questions_wait_together),
        cmocka_unit_test(test_new_claims),
        cmocka_unit_test(test_what_is_stored_is_of_use),
        cmocka_unit_test(test_a_full_store_takes_nobody_new),
        cmocka_unit_test(test_a_system_account_before_its_token),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
