#include "tests/lib/office.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/auth/auth_account.h"
#include "dataplane/session/session_apply.h"
#include "tests/lib/on_worker.h"

static void make_key(struct office_key *key, char type, const char *name)
{
    struct buf text = {0};

    nkey_pair_derive(&key->pair, type, slice_of(name));
    nkey_pair_public(&key->pair, &text);
    snprintf(key->name, sizeof(key->name), "%s", buf_text(&text));
    buf_fini(&text);
}

static void find(void *arg, struct worker *worker, struct slice name, struct auth_lookup *lookup)
{
    struct office *office = arg;
    struct account *account = account_table_find(office->hall.accounts, name);

    if (office->on_find != NULL)
        office->on_find(office);
    lookup->done(lookup, worker, account != NULL ? OK : ERR_NOT_FOUND, account);
}

static void put_in_force(struct worker *worker, void *arg)
{
    struct office *office = arg;
    struct account *account =
        account_table_obtain(office->hall.accounts, slice_of(office->account.name));

    (void)worker;
    account_set_terms(account, office->terms);
    account_unref(account);
}

/* nats: members of "nats" beside type and version; iat rises by itself. */
enum result office_claims(struct office *office, const char *nats, int64_t exp)
{
    struct buf claims = {0}, jwt = {0};
    struct auth_account_token *token;
    char issue[AUTH_ISSUE_MAX];
    enum result rc;

    buf_printf(&claims,
               "{\"sub\":\"%s\",\"name\":\"team\",\"iat\":%lld,\"exp\":%lld,"
               "\"nats\":{\"type\":\"account\",\"version\":2,%s}}",
               office->account.name, (long long)++office->iat, (long long)exp, nats);
    assert_true(nkey_pair_token(&office->operator.pair, buf_text(&claims), &jwt));
    rc = auth_account_verify(office->hall.auth, buf_slice(&jwt), 1700000000, &token, issue);
    if (rc == OK) {
        office->terms = auth_account_terms(token);
        on_worker(office->hall.workers, 0, put_in_force, office);
    } else {
        auth_account_token_free(token);
    }
    buf_fini(&claims);
    buf_fini(&jwt);
    return rc;
}

int office_setup(void **state)
{
    struct office *office = test_calloc(1, sizeof(*office));

    make_key(&office->operator, 'O', "op");
    make_key(&office->account, 'A', "team");
    make_key(&office->other, 'A', "other");
    make_key(&office->signer, 'A', "signer");
    make_key(&office->scope, 'A', "scope");
    make_key(&office->user, 'U', "alice");
    office->iat = 1700000000;
    office->trusted[0] = office->operator.name;
    hall_init(&office->hall);
    office->hall.auth_options.trusted_keys = office->trusted;
    office->hall.auth_options.trusted_key_count = 1;
    office->hall.lookup = (struct auth_accounts){find, office};
    hall_start(&office->hall, OFFICE_WORKERS);
    *state = office;
    return 0;
}

int office_teardown(void **state)
{
    struct office *office = *state;

    hall_stop(&office->hall);
    test_free(office);
    return 0;
}

/* The user's token; top: members beside sub and iat; nats: beside type and version. */
void office_user(struct office *office, const struct office_key *by, const char *top,
                 const char *nats, struct buf *jwt)
{
    struct buf claims = {0}, account = {0};

    if (by != &office->account)
        buf_printf(&account, ",\"issuer_account\":\"%s\"", office->account.name);
    buf_printf(&claims,
               "{\"sub\":\"%s\",\"iat\":1700000000%s,"
               "\"nats\":{\"type\":\"user\",\"version\":2%s%s}}",
               office->user.name, top, nats, buf_text(&account));
    assert_true(nkey_pair_token(&by->pair, buf_text(&claims), jwt));
    buf_fini(&claims);
    buf_fini(&account);
}

static void nonce_of(const char *info, char nonce[32])
{
    const char *at = strstr(info, "\"nonce\":\"");

    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"nonce\":\"%31[^\"]", nonce), 1);
}

void office_log_in(struct office *office, struct guest *guest, const struct buf *jwt,
                   enum office_signature signature)
{
    struct buf line = {0};
    char info[1024], nonce[32];

    guest_enter(&office->hall, guest, info);
    nonce_of(info, nonce);
    buf_printf(&line, "CONNECT {\"verbose\":true,\"jwt\":\"%s\"", buf_text(jwt));
    if (signature != UNSIGNED) {
        buf_add_text(&line, ",\"sig\":\"");
        nkey_pair_sign(&office->user.pair,
                       signature == SIGNED ? slice_of(nonce) : SLICE("something else"), &line);
        buf_add_text(&line, "\"");
    }
    buf_add_text(&line, "}\r\n");
    guest_say(guest, buf_text(&line));
    buf_fini(&line);
}

static void applied(void *arg, struct worker *worker)
{
    (void)worker;
    atomic_store((_Atomic int *)arg, 1);
}

static bool is_set(struct worker *worker, void *arg)
{
    (void)worker;
    return atomic_load((_Atomic int *)arg) != 0;
}

void office_follow(struct office *office)
{
    struct account *account;
    _Atomic int done = 0;

    account = account_table_find(office->hall.accounts, slice_of(office->account.name));
    session_table_apply(office->hall.table, account, 1, applied, &done);
    until_on_worker(office->hall.workers, 1, is_set, &done);
    account_unref(account);
}

void office_apply(struct office *office, const char *nats)
{
    assert_int_equal(office_claims(office, nats, 0), OK);
    office_follow(office);
}
