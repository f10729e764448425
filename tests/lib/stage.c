#include "tests/lib/stage.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/mem.h"
#include "api/base/random.h"
#include "tests/lib/pg.h"

enum { START_MS = 120000, END_MS = 60000, POLL_MS = 20, ARGS_MAX = 16, MONTH_S = 30 * 86400 };

void stage_pause_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

int64_t stage_now_ms(void)
{
    return clock_mono_ns(clock_system()) / NS_PER_MS;
}

const char *api_path(char out[STAGE_PATH_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(out, STAGE_PATH_MAX, format, args);
    va_end(args);
    return out;
}

/* --- processes ---------------------------------------------------------------------------- */

/* A free port.  The socket does not listen: a server that reuses addresses may have the port, and
 * nobody is given it who asks for any. */
static void take_port(struct stage_process *process)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int on = 1;

    process->hold = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(process->hold >= 0 &&
          setsockopt(process->hold, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
          bind(process->hold, (struct sockaddr *)&address, len) == 0 &&
          getsockname(process->hold, (struct sockaddr *)&address, &len) == 0);
    process->port = ntohs(address.sin_port);
}

static bool answers(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool open = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return open;
}

static void show_log(const struct stage_process *process)
{
    char line[1024];
    FILE *file = fopen(process->log, "r");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        fprintf(stderr, "%s: %s", process->name, line);
    if (file != NULL)
        fclose(file);
}

static void run_child(const struct stage_process *process, char *const *args)
{
    int fd = open(process->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fd, 1);
    dup2(fd, 2);
    execv(args[0], args);
    _exit(127);
}

static void start(struct stage_process *process, char *const *args)
{
    int64_t until = stage_now_ms() + START_MS;

    CHECK(process->pid == 0);
    process->pid = fork();
    CHECK(process->pid >= 0);
    if (process->pid == 0)
        run_child(process, args);
    while (!answers(process->port)) {
        if (stage_ended(process) || stage_now_ms() > until) {
            show_log(process);
            fprintf(stderr, "%s does not start\n", process->name);
            abort();
        }
        stage_pause_ms(POLL_MS);
    }
}

bool stage_ended(struct stage_process *process)
{
    if (process->pid != 0 && waitpid(process->pid, &process->status, WNOHANG) == process->pid)
        process->pid = 0;
    return process->pid == 0;
}

void stage_end(struct stage_process *process, int signal)
{
    int64_t until = stage_now_ms() + END_MS;

    if (process->pid == 0)
        return;
    kill(process->pid, signal);
    while (!stage_ended(process)) {
        if (stage_now_ms() > until) {
            show_log(process);
            fprintf(stderr, "%s does not end\n", process->name);
            abort();
        }
        stage_pause_ms(2);
    }
    if (signal == SIGTERM && (!WIFEXITED(process->status) || WEXITSTATUS(process->status) != 0)) {
        show_log(process);
        fprintf(stderr, "%s does not end well (status %#x)\n", process->name,
                (unsigned)process->status);
        abort();
    }
}

/* --- the stage ---------------------------------------------------------------------------- */

static void write_file(const char *path, const void *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    close(fd);
}

static void prepare(struct stage *stage, struct stage_process *process, const char *kind, size_t i)
{
    snprintf(process->name, sizeof(process->name), "%s-%zu", kind, i);
    snprintf(process->log, sizeof(process->log), "%s/%s.log", stage->folder, process->name);
    take_port(process);
}

void stage_init(struct stage *stage, const char *bin, const char *conninfo)
{
    char path[STAGE_PATH_MAX];
    uint8_t key[32];

    *stage = (struct stage){0};
    snprintf(stage->bin, sizeof(stage->bin), "%s", bin);
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/berth-stage.XXXXXX");
    CHECK(mkdtemp(stage->folder) != NULL);
    stage->conninfo = conninfo != NULL ? mem_strdup(conninfo) : pg_database();
    random_fill(random_system(), key, sizeof(key));
    write_file(api_path(path, "%s/master.key", stage->folder), key, sizeof(key), 0400);
    for (size_t i = 0; i < STAGE_CONTROLS; i++)
        prepare(stage, &stage->controls[i], "control", i);
    for (size_t i = 0; i < STAGE_NODES; i++)
        prepare(stage, &stage->nodes[i], "node", i);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static void leave(struct stage_process *process)
{
    stage_end(process, SIGTERM);
    close(process->hold);
}

void stage_fini(struct stage *stage)
{
    char command[STAGE_PATH_MAX];

    for (size_t i = 0; i < STAGE_CONTROLS; i++)
        leave(&stage->controls[i]);
    for (size_t i = 0; i < STAGE_NODES; i++)
        leave(&stage->nodes[i]);
    if (strstr(stage->conninfo, "dbname=t_") != NULL)
        pg_drop(stage->conninfo);
    else
        mem_free(stage->conninfo);
    snprintf(command, sizeof(command), "rm -rf '%s'", stage->folder);
    if (getenv("BERTH_KEEP") == NULL && system(command) != 0)
        fprintf(stderr, "%s stays\n", stage->folder);
    curl_global_cleanup();
}

void stage_control_start(struct stage *stage, size_t index)
{
    struct stage_process *process = &stage->controls[index];
    char program[2 * STAGE_PATH_MAX], listen[64], key[STAGE_PATH_MAX], boot[STAGE_PATH_MAX];
    char *args[ARGS_MAX] = {program,
                            "--database",
                            stage->conninfo,
                            "--listen",
                            listen,
                            "--master-key-file",
                            key,
                            "--bootstrap-file",
                            boot,
                            "--log-level",
                            "debug",
                            "--write-per-minute",
                            "1000000",
                            "--expensive-per-minute",
                            "1000000",
                            NULL};

    snprintf(program, sizeof(program), "%s/berth-control", stage->bin);
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", process->port);
    api_path(key, "%s/master.key", stage->folder);
    api_path(boot, "%s/bootstrap", stage->folder);
    start(process, args);
}

void stage_node_start(struct stage *stage, size_t index)
{
    struct stage_process *process = &stage->nodes[index];
    char program[2 * STAGE_PATH_MAX], config[STAGE_PATH_MAX];
    char *args[ARGS_MAX] = {program, "-c", config, NULL};

    snprintf(program, sizeof(program), "%s/berth-broker", stage->bin);
    if (stage->node_program != NULL)
        snprintf(program, sizeof(program), "%s", stage->node_program);
    api_path(config, "%s/node-%zu.conf", stage->folder, index);
    start(process, args);
}

const char *stage_url(const struct stage *stage, size_t node, char out[64])
{
    snprintf(out, 64, "nats://127.0.0.1:%u", stage->nodes[node].port);
    return out;
}

bool stage_node_holds(const struct stage *stage, size_t node, const char *account_key)
{
    char path[STAGE_PATH_MAX];

    return access(api_path(path, "%s/store-%zu/jwt/%s.jwt", stage->folder, node, account_key),
                  F_OK) == 0;
}

/* --- the API ------------------------------------------------------------------------------ */

void api_init(struct api *api, uint16_t port, const char *token)
{
    api->curl = curl_easy_init();
    CHECK(api->curl != NULL);
    api->port = port;
    snprintf(api->token, sizeof(api->token), "%s", token);
}

void api_fini(struct api *api)
{
    curl_easy_cleanup(api->curl);
}

struct text {
    char *data;
    size_t len;
};

static size_t take(char *data, size_t size, size_t count, void *arg)
{
    struct text *text = arg;
    size_t len = size * count;

    text->data = mem_realloc(text->data, text->len + len + 1);
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = 0;
    return len;
}

static struct curl_slist *make_headers(const struct api *api, const char *const *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    char line[STAGE_TOKEN_MAX + 32];

    list = curl_slist_append(list, "Expect:");
    snprintf(line, sizeof(line), "Authorization: Bearer %s", api->token);
    if (api->token[0] != 0)
        list = curl_slist_append(list, line);
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
        list = curl_slist_append(list, headers[i]);
    return list;
}

struct api_answer api_send(struct api *api, const char *method, const char *path, const char *body,
                           size_t len, const char *const *headers)
{
    struct api_answer answer = {0};
    struct text text = {mem_strdup(""), 0}, head = {mem_strdup(""), 0};
    struct curl_slist *list = make_headers(api, headers);
    char url[2 * STAGE_PATH_MAX];
    json_error_t error;
    long status = 0;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", api->port, path);
    curl_easy_reset(api->curl);
    curl_easy_setopt(api->curl, CURLOPT_URL, url);
    curl_easy_setopt(api->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(api->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(api->curl, CURLOPT_TIMEOUT_MS, 120000L);
    if (body != NULL) {
        curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, &text);
    curl_easy_setopt(api->curl, CURLOPT_HEADERFUNCTION, take);
    curl_easy_setopt(api->curl, CURLOPT_HEADERDATA, &head);
    if (curl_easy_perform(api->curl) == CURLE_OK) {
        curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(api->curl, CURLINFO_TOTAL_TIME, &answer.seconds);
        answer.json = json_loadb(text.data, text.len, 0, &error);
    }
    curl_slist_free_all(list);
    answer.status = (int)status;
    answer.text = text.data;
    answer.head = head.data;
    return answer;
}

struct api_answer api_call(struct api *api, const char *method, const char *path, json_t *body,
                           const char *const *headers)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct api_answer answer =
        api_send(api, method, path, text, text != NULL ? strlen(text) : 0, headers);

    json_decref(body);
    free(text);
    return answer;
}

void api_answer_fini(struct api_answer *answer)
{
    json_decref(answer->json);
    mem_free(answer->text);
    mem_free(answer->head);
}

static json_t *must(struct api *api, int status, const char *method, const char *path, json_t *body,
                    const char *const *headers)
{
    struct api_answer answer = api_call(api, method, path, body, headers);
    json_t *json = answer.json != NULL ? json_incref(answer.json) : json_object();

    if (answer.status != status) {
        fprintf(stderr, "%s %s: %d, not %d: %s\n", method, path, answer.status, status,
                answer.text);
        abort();
    }
    api_answer_fini(&answer);
    return json;
}

json_t *api_must(struct api *api, int status, const char *method, const char *path, json_t *body)
{
    return must(api, status, method, path, body, NULL);
}

json_t *api_must_wait(struct api *api, int status, const char *method, const char *path,
                      json_t *body)
{
    static const char *const headers[] = {"Prefer: wait=30", "If-Match: *", NULL};

    return must(api, status, method, path, body, headers);
}

static const json_t *reach(const json_t *object, const char *path)
{
    char name[64];

    while (object != NULL) {
        size_t len = strcspn(path, ".");

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        object = json_object_get(object, name);
        if (path[len] == 0)
            return object;
        path += len + 1;
    }
    return NULL;
}

const char *api_text(const json_t *object, const char *path)
{
    return json_string_value(reach(object, path));
}

int64_t api_int(const json_t *object, const char *path)
{
    return json_integer_value(reach(object, path));
}

/* --- beginnings --------------------------------------------------------------------------- */

static void read_bootstrap(struct stage *stage, char token[STAGE_TOKEN_MAX])
{
    int64_t until = stage_now_ms() + START_MS;
    char path[STAGE_PATH_MAX];
    FILE *file;

    api_path(path, "%s/bootstrap", stage->folder);
    while ((file = fopen(path, "r")) == NULL) {
        CHECK(stage_now_ms() < until);
        stage_pause_ms(POLL_MS);
    }
    CHECK(fgets(token, STAGE_TOKEN_MAX, file) != NULL);
    token[strcspn(token, "\n")] = 0;
    fclose(file);
}

void stage_begin(struct stage *stage, struct api *admin)
{
    char token[STAGE_TOKEN_MAX], url[64];
    json_t *answer, *urls = json_array();

    read_bootstrap(stage, token);
    api_init(admin, stage->controls[0].port, token);
    answer =
        api_must(admin, 201, "POST", "/v1/bootstrap:exchange", json_pack("{s:s}", "name", "admin"));
    snprintf(admin->token, sizeof(admin->token), "%s", api_text(answer, "token"));
    json_decref(answer);
    json_decref(api_must(admin, 201, "POST", "/v1/operators", json_pack("{s:s}", "name", "stage")));
    for (size_t i = 0; i < STAGE_NODES; i++)
        json_array_append_new(urls, json_string(stage_url(stage, i, url)));
    json_decref(
        api_must(admin, 201, "POST", "/v1/systems",
                 json_pack("{s:s, s:O, s:o}", "name", "stage", "urls", urls, "public_urls", urls)));
}

void stage_node_config(struct stage *stage, struct api *admin, size_t index)
{
    char path[STAGE_PATH_MAX];
    struct buf text = {0};
    struct api_answer answer =
        api_call(admin, "GET",
                 api_path(path,
                          "/v1/systems/stage/server-config?name=n%zu&port=%u&store_dir="
                          "%s/store-%zu",
                          index, stage->nodes[index].port, stage->folder, index),
                 NULL, NULL);

    CHECK(answer.status == 200);
    buf_add_text(&text, answer.text);
    buf_add_text(&text, "authorization { timeout: 60 }\n"); /* a client may be held up */
    write_file(api_path(path, "%s/node-%zu.conf", stage->folder, index), text.data, text.len, 0600);
    buf_fini(&text);
    api_answer_fini(&answer);
}

void stage_team(struct stage *stage, struct api *admin, const char *name, struct api *team,
                char id[64])
{
    char path[STAGE_PATH_MAX], plan[64], expires[CLOCK_TEXT_MAX];
    json_t *answer;

    clock_format(clock_wall_ns(clock_system()) + MONTH_S * NS_PER_S, 0, expires);
    snprintf(plan, sizeof(plan), "plan-%s", name);
    json_decref(api_must(admin, 201, "POST", "/v1/plans",
                         json_pack("{s:s, s:{s:i, s:i}}", "name", plan, "limits", "connections",
                                   1000, "accounts", 10000)));
    answer = api_must(admin, 201, "POST", "/v1/teams",
                      json_pack("{s:s, s:s}", "name", name, "plan_id", plan));
    snprintf(id, 64, "%s", api_text(answer, "id"));
    json_decref(answer);
    answer = api_must(
        admin, 201, "POST", api_path(path, "/v1/teams/%s/tokens", id),
        json_pack("{s:s, s:s, s:s}", "name", "admin", "role", "team_admin", "expires_at", expires));
    api_init(team, stage->controls[0].port, api_text(answer, "token"));
    json_decref(answer);
}
