#include "dataplane/monitor/system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/station.h"

#define CONFIG                                                 \
    "server_name: srv\nserver_tags: [a, \"b:c\"]\n"            \
    "accounts { $SYS { users [{user: sys, password: sys}] }\n" \
    "           A { users [{user: a, password: a}] }, B { users [{user: b, password: b}] } }\n"

static struct station station;
static struct guest sys, a, b;

static int set_up(void **state)
{
    station_prepare(&station);
    station_start(&station, CONFIG);
    station_enter(&station, &sys, "{\"verbose\":false,\"user\":\"sys\",\"pass\":\"sys\"}");
    station_enter(&station, &a, "{\"verbose\":false,\"user\":\"a\",\"pass\":\"a\"}");
    station_enter(&station, &b, "{\"verbose\":false,\"user\":\"b\",\"pass\":\"b\"}");
    return 0;
}

static int tear_down(void **state)
{
    guest_leave(&sys);
    guest_leave(&a);
    guest_leave(&b);
    station_stop(&station);
    return 0;
}

static void test_every_request_is_answered(void **state)
{
    static const struct {
        const char *subject, *body, *part;
    } cases[] = {
        {"$SYS.REQ.SERVER.PING", "", "\"statsz\":{\"start\":"},
        {"$SYS.REQ.SERVER.PING.STATSZ", "", "\"statsz\":{\"start\":"},
        {"$SYS.REQ.SERVER.PING.VARZ", " null ", "\"data\":{\"server_id\""},
        {"$SYS.REQ.SERVER.PING.IDZ", "", "{\"name\":\"srv\",\"host\":\"127.0.0.1\",\"id\":\"N"},
        {"$SYS.REQ.SERVER.PING.VARZ", "", "\"server_name\":\"srv\",\"version\":\"2.14.3\""},
        {"$SYS.REQ.SERVER.PING.CONNZ", "", "\"num_connections\":3,\"total\":3"},
        {"$SYS.REQ.SERVER.PING.SUBSZ", "", "\"num_subscriptions\":"},
        {"$SYS.REQ.SERVER.PING.ACCOUNTZ", "", "\"system_account\":\"$SYS\""},
        {"$SYS.REQ.SERVER.PING.ACCSTATZ", "", "\"account_statz\":[{\"acc\":"},
        {"$SYS.REQ.SERVER.PING.HEALTHZ", "", "\"status\":\"ok\",\"status_code\":200"},
        {"$SYS.REQ.SERVER.PING.JSZ", "", "\"disabled\":true"},
        {"$SYS.REQ.SERVER.PING.ROUTEZ", "", "\"num_routes\":0,\"routes\":[]"},
        {"$SYS.REQ.SERVER.PING.GATEWAYZ", "", "\"outbound_gateways\":{}"},
        {"$SYS.REQ.SERVER.PING.LEAFZ", "", "\"leafnodes\":0,\"leafs\":[]"},
        {"$SYS.REQ.ACCOUNT.A.CONNZ", "", "\"num_connections\":1"},
        {"$SYS.REQ.ACCOUNT.A.SUBSZ", "", "\"subscriptions_list\""},
        {"$SYS.REQ.ACCOUNT.A.INFO", "", "\"account_name\":\"A\""},
        {"$SYS.REQ.ACCOUNT.A.STATZ", "", "\"account_statz\":[{\"acc\":\"A\""},
        {"$SYS.REQ.ACCOUNT.A.CONNS", "", "account_connections"},
        {"$SYS.REQ.ACCOUNT.A.JSZ", "", "\"description\":\"jetstream not enabled\""},
        {"$SYS.REQ.ACCOUNT.A.CONNS", "{\"acc\":\"A\"}", "account_connections"},
        {"$SYS.REQ.ACCOUNT.A.CONNS", "{\"acc\":null}", "account_connections"},
        {"$SYS.REQ.ACCOUNT.A.CONNS", " null", "account_connections"},
        {"$SYS.REQ.ACCOUNT.ZZ.INFO", "", "Account ZZ does not exist"},
        {"$SYS.REQ.ACCOUNT.PING.INFO", "{\"account\":\"A\"}", "Account PING does not exist"},
        {"$SYS.REQ.ACCOUNT.PING.CONNZ", "", "\"num_connections\":0,\"total\":0"},
        {"$SYS.REQ.ACCOUNT.PING.SUBSZ", "{\"account\":\"A\"}", "\"num_subscriptions\":0"},
        {"$SYS.REQ.ACCOUNT.A.SUBSZ", "", "\"num_cache\":0,"},
        {"$SYS.REQ.ACCOUNT.PING.STATZ", "{\"include_unused\":true}", "\"acc\":\"$G\""},
        {"$SYS.REQ.USER.INFO", "", "\"user\":\"sys\",\"account\":\"$SYS\""},
        {"$SYS.REQ.SERVER.PING.VARZ", "{bad", "\"error\":{\"code\":400"},
        {"$SYS.REQ.SERVER.PING.CONNZ", "{\"sort\":\"zz\"}", "invalid sorting option: zz"},
    };

    (void)guest_asks(&a, "$SYS.REQ.USER.INFO", "");
    guest_say(&a, "SUB x 1\r\n");
    guest_hears_nothing(&a);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        guest_is_told(&sys, cases[i].subject, cases[i].body, cases[i].part);
}

