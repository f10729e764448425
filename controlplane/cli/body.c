#include "controlplane/cli/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/check.h"
#include "api/base/clock.h"
#include "controlplane/cli/request.h"

enum { MEMBER_MAX = 64, YEARS_MAX_S = 50 * 31536000 };

bool cli_seconds(const char *text, int64_t *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'y', 31536000}};
    size_t len = strlen(text);
    uint64_t value;

    if (strcmp(text, "never") == 0 || strcmp(text, "-1") == 0) {
        *out = -1;
        return true;
    }
    for (size_t i = 0; len > 1 && i < COUNT_OF(units); i++) {
        if (text[len - 1] != units[i].unit)
            continue;
        if (!slice_uint(slice_make(text, len - 1), INT32_MAX, &value))
            return false;
        *out = (int64_t)value * units[i].seconds;
        return true;
    }
    if (!slice_uint(slice_of(text), INT64_MAX, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

/* "-1", "unlimited", "1000", "64KiB", "64MiB", "10GiB" */
static bool read_number(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},  {"TiB", INT64_C(1) << 40},
                 {"KB", 1000},     {"MB", 1000000},  {"GB", 1000000000}};
    struct slice number = slice_of(text);
    int64_t factor = 1;
    uint64_t value;

    if (strcmp(text, "unlimited") == 0 || strcmp(text, "-1") == 0) {
        *out = -1;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (slice_ends(number, slice_of(units[i].unit))) {
            factor = units[i].bytes;
            number.len -= strlen(units[i].unit);
            break;
        }
    }
    if (!slice_uint(number, (uint64_t)(INT64_MAX / factor), &value))
        return false;
    *out = (int64_t)value * factor;
    return true;
}

/* The object that holds the last part of "a/b"; made on the way. */
static json_t *holder(json_t *body, const char *path, char last[MEMBER_MAX])
{
    struct slice rest = slice_of(path), part;

    while (slice_cut(&rest, '/', &part)) {
        json_t *next;

        CHECK(part.len < MEMBER_MAX);
        memcpy(last, part.data, part.len);
        last[part.len] = 0;
        if (rest.data == NULL)
            break;
        next = json_object_get(body, last);
        if (next == NULL) {
            next = json_object();
            CHECK(json_object_set_new(body, last, next) == 0);
        }
        body = next;
    }
    return body;
}

static json_t *list_at(json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name);

    if (list == NULL) {
        list = json_array();
        CHECK(json_object_set_new(object, name, list) == 0);
    }
    return list;
}

/* "a,b": an empty value is an empty list. */
static int add_list(struct cli *cli, json_t *object, const char *name,
                    const struct flag_value *value)
{
    json_t *list = list_at(object, name);
    struct slice rest = slice_of(value->value), part;
    int code;

    while (!slice_empty(rest) && slice_cut(&rest, ',', &part)) {
        const char *text = arena_copy(&cli->arena, part);

        if (value->flag->resolve != NULL)
            text = cli_resolve(cli, value->flag->resolve, text, &code);
        if (text == NULL)
            return code;
        if (json_array_append_new(list, json_string(text)) != 0)
            return cli_fail(EXIT_USAGE, "%s is not UTF-8 text", value->value);
    }
    return EXIT_OK;
}

/* "08:00" and "08:00:00" */
static const char *clock_time(struct cli *cli, struct slice text)
{
    return arena_printf(&cli->arena, "%.*s%s", (int)text.len, text.data,
                        text.len == 5 ? ":00" : "");
}

static int add_ranges(struct cli *cli, json_t *object, const char *name,
                      const struct flag_value *value)
{
    struct slice rest = slice_of(value->value), start;
    json_t *range;

    if (!slice_cut(&rest, '-', &start) || rest.data == NULL)
        return cli_fail(EXIT_USAGE, "--%s wants a range such as 08:00-18:00", value->flag->name);
    range = json_object();
    json_object_set_new(range, "start", json_string(clock_time(cli, start)));
    json_object_set_new(range, "end", json_string(clock_time(cli, rest)));
    CHECK(json_array_append_new(list_at(object, name), range) == 0);
    return EXIT_OK;
}

void cli_expires(json_t *body, unsigned days)
{
    char text[CLOCK_TEXT_MAX];

    clock_format(clock_wall_ns(clock_system()) + (int64_t)days * 86400 * NS_PER_S, 3, text);
    json_object_set_new(body, "expires_at", json_string(text));
}

/* "90d" from now, or the time itself. */
static int add_time(json_t *object, const char *name, const struct flag_value *value)
{
    int64_t seconds, at;
    char text[CLOCK_TEXT_MAX];

    if (clock_parse(value->value, &at) != 0) {
        if (!cli_seconds(value->value, &seconds) || seconds < 0 || seconds > YEARS_MAX_S)
            return cli_fail(EXIT_USAGE, "--%s wants a time such as 90d or 2027-01-31T00:00:00Z",
                            value->flag->name);
        at = clock_wall_ns(clock_system()) + seconds * NS_PER_S;
    }
    clock_format(at, 3, text);
    CHECK(json_object_set_new(object, name, json_string(text)) == 0);
    return EXIT_OK;
}

