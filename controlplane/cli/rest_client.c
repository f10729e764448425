#include "controlplane/cli/rest_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "api/base/base64.h"
#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "api/base/shape.h"

enum {
    ANSWER_MAX = 64 << 20,
    ATTEMPTS = 4,
    ANSWER_TIMEOUT_S = 60,
    HEADER_VALUE_MAX = 512,
    KEY_BYTES = 18
};

struct rest_client {
    CURL *curl;
    const char *url;   /* ours */
    const char *token; /* ours */
    char trouble[CURL_ERROR_SIZE + 128];
};

/* What arrives for one request. */
struct answer {
    struct buf body;
    char etag[HEADER_VALUE_MAX], location[HEADER_VALUE_MAX];
    long retry_after_s;
};

#define T struct rest_problem_item
static const struct field problem_item_fields[] = {
    {"pointer", STRING_AT(T, pointer)},
    {"code", STRING_AT(T, code)},
    {"message", STRING_AT(T, message)},
};
#undef T
static const struct shape problem_item_shape = SHAPE(struct rest_problem_item, problem_item_fields);

#define T struct rest_problem
static const struct field problem_fields[] = {
    {"title", STRING_AT(T, title)},
    {"detail", STRING_AT(T, detail)},
    {"code", STRING_AT(T, code)},
    {"request_id", STRING_AT(T, request_id)},
    {"errors", OBJECTS_AT(T, errors), .type = &problem_item_shape},
};
#undef T
static const struct shape problem_shape = SHAPE(struct rest_problem, problem_fields);

/* One page of a list. */
struct page {
    json_t *items;
    const char *next_cursor;
};
#define T struct page
static const struct field page_fields[] = {
    {"items", JSON_AT(T, items), FIELD_REQUIRED},
    {"next_cursor", STRING_AT(T, next_cursor)},
};
#undef T
static const struct shape page_shape = SHAPE(struct page, page_fields);

enum result rest_client_open(const struct context *context, struct rest_client **out)
{
    struct rest_client *client = mem_alloc(sizeof(*client));

    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        mem_free(client);
        return ERR_UNAVAILABLE;
    }
    client->url = mem_strdup(context->url);
    client->token = context->token != NULL ? mem_strdup(context->token) : NULL;
    *out = client;
    return OK;
}

void rest_client_close(struct rest_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    mem_free((char *)(uintptr_t)client->url);
    mem_free((char *)(uintptr_t)client->token);
    mem_free(client);
}

const char *rest_client_trouble(const struct rest_client *client)
{
    return client->trouble;
}

enum result rest_result(long status)
{
    static const struct {
        long status;
        enum result rc;
    } table[] = {
        {400, ERR_INVALID},   {401, ERR_UNAUTHENTICATED}, {403, ERR_DENIED},
        {404, ERR_NOT_FOUND}, {409, ERR_CONFLICT},        {410, ERR_EXPIRED},
        {412, ERR_CONFLICT},  {422, ERR_INVALID},         {424, ERR_UNAVAILABLE},
        {428, ERR_CONFLICT},  {429, ERR_AGAIN},           {503, ERR_UNAVAILABLE},
        {504, ERR_TIMEOUT},
    };

    if (status < 400)
        return OK;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (table[i].status == status)
            return table[i].rc;
    }
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;

    buf_add(&answer->body, data, size * count);
    return answer->body.full ? 0 : size * count;
}

static bool header_value(struct slice line, const char *name, char out[HEADER_VALUE_MAX])
{
    struct slice value;
    size_t len = strlen(name);

    if (line.len <= len || line.data[len] != ':' || strncasecmp(line.data, name, len) != 0)
        return false;
    value = slice_trim(slice_from(line, len + 1));
    if (value.len >= HEADER_VALUE_MAX)
        return false;
    memcpy(out, value.data, value.len);
    out[value.len] = 0;
    return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    struct slice line = slice_make(data, size * count);
    char text[HEADER_VALUE_MAX];
    uint64_t seconds;

    if (header_value(line, "etag", answer->etag) ||
        header_value(line, "location", answer->location))
        return size * count;
    if (header_value(line, "retry-after", text) && slice_uint(slice_of(text), 60, &seconds))
        answer->retry_after_s = (long)seconds;
    return size * count;
}

static void add_header(struct curl_slist **headers, struct arena *arena, const char *name,
                       const char *value)
{
    if (value != NULL)
        *headers = curl_slist_append(*headers, arena_printf(arena, "%s: %s", name, value));
}

static const char *make_key(struct arena *arena)
{
    unsigned char bytes[KEY_BYTES];
    char *text = arena_alloc(arena, BASE64URL_LEN(KEY_BYTES) + 1);

    random_fill(random_system(), bytes, sizeof(bytes));
    base64url_encode(bytes, sizeof(bytes), text);
    return text;
}

static struct curl_slist *make_headers(struct rest_client *client,
                                       const struct rest_request *request, struct arena *arena)
{
    struct curl_slist *headers = NULL;
    const char *key = request->idempotency_key;

    if (key == NULL && strcmp(request->method, "POST") == 0)
        key = make_key(arena);
    if (client->token != NULL)
        add_header(&headers, arena, "Authorization",
                   arena_printf(arena, "Bearer %s", client->token));
    add_header(&headers, arena, "Accept",
               request->accept != NULL ? request->accept : "application/json");
    if (request->body != NULL)
        add_header(&headers, arena, "Content-Type",
                   strcmp(request->method, "PATCH") == 0 ? "application/merge-patch+json"
                                                         : "application/json");
    add_header(&headers, arena, "If-Match", request->if_match);
    add_header(&headers, arena, "Idempotency-Key", key);
    if (request->wait_s > 0)
        add_header(&headers, arena, "Prefer", arena_printf(arena, "wait=%u", request->wait_s));
    add_header(&headers, arena, "Expect", ""); /* libcurl would ask for 100-continue */
    return headers;
}

