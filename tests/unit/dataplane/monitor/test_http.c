#include "dataplane/monitor/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/halves.h"
#include "tests/lib/station.h"

static struct station station;
static struct guest a;

static int set_up(void **state)
{
    curl_global_init(CURL_GLOBAL_ALL);
    station_prepare(&station);
    station_start(&station, "http: -1\nhttp_base_path: \"/m\"\n");
    station_enter(&station, &a, "{\"verbose\":false,\"name\":\"guest\"}");
    return 0;
}

static int tear_down(void **state)
{
    guest_leave(&a);
    station_stop(&station);
    curl_global_cleanup();
    return 0;
}

struct answer {
    long code;
    char type[64];
    struct buf body;
};

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    buf_add(arg, data, size * count);
    return size * count;
}

static void get(const char *path, struct answer *answer)
{
    CURL *curl = curl_easy_init();
    const char *type;
    char url[256];

    *answer = (struct answer){0};
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", node_http_port(station.node), path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->code);
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
        snprintf(answer->type, sizeof(answer->type), "%s", type);
    curl_easy_cleanup(curl);
}

static void test_every_page(void **state)
{
    static const struct {
        const char *path;
        long code;
        const char *part;
    } cases[] = {
        {"/m/varz", 200, "\n  \"version\": \"2.14.3\",\n"},
        {"/m/connz", 200, "\"num_connections\": 1,"},
        {"/m/connz?subs=1&auth=true&limit=5", 200, "\"limit\": 5,"},
        {"/m/connz?state=closed", 200, "\"num_connections\": 0,"},
        {"/m/connz?state=any", 200, "\"num_connections\": 1,"},
        {"/m/connz?subs=detail", 200, "\"connections\": ["},
        {"/m/subsz", 200, "\"num_subscriptions\": "},
        {"/m/subscriptionsz", 200, "\"num_subscriptions\": "},
        {"/m/subsz?subs=1", 200, "\"total\": "},
        {"/m/accountz", 200, "\"accounts\": [\n"},
        {"/m/accountz?acc=$G", 200, "\"account_name\": \"$G\""},
        {"/m/accstatz", 200, "\"account_statz\": "},
        {"/m/accstatz?unused=1", 200, "\"acc\": \"$G\""},
        {"/m/healthz", 200, "{\"status\":\"ok\"}"},
        {"/m/jsz", 200, "\"disabled\": true"},
        {"/m/routez", 200, "\"routes\": []"},
        {"/m/", 200, "<html"},
        {"/m", 200, "<html"},
        {"/varz", 404, "404 page not found"},
        {"/m/nope", 404, "404 page not found"},
        {"/m/connz?limit=x", 400, "Error decoding int for 'limit'"},
        {"/m/connz?cid=-1", 400, "Error decoding uint64 for 'cid'"},
        {"/m/connz?auth=maybe", 400, "Error decoding boolean for 'auth'"},
        {"/m/connz?state=zz", 400, "Error decoding state for zz"},
        {"/m/connz?sort=zz", 400, "invalid sorting option: zz"},
        {"/m/connz?state=ANY", 200, "\"num_connections\": 1,"},
        {"/m/connz?state=Closed", 200, "\"num_connections\": 0,"},
        {"/m/connz?limit=%2B2", 200, "\"limit\": 2,"},
        {"/m/connz?limit=-2", 200, "\"limit\": 1024,"},
        {"/m/connz?limit=+2", 400, "Error decoding int for 'limit'"},
        {"/m/connz?limit=2%20", 400, "Error decoding int for 'limit'"},
        {"/m/connz?limit=%2B", 400, "Error decoding int for 'limit'"},
        {"/m/connz?limit=9223372036854775808", 400, "Error decoding int for 'limit'"},
        {"/m/connz?cid=%2B1", 400, "Error decoding uint64 for 'cid'"},
        {"/m/connz?cid=18446744073709551615", 200, "\"num_connections\": 0,"},
        {"/m/connz?cid=18446744073709551616", 400, "Error decoding uint64 for 'cid'"},
        {"/m/connz?LIMIT=x&limit=7", 200, "\"limit\": 7,"},
        {"/m/connz?limit=7&limit=x", 200, "\"limit\": 7,"},
        {"/m/accountz?acc=ZZ", 400, "Account ZZ does not exist"},
        {"/m/healthz?stream=s", 400, "{\"status\":\"error\",\"error\":"},
        {"/m/healthz?account=zz", 200, "{\"status\":\"ok\"}"},
        {"/m/healthz?details=1&stream=s", 400, "\"errors\":[{\"type\":\"BAD_REQUEST\",\"error\":"},
        {"/m/routez?subs=detail", 200, "\"num_routes\": 0"},
        {"/m/routez?subs=x", 400, "Error decoding boolean for 'subs'"},
        {"/m/gatewayz?accs=x", 400, "Error decoding boolean for 'accs'"},
        {"/m/leafz?subs=detail", 400, "Error decoding boolean for 'subs'"},
        {"/m/jsz?streams=1&limit=5", 200, "\"disabled\": true"},
        {"/m/jsz?streams=x", 400, "Error decoding boolean for 'streams'"},
        {"/m/jsz?limit=x", 400, "Error decoding int for 'limit'"},
        {"/m/ipqueuesz", 200, "{}"},
        {"/m/raftz", 404, "No Raft nodes registered"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        get(cases[i].path, &answer);
        if (answer.code != cases[i].code || strstr(buf_text(&answer.body), cases[i].part) == NULL)
            fail_msg("%s: %ld %s", cases[i].path, answer.code, buf_text(&answer.body));
        if (answer.code == 200 && strstr(cases[i].part, "html") == NULL)
            assert_string_equal(answer.type, "application/json");
        buf_fini(&answer.body);
    }
}

/* How often a page was asked for; -1: not told. */
static json_int_t requests_of(const char *path)
{
    struct answer answer;
    const json_t *count;
    json_int_t out;
    json_t *tree;

    get("/m/varz", &answer);
    tree = json_loads(buf_text(&answer.body), 0, NULL);
    assert_non_null(tree);
    count = json_object_get(json_object_get(tree, "http_req_stats"), path);
    out = count != NULL ? json_integer_value(count) : -1;
    json_decref(tree);
    buf_fini(&answer.body);
    return out;
}

/* What /connz and /routez cannot read is not counted; what they refuse later is. */
static void test_requests_are_counted(void **state)
{
    static const struct {
        const char *page, *query;
        int more;
    } cases[] = {
        {"/healthz", "", 1},           {"/healthz", "?details=x", 1}, {"/subsz", "?limit=x", 1},
        {"/connz", "?limit=1", 1},     {"/connz", "?limit=x", 0},     {"/connz", "?sort=zz", 1},
        {"/routez", "?subs=1", 1},     {"/routez", "?subs=x", 0},     {"/leafz", "?subs=x", 1},
        {"/accstatz", "?unused=x", 1}, {"/jsz", "?limit=x", 1},       {"/gatewayz", "?accs=x", 1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_int_t before, after;
        struct answer answer;
        char path[64];

        snprintf(path, sizeof(path), "/m%s", cases[i].page);
        get(path, &answer);
        buf_fini(&answer.body);
        before = requests_of(cases[i].page);
        snprintf(path, sizeof(path), "/m%s%s", cases[i].page, cases[i].query);
        get(path, &answer);
        buf_fini(&answer.body);
        after = requests_of(cases[i].page);
        if (before < 1 || after != before + cases[i].more)
            fail_msg("%s: %d, then %d", path, (int)before, (int)after);
    }
    assert_int_equal(requests_of("/subscriptionsz"), -1);
}

static void *ask_often(void *arg)
{
    for (int i = 0; i < 20; i++) {
        struct answer answer;

        get(i % 2 == 0 ? "/m/connz?subs=1" : "/m/accstatz?unused=1", &answer);
        assert_int_equal(answer.code, 200);
        buf_fini(&answer.body);
    }
    return NULL;
}

static void test_many_at_once(void **state)
{
    pthread_t threads[8];

    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

/* --- those who keep us waiting -------------------------------------------------------------- */

/* Room is made for whoever comes by those who came first; all others stay. */
static void test_half_requests_keep_nobody_out(void **state)
{
    enum { COUNT = HTTP_CONNECTIONS_MAX + 144 };
    struct halves halves;
    struct answer answer;

    halves_init(&halves, node_http_port(station.node), COUNT, "/m/healthz");
    get("/m/healthz", &answer);
    assert_int_equal(answer.code, 200);
    buf_fini(&answer.body);
    halves_stop(&halves);
    for (size_t i = 0; i <= COUNT - HTTP_CONNECTIONS_MAX; i++)
        assert_true(halves_closed(&halves, i));
    assert_true(halves_answered(&halves, COUNT - 1));
    halves_fini(&halves);
}

static void test_a_port_in_use(void **state)
{
    struct http_options options = {.host = "127.0.0.1", .port = node_http_port(station.node)};
    char message[HTTP_MESSAGE_MAX];
    struct http *http;

    assert_int_equal(http_start(&options, NULL, &http, message), ERR_IO);
    assert_non_null(strstr(message, "bind: address already in use"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_page),    cmocka_unit_test(test_requests_are_counted),
        cmocka_unit_test(test_many_at_once),  cmocka_unit_test(test_half_requests_keep_nobody_out),
        cmocka_unit_test(test_a_port_in_use),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