/* A node that is not meant does not answer: the next question is the first answered. */
static void test_a_filter_silences(void **state)
{
    static const char *const silent[] = {
        "{\"server_name\":\"other\"}", "{\"server_name\":\"sr\",\"exact_match\":true}",
        "{\"tags\":[\"zz\"]}",         "{\"tags\":[\"a\",\"zz\"]}",
        "{\"cluster\":\"c\"}",         "{\"domain\":\"d\"}",
    };

    guest_say(&sys, "SUB _I.* 1\r\n");
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        struct buf text = {0};

        buf_printf(&text, "PUB $SYS.REQ.SERVER.PING.VARZ _I.no %zu\r\n%s\r\n", strlen(silent[i]),
                   silent[i]);
        guest_say(&sys, buf_text(&text));
        buf_fini(&text);
    }
    guest_say(&sys, "PUB $SYS.REQ.SERVER.PING.VARZ _I.yes 33\r\n"
                    "{\"server_name\":\"sr\",\"tags\":[\"a\"]}\r\n");
    guest_hears_only(&sys, "MSG _I.yes 1 ");
    guest_hears(&sys, "\r\n");
    guest_hears(&sys, "\r\n");
    guest_say(&sys, "UNSUB 1\r\n");
    guest_hears_nothing(&sys);
}

/* Who asks for one account's figures and means another, or does not say it right. */
static void test_conns_of_another_account(void **state)
{
    static const char *const silent[] = {
        "{\"acc\":\"B\"}", "{\"acc\":\"\"}", "{\"acc\":5}", "{", "[\"A\"]", " ", "{} x",
    };

    guest_say(&sys, "SUB _I.* 1\r\n");
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        struct buf text = {0};

        buf_printf(&text, "PUB $SYS.REQ.ACCOUNT.A.CONNS _I.no %zu\r\n%s\r\n", strlen(silent[i]),
                   silent[i]);
        guest_say(&sys, buf_text(&text));
        buf_fini(&text);
    }
    guest_say(&sys, "PUB $SYS.REQ.ACCOUNT.A.CONNS _I.yes 0\r\n\r\n");
    guest_hears_only(&sys, "MSG _I.yes 1 ");
    guest_hears(&sys, "\r\n");
    guest_hears(&sys, "\r\n");
    guest_say(&sys, "UNSUB 1\r\n");
    guest_hears_nothing(&sys);
}

static void test_an_account_sees_itself_only(void **state)
{
    guest_is_told(&a, "$SYS.REQ.USER.INFO", "", "\"user\":\"a\",\"account\":\"A\"");
    guest_is_told(&a, "$SYS.REQ.SERVER.PING.CONNZ", "", "\"num_connections\":1,\"total\":1");
    guest_is_told(&a, "$SYS.REQ.ACCOUNT.PING.CONNZ", "{\"acc\":\"B\"}", "\"total\":1");
    guest_is_told(&a, "$SYS.REQ.ACCOUNT.PING.STATZ",
                  "{\"accounts\":[\"B\"],\"include_unused\":true}",
                  "\"account_statz\":[{\"acc\":\"A\"");
    /* Everything else of $SYS is nobody's here. */
    guest_say(&a, "SUB _I.x 1\r\nPUB $SYS.REQ.SERVER.PING _I.x 0\r\n\r\n"
                  "PUB $SYS.REQ.ACCOUNT.B.CONNZ _I.x 0\r\n\r\n"
                  "PUB $SYS.REQ.ACCOUNT.A.INFO _I.x 0\r\n\r\n");
    guest_hears_nothing(&a);
}