/* NAME=VALUE into an object. */
static int add_pair(struct cli *cli, json_t *object, const char *name,
                    const struct flag_value *value)
{
    const char *equals = strchr(value->value, '=');
    json_t *map = json_object_get(object, name), *item;
    const char *key;
    int64_t number;

    if (equals == NULL || equals == value->value)
        return cli_fail(EXIT_USAGE, "--%s wants NAME=VALUE", value->flag->name);
    if (strcmp(name, ".") == 0)
        map = object;
    if (map == NULL) {
        map = json_object();
        CHECK(json_object_set_new(object, name, map) == 0);
    }
    key = arena_copy(&cli->arena, slice_make(value->value, (size_t)(equals - value->value)));
    if (value->flag->kind == FLAG_MAP) {
        item = json_string(equals + 1);
    } else if (strcmp(equals + 1, "true") == 0 || strcmp(equals + 1, "false") == 0) {
        item = json_boolean(equals[1] == 't');
    } else if (read_number(equals + 1, &number)) {
        item = json_integer(number);
    } else {
        return cli_fail(EXIT_USAGE, "--%s %s: a number, a size such as 64MiB, true or false",
                        value->flag->name, value->value);
    }
    return json_object_set_new(map, key, item) == 0
               ? EXIT_OK
               : cli_fail(EXIT_USAGE, "%s is not UTF-8 text", value->value);
}

/* NAME=null in the object of FLAG_LIMITS. */
static int add_unset(json_t *object, const char *name, const char *value)
{
    json_t *map = strcmp(name, ".") == 0 ? object : json_object_get(object, name);

    if (map == NULL) {
        map = json_object();
        CHECK(json_object_set_new(object, name, map) == 0);
    }
    return json_object_set_new(map, value, json_null()) == 0
               ? EXIT_OK
               : cli_fail(EXIT_USAGE, "%s is not UTF-8 text", value);
}

static int add_text(struct cli *cli, json_t *object, const char *name,
                    const struct flag_value *value)
{
    const char *text = value->value;
    int code = EXIT_OK;

    if (value->flag->resolve != NULL) {
        text = cli_resolve(cli, value->flag->resolve, text, &code);
        if (text == NULL)
            return code;
    }
    return json_object_set_new(object, name, json_string(text)) == 0
               ? EXIT_OK
               : cli_fail(EXIT_USAGE, "%s is not UTF-8 text", value->value);
}

static int add_value(struct cli *cli, json_t *body, const struct flag_value *value)
{
    const struct flag *flag = value->flag;
    char name[MEMBER_MAX], fallback[MEMBER_MAX];
    int64_t number;
    json_t *object;

    snprintf(fallback, sizeof(fallback), "%s", flag->name);
    for (char *c = fallback; *c != 0; c++)
        *c = *c == '-' ? '_' : *c;
    object = holder(body, flag->member != NULL ? flag->member : fallback, name);
    switch (flag->kind) {
    case FLAG_TEXT:
        return add_text(cli, object, name, value);
    case FLAG_INT:
        if (!read_number(value->value, &number))
            return cli_fail(EXIT_USAGE, "--%s wants a number", flag->name);
        CHECK(json_object_set_new(object, name, json_integer(number)) == 0);
        return EXIT_OK;
    case FLAG_TIME_S:
        if (!cli_seconds(value->value, &number))
            return cli_fail(EXIT_USAGE, "--%s wants a time such as 90d, 12h or never", flag->name);
        CHECK(json_object_set_new(object, name, json_integer(number)) == 0);
        return EXIT_OK;
    case FLAG_TRUE:
        CHECK(json_object_set_new(object, name, json_boolean(value->value[0] == 't')) == 0);
        return EXIT_OK;
    case FLAG_LIST:
        return add_list(cli, object, name, value);
    case FLAG_RANGES:
        return add_ranges(cli, object, name, value);
    case FLAG_TIME_AT:
        return add_time(object, name, value);
    case FLAG_MAP:
    case FLAG_LIMITS:
        return add_pair(cli, object, name, value);
    case FLAG_UNSET:
        return add_unset(object, name, value->value);
    case FLAG_QUERY:
    case FLAG_LOCAL:
    case FLAG_SWITCH:
        return EXIT_OK;
    }
    CHECK_UNREACHABLE("flag kind");
}

/* Is the argument part of the path? */
static bool in_path(const char *path, struct slice argument)
{
    char braces[MEMBER_MAX];

    CHECK(argument.len + 3 <= sizeof(braces));
    snprintf(braces, sizeof(braces), "{%.*s}", (int)argument.len, argument.data);
    for (char *c = braces; *c != 0; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return strstr(path, braces) != NULL;
}

static int add_arguments(struct cli *cli, json_t *body)
{
    struct slice rest = slice_of(cli->command->arguments), word;

    for (size_t i = 0; i < cli->argument_count && slice_cut(&rest, ' ', &word); i++) {
        char name[MEMBER_MAX];

        word = cli_argument_name(word);
        if (in_path(cli->command->path, word))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)word.len, word.data);
        for (char *c = name; *c != 0; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        if (json_object_set_new(body, name, json_string(cli->arguments[i])) != 0)
            return cli_fail(EXIT_USAGE, "%s is not UTF-8 text", cli->arguments[i]);
    }
    return EXIT_OK;
}

int cli_make_body(struct cli *cli, json_t **body)
{
    json_t *object = json_object();
    int code = add_arguments(cli, object);

    for (size_t i = 0; i < cli->value_count && code == EXIT_OK; i++) {
        enum flag_kind kind = cli->values[i].flag->kind;

        if (kind != FLAG_QUERY && kind != FLAG_LOCAL && kind != FLAG_SWITCH)
            code = add_value(cli, object, &cli->values[i]);
    }
    if (code != EXIT_OK ||
        (json_object_size(object) == 0 && !(cli->command->flags_set & COMMAND_BODY))) {
        json_decref(object);
        return code;
    }
    *body = object;
    return EXIT_OK;
}
