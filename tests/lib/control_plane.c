#include "tests/lib/control_plane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/log.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "controlplane/app/app.h"
#include "tests/lib/openapi_check.h"
#include "tests/lib/pg.h"

enum { PLACES = 32, PLACE_MAX = 4096, TOKEN_MAX = 160, URL_MAX = 1024, TIMEOUT_S = 60 };

struct control_plane {
    struct app *app;
    struct app_options options;
    struct arena arena;
    char folder[64], url[64], admin[TOKEN_MAX];
    char *conninfo;
    bool owner; /* of folder and database */
    struct control_reply reply;
    char places[PLACES][PLACE_MAX];
    size_t next_place;
};

/* --- start and stop ----------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const char *text, size_t len,
                       mode_t mode)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
}

static void write_config(const struct control_plane *control, const char *name,
                         const char *settings)
{
    char text[2048];
    int len = snprintf(text, sizeof(text),
                       "database: \"%s\"\nlisten: \"127.0.0.1:0\"\n"
                       "master_key_file: \"%s/master.key\"\nbootstrap_file: \"%s/bootstrap\"\n"
                       "http_threads: 4\n%s\n",
                       control->conninfo, control->folder, control->folder,
                       settings != NULL ? settings : "");

    write_file(control->folder, name, text, (size_t)len, 0600);
}

static void load_options(struct control_plane *control, const char *name)
{
    char path[128];
    char *argv[] = {(char[]){"berth-control"}, (char[]){"--config"}, path, NULL};
    struct buf message = {0};

    snprintf(path, sizeof(path), "%s/%s", control->folder, name);
    if (options_load(3, argv, &control->arena, &control->options, &message) != OK)
        fprintf(stderr, "%s", buf_text(&message));
    CHECK(message.len == 0);
    buf_fini(&message);
}

static void start(struct control_plane *control)
{
    struct buf message = {0};

    if (app_start(&control->options, &control->app, &message) != OK)
        fprintf(stderr, "%s", buf_text(&message));
    CHECK(control->app != NULL);
    buf_fini(&message);
    snprintf(control->url, sizeof(control->url), "http://127.0.0.1:%d",
             (int)app_port(control->app));
}

static void read_bootstrap(const struct control_plane *control, char out[TOKEN_MAX])
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/bootstrap", control->folder);
    file = fopen(path, "re");
    CHECK(file != NULL && fgets(out, TOKEN_MAX, file) != NULL);
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

static struct control_plane *control_new(void)
{
    log_set_level(getenv("BERTH_TEST_LOG") != NULL ? LOG_DEBUG : LOG_FATAL);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    return mem_alloc(sizeof(struct control_plane));
}

struct control_plane *control_plane_start(const char *settings)
{
    struct control_plane *control = control_new();
    char key[32], bootstrap[TOKEN_MAX];

    control->owner = true;
    snprintf(control->folder, sizeof(control->folder), "/tmp/berth-control.XXXXXX");
    CHECK(mkdtemp(control->folder) != NULL);
    random_fill(random_system(), key, sizeof(key));
    write_file(control->folder, "master.key", key, sizeof(key), 0400);
    control->conninfo = pg_database();
    write_config(control, "control.conf", settings);
    load_options(control, "control.conf");
    start(control);
    read_bootstrap(control, bootstrap);
    CHECK(control_do(control, bootstrap, "POST", "/v1/bootstrap:exchange",
                     "{\"name\":\"admin\"}") == 201);
    snprintf(control->admin, sizeof(control->admin), "%s", control_text(control, "token"));
    return control;
}

struct control_plane *control_plane_second(struct control_plane *first, const char *settings)
{
    struct control_plane *control = control_new();

    memcpy(control->folder, first->folder, sizeof(control->folder));
    memcpy(control->admin, first->admin, sizeof(control->admin));
    control->conninfo = mem_strdup(first->conninfo);
    write_config(control, "second.conf", settings);
    load_options(control, "second.conf");
    start(control);
    return control;
}

void control_plane_restart(struct control_plane *control)
{
    app_stop(control->app);
    control->app = NULL;
    start(control);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"master.key", "bootstrap", "control.conf", "second.conf"};
    char path[128];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

void control_plane_stop(struct control_plane *control)
{
    if (control == NULL)
        return;
    app_stop(control->app);
    control_reply_fini(&control->reply);
    if (control->owner) {
        remove_folder(control->folder);
        pg_drop(control->conninfo);
    } else {
        mem_free(control->conninfo);
    }
    arena_fini(&control->arena);
    curl_global_cleanup();
    mem_free(control);
}

const char *control_plane_conninfo(const struct control_plane *control)
{
    return control->conninfo;
}

const char *control_plane_url(const struct control_plane *control)
{
    return control->url;
}

const char *control_plane_admin(const struct control_plane *control)
{
    return control->admin;
}

/* --- requests ----------------------------------------------------------------------------- */

