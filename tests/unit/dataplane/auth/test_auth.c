#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "api/base/buf.h"
#include "api/base/mem.h"
#include "dataplane/auth/auth_account.h"
#include "dataplane/session/session_apply.h"
#include "tests/lib/hall.h"
#include "tests/lib/nkey_pair.h"
#include "tests/lib/on_worker.h"

#define VIOLATION "-ERR 'Authorization Violation'\r\n"
#define LET_IN "+OK\r\n"

enum { WORKERS = 2 };

struct key {
    struct nkey_pair pair;
    char name[64];
};

/* A hall in operator mode: one account, whose claims the test sets. */
struct office {
    struct hall hall;
    struct key operator, account, other, signer, scope, user;
    const char *trusted[1];
    struct account_terms *terms; /* on the way to the worker */
    int64_t iat;
};

static void make_key(struct key *key, char type, const char *name)
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
static enum result set_claims(struct office *office, const char *nats, int64_t exp)
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

#define LIMITS(conn, subs)                                                      \
    "\"limits\":{\"subs\":" #subs ",\"data\":-1,\"payload\":-1,\"imports\":-1," \
    "\"exports\":-1,\"wildcards\":true,\"conn\":" #conn ",\"leaf\":-1}"

static int setup(void **state)
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
    hall_start(&office->hall, WORKERS);
    *state = office;
    return 0;
}

static int teardown(void **state)
{
    struct office *office = *state;

    hall_stop(&office->hall);
    test_free(office);
    return 0;
}

/* The user's token; top: members beside sub and iat; nats: beside type and version. */
static void make_user(struct office *office, const struct key *by, const char *top,
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

enum signature { SIGNED, UNSIGNED, WRONGLY };

static void log_in(struct office *office, struct guest *guest, const struct buf *jwt,
                   enum signature signature)
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

#define UNLIMITED ",\"subs\":-1,\"data\":-1,\"payload\":-1"

static void test_who_is_let_in(void **state)
{
    struct office *office = *state;
    const struct {
        const char *why;
        const struct key *by;
        const char *top, *nats;
        enum signature signature;
        bool in;
    } cases[] = {
        {"plainly", &office->account, "", UNLIMITED, SIGNED, true},
        {"no signature", &office->account, "", UNLIMITED, UNSIGNED, false},
        {"wrong signature", &office->account, "", UNLIMITED, WRONGLY, false},
        {"bearer", &office->account, "", UNLIMITED ",\"bearer_token\":true", UNSIGNED, true},
        {"signing key", &office->signer, "", UNLIMITED, SIGNED, true},
        {"another's key", &office->other, "", UNLIMITED, SIGNED, false},
        {"scope", &office->scope, "", "", SIGNED, true},
        {"scope and limits of its own", &office->scope, "", UNLIMITED, SIGNED, false},
        {"expired", &office->account, ",\"exp\":1700000001", UNLIMITED, SIGNED, false},
        {"not yet", &office->account, ",\"nbf\":4000000000", UNLIMITED, SIGNED, false},
        {"expires later", &office->account, ",\"exp\":4000000000", UNLIMITED, SIGNED, true},
        {"from here", &office->account, "", UNLIMITED ",\"src\":[\"127.0.0.0/8\"]", SIGNED, true},
        {"not from here", &office->account, "", UNLIMITED ",\"src\":[\"10.0.0.0/8\"]", SIGNED,
         false},
        {"kind of connection", &office->account, "",
         UNLIMITED ",\"allowed_connection_types\":[\"MQTT\"]", SIGNED, false},
        {"any time", &office->account, "",
         UNLIMITED ",\"times\":[{\"start\":\"00:00:00\",\"end\":\"23:59:59\"}],"
                   "\"times_location\":\"UTC\"",
         SIGNED, true},
        {"no such zone", &office->account, "",
         UNLIMITED ",\"times\":[{\"start\":\"00:00:00\",\"end\":\"23:59:59\"}],"
                   "\"times_location\":\"No/Where\"",
         SIGNED, false},
    };
    char claims[1024];

    snprintf(claims, sizeof(claims),
             "\"signing_keys\":[\"%s\",{\"kind\":\"user_scope\",\"key\":\"%s\",\"template\":"
             "{\"pub\":{\"allow\":[\"a.>\"]},\"subs\":-1,\"data\":-1,\"payload\":-1}}],%s",
             office->signer.name, office->scope.name, LIMITS(-1, -1));
    assert_int_equal(set_claims(office, claims, 0), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf jwt = {0};
        struct guest guest;

        make_user(office, cases[i].by, cases[i].top, cases[i].nats, &jwt);
        log_in(office, &guest, &jwt, cases[i].signature);
        guest_hears_only(&guest, cases[i].in ? LET_IN : VIOLATION);
        if (!cases[i].in)
            guest_sees_end(&guest);
        guest_leave(&guest);
        buf_fini(&jwt);
    }
}

static void test_account_claims_that_are_refused(void **state)
{
    struct office *office = *state;
    struct auth_account_token *token = NULL;
    char issue[AUTH_ISSUE_MAX], claims[256];
    struct buf jwt = {0};

    assert_int_equal(set_claims(office, LIMITS(-1, -1), 1600000000), ERR_EXPIRED);
    snprintf(claims, sizeof(claims),
             "{\"sub\":\"%s\",\"iat\":1,\"nats\":{\"type\":\"account\",\"version\":2}}",
             office->account.name);
    assert_true(nkey_pair_token(&office->other.pair, claims, &jwt));
    assert_int_equal(
        auth_account_verify(office->hall.auth, buf_slice(&jwt), 1700000000, &token, issue),
        ERR_UNTRUSTED);
    assert_null(token);
    jwt.data[jwt.len / 2] ^= 1;
    assert_int_not_equal(
        auth_account_verify(office->hall.auth, buf_slice(&jwt), 1700000000, &token, issue), OK);
    assert_null(token);
    buf_fini(&jwt);
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

static void apply(struct office *office, const char *nats)
{
    struct account *account;
    _Atomic int done = 0;

    assert_int_equal(set_claims(office, nats, 0), OK);
    account = account_table_find(office->hall.accounts, slice_of(office->account.name));
    session_table_apply(office->hall.table, account, 1, applied, &done);
    until_on_worker(office->hall.workers, 1, is_set, &done);
    account_unref(account);
}

static void test_the_newest_leave_when_there_are_too_many(void **state)
{
    struct office *office = *state;
    struct guest guests[4], late;
    struct buf jwt = {0};

    assert_int_equal(set_claims(office, LIMITS(4, -1), 0), OK);
    make_user(office, &office->account, "", UNLIMITED, &jwt);
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        log_in(office, &guests[i], &jwt, SIGNED);
        guest_hears_only(&guests[i], LET_IN);
    }
    log_in(office, &late, &jwt, SIGNED);
    guest_hears_only(&late, "-ERR 'maximum account active connections exceeded'\r\n");
    guest_sees_end(&late);
    guest_leave(&late);
    apply(office, LIMITS(2, -1));
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        if (i < 2) {
            guest_hears_nothing(&guests[i]);
        } else {
            guest_hears_only(&guests[i], "-ERR 'maximum account active connections exceeded'\r\n");
            guest_sees_end(&guests[i]);
        }
        guest_leave(&guests[i]);
    }
    buf_fini(&jwt);
}