/* One attempt. */
static CURLcode perform(struct rest_client *client, const struct rest_request *request,
                        const char *url, const char *body, struct curl_slist *headers,
                        struct answer *answer)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    client->trouble[0] = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(ANSWER_TIMEOUT_S + request->wait_s));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->trouble);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    return curl_easy_perform(curl);
}

static void pause_s(long seconds)
{
    struct timespec time = {.tv_sec = seconds};

    nanosleep(&time, NULL);
}

/* May the same request be sent again without doing its work twice? */
static bool repeatable(const struct rest_request *request)
{
    return strcmp(request->method, "PATCH") != 0;
}

static void take_answer(struct answer *answer, struct arena *arena, struct rest_reply *reply)
{
    struct shape_error error;
    json_t *json = NULL;

    reply->len = answer->body.len;
    reply->text = arena_copy(arena, buf_slice(&answer->body));
    reply->etag = answer->etag[0] != 0 ? arena_strdup(arena, answer->etag) : NULL;
    reply->location = answer->location[0] != 0 ? arena_strdup(arena, answer->location) : NULL;
    if (shape_parse_lenient(buf_slice(&answer->body), &json, &error) == OK) {
        shape_own(arena, json);
        reply->json = json;
    }
    if (reply->status >= 400 &&
        (json == NULL ||
         shape_decode(&problem_shape, json, SHAPE_LENIENT, arena, &reply->problem, &error) != OK)) {
        reply->problem.title = arena_printf(arena, "HTTP status %ld", reply->status);
        reply->problem.detail = "no control plane says that; is it running, is the URL right?";
    }
}

enum result rest_call(struct rest_client *client, const struct rest_request *request,
                      struct arena *arena, struct rest_reply *reply)
{
    const char *root = strncmp(request->path, "//", 2) == 0 ? "" : "/v1";
    const char *path = *root == 0 ? request->path + 1 : request->path;
    const char *url = arena_printf(arena, "%s%s%s", client->url, root, path);
    char *body = request->body != NULL ? shape_dump(request->body) : NULL;
    struct curl_slist *headers = make_headers(client, request, arena);
    struct answer answer = {0};
    CURLcode code = CURLE_OK;

    *reply = (struct rest_reply){0};
    for (int attempt = 1;; attempt++) {
        answer = (struct answer){0};
        buf_init(&answer.body, ANSWER_MAX);
        code = perform(client, request, url, body, headers, &answer);
        if (code == CURLE_OK)
            curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status);
        if (code == CURLE_OK && reply->status != 429 && reply->status != 503)
            break;
        if (attempt == ATTEMPTS || !repeatable(request) || code == CURLE_COULDNT_CONNECT)
            break;
        pause_s(answer.retry_after_s > 0 ? answer.retry_after_s : attempt);
        buf_fini(&answer.body);
    }
    if (code == CURLE_OK)
        take_answer(&answer, arena, reply);
    else if (client->trouble[0] == 0)
        snprintf(client->trouble, sizeof(client->trouble), "%s", curl_easy_strerror(code));
    buf_fini(&answer.body);
    curl_slist_free_all(headers);
    mem_free(body);
    return code == CURLE_OK ? rest_result(reply->status) : ERR_UNAVAILABLE;
}

enum result rest_list(struct rest_client *client, const char *path, size_t max, struct arena *arena,
                      const json_t **items, struct rest_reply *reply)
{
    const char *joint = strchr(path, '?') != NULL ? "&" : "?";
    const char *cursor = "";
    json_t *all = json_array();

    shape_own(arena, all);
    do {
        struct rest_request request = {.method = "GET"};
        struct shape_error error;
        struct page page;
        enum result rc;

        request.path = arena_printf(arena, "%s%slimit=500%s%s", path, joint,
                                    *cursor != 0 ? "&cursor=" : "", cursor);
        rc = rest_call(client, &request, arena, reply);
        if (rc != OK)
            return rc;
        if (reply->json == NULL ||
            shape_decode(&page_shape, reply->json, SHAPE_LENIENT, arena, &page, &error) != OK)
            return ERR_CORRUPT;
        json_array_extend(all, page.items);
        cursor = page.next_cursor != NULL ? rest_escape(arena, page.next_cursor) : "";
    } while (*cursor != 0 && (max == 0 || json_array_size(all) < max));
    while (max > 0 && json_array_size(all) > max)
        json_array_remove(all, json_array_size(all) - 1);
    *items = all;
    return OK;
}

const char *rest_escape(struct arena *arena, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *out = arena_alloc(arena, strlen(text) * 3 + 1);
    char *at = out;

    for (const char *c = text; *c != 0; c++) {
        if (strchr(plain, *c) != NULL)
            *at++ = *c;
        else
            at += snprintf(at, 4, "%%%02X", (unsigned)(unsigned char)*c);
    }
    return out;
}