static size_t on_bytes(char *data, size_t size, size_t count, void *arg)
{
    buf_add(arg, data, size * count);
    return size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    struct buf line = {0};

    buf_printf(&line, "%s: %s", name, value);
    list = curl_slist_append(list, buf_text(&line));
    buf_fini(&line);
    return list;
}

static struct curl_slist *make_headers(const struct control_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    struct buf bearer = {0};

    if (request->token != NULL) {
        buf_printf(&bearer, "Bearer %s", request->token);
        list = add_header(list, "Authorization", buf_text(&bearer));
        buf_fini(&bearer);
    }
    if (request->body != NULL)
        list =
            add_header(list, "Content-Type",
                       request->content_type != NULL ? request->content_type : "application/json");
    for (const char *const *line = request->headers; line != NULL && *line != NULL; line++)
        list = curl_slist_append(list, *line);
    return list;
}

/* What api/openapi.json does not say of the operation, it may not answer. */
static void check_declared(const struct control_request *request, const struct control_reply *reply)
{
    char why[160];

    if (!openapi_declares(request->method, request->path, reply, why, sizeof(why))) {
        fprintf(stderr, "%s %s: %s is not in api/openapi.json\n", request->method, request->path,
                why);
        CHECK_UNREACHABLE("an answer that is not declared");
    }
}

void control_exchange(const struct control_plane *control, const struct control_request *request,
                      struct control_reply *reply)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = make_headers(request);
    char url[URL_MAX];
    long status = 0;

    CHECK(curl != NULL);
    control_reply_fini(reply);
    snprintf(url, sizeof(url), "%s%s", control->url, request->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply->head);
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
                         (long)(request->body_len > 0 ? request->body_len : strlen(request->body)));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    reply->json = json_loadb(buf_text(&reply->body), reply->body.len, JSON_REJECT_DUPLICATES, NULL);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    check_declared(request, reply);
}

const char *control_header(const struct control_reply *reply, const char *name, char *out,
                           size_t cap)
{
    struct slice rest = buf_slice(&reply->head), line, key;

    while (!slice_empty(rest) && slice_cut(&rest, '\n', &line)) {
        if (slice_cut(&line, ':', &key) && slice_equal_nocase(key, slice_of(name))) {
            line = slice_trim(line);
            snprintf(out, cap, "%.*s", (int)line.len, line.data);
            return out;
        }
    }
    return NULL;
}

void control_reply_fini(struct control_reply *reply)
{
    json_decref(reply->json);
    buf_fini(&reply->body);
    buf_fini(&reply->head);
    *reply = (struct control_reply){0};
}

/* --- the last reply ----------------------------------------------------------------------- */

int control_do_if(struct control_plane *control, const char *token, const char *if_match,
                  const char *method, const char *path, const char *body)
{
    const char *headers[] = {NULL, NULL};
    struct control_request request = {method, path, token, body, headers};

    if (if_match != NULL)
        headers[0] = control_format(control, "If-Match: %s", if_match);
    control_exchange(control, &request, &control->reply);
    return control->reply.status;
}

int control_do(struct control_plane *control, const char *token, const char *method,
               const char *path, const char *body)
{
    return control_do_if(control, token, NULL, method, path, body);
}