static void test_live_connections_follow_the_claims(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    assert_int_equal(set_claims(office, LIMITS(-1, -1), 0), OK);
    make_user(office, &office->account, "", UNLIMITED, &jwt);
    log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, LET_IN);
    guest_say(&guest, "SUB a.x 1\r\nSUB b.x q 2\r\nSUB a.y 3\r\n");
    guest_hears_only(&guest, LET_IN LET_IN LET_IN);
    apply(office,
          "\"default_permissions\":{\"sub\":{\"deny\":[\"b.>\",\"a.y\"]},\"pub\":{}}," LIMITS(-1,
                                                                                              -1));
    guest_hears(&guest, "-ERR 'Permissions Violation for Subscription to \"");
    guest_hears(&guest, "-ERR 'Permissions Violation for Subscription to \"");
    guest_hears(&guest, "\")'\r\n");
    guest_say(&guest, "PUB a.x 1\r\n1\r\nPUB b.x 1\r\n2\r\n");
    guest_hears_only(&guest, "+OK\r\nMSG a.x 1 1\r\n1\r\n+OK\r\n");
    apply(office, LIMITS(-1, -1));
    guest_say(&guest, "SUB b.x 4\r\n");
    guest_hears_only(&guest, LET_IN);
    apply(office, LIMITS(-1, 2));
    guest_say(&guest, "SUB b.x 5\r\n");
    guest_hears_only(&guest, "-ERR 'maximum subscriptions exceeded'\r\n");
    snprintf(claims, sizeof(claims), "\"revocations\":{\"%s\":1700000000},%s", office->user.name,
             LIMITS(-1, -1));
    apply(office, claims);
    guest_hears_only(&guest, "-ERR 'User Authentication Revoked'\r\n");
    guest_sees_end(&guest);
    guest_leave(&guest);
    log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, VIOLATION);
    guest_leave(&guest);
    buf_fini(&jwt);
}

static void test_a_signing_key_that_is_gone(void **state)
{
    struct office *office = *state;
    struct guest guest;
    struct buf jwt = {0};
    char claims[512];

    snprintf(claims, sizeof(claims), "\"signing_keys\":[\"%s\"],%s", office->signer.name,
             LIMITS(-1, -1));
    assert_int_equal(set_claims(office, claims, 0), OK);
    make_user(office, &office->signer, "", UNLIMITED, &jwt);
    log_in(office, &guest, &jwt, SIGNED);
    guest_hears_only(&guest, LET_IN);
    apply(office, claims); /* nothing that matters has changed */
    guest_hears_nothing(&guest);
    apply(office, LIMITS(-1, -1));
    guest_sees_end(&guest);
    guest_leave(&guest);
    buf_fini(&jwt);
}