static void test_usage_is_exact(void **state)
{
    guest_say(&b, "SUB u 7\r\n");
    for (int i = 0; i < 10; i++)
        guest_say(&b, "PUB u 5\r\nhello\r\n");
    for (int i = 0; i < 10; i++)
        (void)guest_takes(&b, "u 7 ");
    guest_hears_nothing(&b);
    guest_is_told(&sys, "$SYS.REQ.ACCOUNT.B.STATZ", "", "\"sent\":{\"msgs\":10,\"bytes\":50,");
    guest_is_told(&sys, "$SYS.REQ.ACCOUNT.B.STATZ", "", "\"received\":{\"msgs\":10,\"bytes\":50,");
    /* Gone, it is silent, unless asked for; nothing of it is lost. */
    guest_leave(&b);
    for (int i = 0; i < 1000; i++)
        if (strstr(guest_asks(&sys, "$SYS.REQ.ACCOUNT.B.STATZ", "{\"include_unused\":true}"),
                   "\"conns\":0") != NULL)
            break;
    guest_is_told(&sys, "$SYS.REQ.ACCOUNT.B.STATZ", "{\"include_unused\":true}",
                  "\"conns\":0,\"leafnodes\":0,\"total_conns\":0,\"num_subscriptions\":0,"
                  "\"sent\":{\"msgs\":10,\"bytes\":50,");
    guest_is_told(&sys, "$SYS.REQ.ACCOUNT.PING.STATZ", "{\"accounts\":[\"B\"]}",
                  "\"account_statz\":[]");
    station_enter(&station, &b, "{\"verbose\":false,\"user\":\"b\",\"pass\":\"b\"}");
}

/* The newest connection: a guest that a test has just let in. */
static unsigned long newest_cid(void)
{
    const char *cid = guest_asks(&sys, "$SYS.REQ.SERVER.PING.CONNZ", "{\"sort\":\"start\"}");

    while (strstr(cid + 1, "{\"cid\":") != NULL)
        cid = strstr(cid + 1, "{\"cid\":");
    return strtoul(cid + 7, NULL, 10);
}

static char *server_subject(const char *what)
{
    static char subject[128];
    const char *id = strstr(guest_asks(&sys, "$SYS.REQ.SERVER.PING.IDZ", ""), "\"id\":\"") + 6;

    snprintf(subject, sizeof(subject), "$SYS.REQ.SERVER.%.56s.%s", id, what);
    return subject;
}

static void test_acting_on_one_client(void **state)
{
    struct guest victim;
    char body[64];

    station_enter(&station, &victim,
                  "{\"verbose\":false,\"user\":\"a\",\"pass\":\"a\",\"protocol\":1}");
    snprintf(body, sizeof(body), "{\"cid\":%lu}", newest_cid());
    guest_is_told(&sys, server_subject("LDM"), "{\"cid\":99999}", "no such client id");
    guest_is_told(&sys, server_subject("LDM"), "{}", "no such client id");
    guest_is_told(&sys, server_subject("LDM"), "null", "no such client id");
    guest_is_told(&sys, server_subject("KICK"), "{\"cid\":0}", "no such client or leafnode id");
    guest_is_told(&sys, server_subject("KICK"), " null", "no such client or leafnode id");
    guest_is_told(&sys, server_subject("LDM"), body, "\"server\":{");
    guest_hears(&victim, "\"ldm\":true");
    guest_is_told(&sys, server_subject("KICK"), "{\"cid\":99999}", "no such client or leafnode id");
    guest_is_told(&sys, server_subject("KICK"), body, "\"server\":{");
    guest_sees_end(&victim);
    guest_leave(&victim);
    guest_is_told(&sys, server_subject("RELOAD"), "", "not supported yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_is_answered),
        cmocka_unit_test(test_a_filter_silences),
        cmocka_unit_test(test_conns_of_another_account),
        cmocka_unit_test(test_an_account_sees_itself_only),
        cmocka_unit_test(test_usage_is_exact),
        cmocka_unit_test(test_acting_on_one_client),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