void control_check(const struct control_plane *control, int wanted, int status, const char *file,
                   int line)
{
    if (status == wanted)
        return;
    print_error("%s:%d: %d, not %d: %s\n", file, line, status, wanted,
                buf_text(&control->reply.body));
    _fail(file, line);
}

void control_check_code(const struct control_plane *control, const char *code, const char *file,
                        int line)
{
    if (strcmp(control_text(control, "code"), code) == 0)
        return;
    print_error("%s:%d: not %s: %s\n", file, line, code, buf_text(&control->reply.body));
    _fail(file, line);
}

const struct control_reply *control_last(const struct control_plane *control)
{
    return &control->reply;
}

const char *control_last_header(struct control_plane *control, const char *name)
{
    char text[PLACE_MAX];

    return control_header(&control->reply, name, text, sizeof(text)) != NULL
               ? control_format(control, "%s", text)
               : NULL;
}

json_t *control_member(const struct control_plane *control, const char *path)
{
    json_t *at = control->reply.json;
    struct slice rest = slice_of(path), name;
    char key[128];

    while (at != NULL && !slice_empty(rest) && slice_cut(&rest, '/', &name)) {
        snprintf(key, sizeof(key), "%.*s", (int)name.len, name.data);
        at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
                               : json_object_get(at, key);
    }
    return at;
}

size_t control_count(const struct control_plane *control)
{
    return json_array_size(control_member(control, "items"));
}

const char *control_text(const struct control_plane *control, const char *path)
{
    const char *text = json_string_value(control_member(control, path));

    return text != NULL ? text : "";
}

int64_t control_int(const struct control_plane *control, const char *path)
{
    return json_integer_value(control_member(control, path));
}

const char *control_format(struct control_plane *control, const char *format, ...)
{
    char *place = control->places[control->next_place++ % PLACES];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(place, PLACE_MAX, format, args);
    va_end(args);
    CHECK(len >= 0 && len < PLACE_MAX);
    return place;
}

const char *control_in_days(struct control_plane *control, int days)
{
    char text[CLOCK_TEXT_MAX];

    clock_format(clock_wall_ns(clock_system()) + days * 86400 * NS_PER_S, 3, text);
    return control_format(control, "%s", text);
}

/* --- a world ------------------------------------------------------------------------------ */

/* The reply is said when it is not what a test builds on. */
static void expect(const struct control_plane *control, int status, int wanted)
{
    if (status != wanted)
        fprintf(stderr, "%d: %s\n", status, buf_text(&control->reply.body));
    CHECK(status == wanted);
}

void control_world(struct control_plane *control, const char *urls)
{
    const char *admin = control->admin;

    expect(control, control_do(control, admin, "POST", "/v1/operators", "{\"name\":\"op\"}"), 201);
    expect(control,
           control_do(control, admin, "POST", "/v1/systems",
                      control_format(control, "{\"name\":\"main\",\"urls\":%s}", urls)),
           201);
    expect(control,
           control_do(control, admin, "POST", "/v1/plans", "{\"name\":\"small\",\"default\":true}"),
           201);
}

void control_team_make(struct control_plane *control, const char *name, struct control_team *out)
{
    const char *body = control_format(control, "{\"name\":\"%s\"}", name);

    expect(control, control_do(control, control->admin, "POST", "/v1/teams", body), 201);
    snprintf(out->id, sizeof(out->id), "%s", control_text(control, "id"));
    expect(control,
           control_do(control, control->admin, "POST",
                      control_format(control, "/v1/teams/%s/tokens", out->id),
                      control_format(control, "{\"name\":\"first\",\"expires_at\":\"%s\"}",
                                     control_in_days(control, 30))),
           201);
    snprintf(out->token, sizeof(out->token), "%s", control_text(control, "token"));
}

void control_account_make(struct control_plane *control, const struct control_team *team,
                          const char *name, char id[40])
{
    const char *body = control_format(control, "{\"name\":\"%s\"}", name);

    expect(control, control_do(control, team->token, "POST", "/v1/accounts", body), 201);
    snprintf(id, 40, "%s", control_text(control, "id"));
}