/* It leaves while its signature is being looked at. */
static void test_leaving_while_auth_thinks(void **state)
{
    struct office *office = *state;
    struct buf jwt = {0};

    make_user(office, &office->account, "", UNLIMITED, &jwt);
    for (int i = 0; i < 50; i++) {
        struct guest guest;

        log_in(office, &guest, &jwt, SIGNED);
        guest_leave(&guest);
    }
    buf_fini(&jwt);
}

/* --- without operator ------------------------------------------------------------------------ */

#define BCRYPT_SECRET "$2b$04$TT8Y/eK6oQLS1IJPwc3wzeRCOHUHOxTo8BInpwl.wD.lneuCPoNA6"

static void try(struct hall *hall, const char *connect, bool in)
{
    struct guest guest;

    guest_enter(hall, &guest, NULL);
    guest_say(&guest, connect);
    guest_hears_only(&guest, in ? "+OK\r\n" : VIOLATION);
    guest_leave(&guest);
}

static void test_users_and_passwords(void **state)
{
    const struct auth_user users[] = {
        {.name = "plain", .password = "secret"},
        {.name = "hashed", .password = BCRYPT_SECRET, .account = "A"},
        {.name = "web", .password = "secret", .connections = 1 << AUTH_WEBSOCKET},
    };
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.users = users;
    hall.auth_options.user_count = COUNT_OF(users);
    hall_start(&hall, 1);
    assert_true(auth_has_plain_password(hall.auth));
    assert_false(auth_needs_nonce(hall.auth));
    try(&hall, "CONNECT {\"user\":\"plain\",\"pass\":\"secret\"}\r\n", true);
    try(&hall, "CONNECT {\"user\":\"plain\",\"pass\":\"Secret\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"plain\"}\r\n", false);
    for (int i = 0; i < 3; i++) /* the second from memory */
        try(&hall, "CONNECT {\"user\":\"hashed\",\"pass\":\"secret\"}\r\n", true);
    try(&hall, "CONNECT {\"user\":\"hashed\",\"pass\":\"wrong\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"web\",\"pass\":\"secret\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"nobody\",\"pass\":\"secret\"}\r\n", false);
    try(&hall, "CONNECT {\"auth_token\":\"secret\"}\r\n", false);
    try(&hall, "CONNECT {}\r\n", false);
    try(&hall, "PING\r\n", false);
    hall_stop(&hall);
}

static void test_token(void **state)
{
    struct hall hall;

    (void)state;
    hall_init(&hall);
    hall.auth_options.token = BCRYPT_SECRET;
    hall_start(&hall, 1);
    assert_false(auth_has_plain_password(hall.auth));
    try(&hall, "CONNECT {\"auth_token\":\"secret\"}\r\n", true);
    try(&hall, "CONNECT {\"auth_token\":\"wrong\"}\r\n", false);
    try(&hall, "CONNECT {\"user\":\"secret\"}\r\n", false);
    hall_stop(&hall);
}

static void test_options_that_are_refused(void **state)
{
    const struct auth_user twice[] = {{.name = "a"}, {.name = "a"}}, bad[] = {{.nkey = "UBAD"}};
    const struct {
        struct auth_options options;
        const char *message;
    } cases[] = {
        {{.users = twice, .user_count = 2}, "Duplicate user \"a\" detected"},
        {{.users = bad, .user_count = 1}, "Not a valid public nkey for a user"},
        {{.users = twice, .user_count = 1, .no_auth_user = "b"},
         "no_auth_user: \"b\" not present as user or nkey in authorization block or account "
         "configuration"},
    };
    struct workers *workers = idle_workers(1, NULL);
    struct auth_parts parts = {.workers = workers, .accounts = account_table_new(workers)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char message[AUTH_MESSAGE_MAX] = "";
        struct auth *auth = NULL;

        assert_int_equal(auth_new(&cases[i].options, &parts, &auth, message), ERR_INVALID);
        assert_string_equal(message, cases[i].message);
    }
    workers_stop(workers);
    account_table_free(parts.accounts);
}

int main(void)
{
    const struct CMUnitTest operator_tests[] = {
        cmocka_unit_test(test_who_is_let_in),
        cmocka_unit_test(test_account_claims_that_are_refused),
        cmocka_unit_test(test_the_newest_leave_when_there_are_too_many),
        cmocka_unit_test(test_live_connections_follow_the_claims),
        cmocka_unit_test(test_a_signing_key_that_is_gone),
        cmocka_unit_test(test_leaving_while_auth_thinks),
    };
    const struct CMUnitTest plain_tests[] = {
        cmocka_unit_test(test_users_and_passwords),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_options_that_are_refused),
    };

    return cmocka_run_group_tests(operator_tests, setup, teardown) +
           cmocka_run_group_tests(plain_tests, NULL, NULL);
}
