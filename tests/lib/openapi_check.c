#include "tests/lib/openapi_check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/base/check.h"
#include "api/base/slice.h"
#include "tests/lib/control_plane.h"

static json_t *document;

static void load(void)
{
    document = json_load_file("api/openapi.json", 0, NULL);
    CHECK(document != NULL);
}

/* One segment of "/v1/accounts/{account}:push". */
static bool segment_matches(struct slice template, struct slice segment)
{
    const char *close = memchr(template.data, '}', template.len);
    struct slice suffix;

    if (close == NULL)
        return slice_equal(template, segment);
    suffix = slice_from(template, (size_t)(close - template.data) + 1);
    if (!slice_ends(segment, suffix) || segment.len <= suffix.len)
        return false;
    segment.len -= suffix.len;
    return memchr(segment.data, ':', segment.len) == NULL;
}

static bool path_matches(const char *template, struct slice path)
{
    struct slice left = slice_of(template), a, b;

    for (;;) {
        bool more_left = slice_cut(&left, '/', &a), more_right = slice_cut(&path, '/', &b);

        if (more_left != more_right)
            return false;
        if (!more_left)
            return true;
        if (!segment_matches(a, b))
            return false;
    }
}

/* The first that matches, as the program looks for its route. */
static const json_t *find_operation(const char *method, const char *path)
{
    struct slice bare = slice_make(path, strcspn(path, "?"));
    const char *template, *name;
    json_t *item, *operation;

    json_object_foreach(json_object_get(document, "paths"), template, item)
    {
        if (!path_matches(template, bare))
            continue;
        json_object_foreach(item, name, operation)
        {
            if (strcasecmp(name, method) == 0)
                return operation;
        }
    }
    return NULL;
}

static bool holds(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    }
    return false;
}

static bool declares_media(const json_t *response, const char *media)
{
    const json_t *content = json_object_get(response, "content");
    char bare[64];

    if (media == NULL || content == NULL)
        return media == NULL && content == NULL;
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(media, "; "), media);
    return json_object_get(content, bare) != NULL;
}

bool openapi_declares(const char *method, const char *path, const struct control_reply *reply,
                      char *why, size_t cap)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *code = json_string_value(json_object_get(reply->json, "code")), *media;
    const json_t *operation, *response;
    char status[16], type[128];

    pthread_once(&once, load);
    operation = find_operation(method, path);
    if (reply->status == 0 || operation == NULL)
        return true;
    if (reply->status >= 400) {
        snprintf(why, cap, "code %s", code != NULL ? code : "(none)");
        return code != NULL && holds(json_object_get(operation, "x-problem-codes"), code);
    }
    media = control_header(reply, "Content-Type", type, sizeof(type));
    snprintf(status, sizeof(status), "%d", reply->status);
    response = json_object_get(json_object_get(operation, "responses"), status);
    snprintf(why, cap, "status %s, %s", status, media != NULL ? media : "without a body");
    return response != NULL && declares_media(response, media);
}
