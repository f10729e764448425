/*
 * How a text becomes a tree:
 *
 *   parse_text   a whole file, or the value of an environment variable: the top map
 *   parse_map    key, separator, value, end of the value; again
 *   parse_value  a map, a list, or one word of config_scan
 *   lookup       a $variable: the maps that are open, from the innermost; the environment
 *   include      another file, whose keys become ours
 *
 * A child is linked into its map when its value is complete, so that a variable never sees
 * half of one.  Of two children with the same key the last stays.
 *
 * Recursion is bounded by CONFIG_NESTING_MAX and CONFIG_INCLUDE_DEPTH_MAX.
 */
#include "api/base/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/clock.h"
#include "api/base/config_scan.h"
#include "api/base/map.h"
#include "api/base/mem.h"

/* A text on the way into another: the files that include, the variables that refer. */
struct source {
    const struct source *up;
    const char *file;     /* as named */
    const char *folder;   /* of includes; NULL: none allowed */
    const char *variable; /* NULL: a file */
    unsigned depth;
};

/* The maps that are open, innermost first. */
struct scope {
    const struct scope *up;
    struct config_node *map;
    struct config_node **tail;
    size_t count;
};

struct parser {
    const struct source *source;
    struct config_scan scan;
    struct arena *arena;
    struct config_error *error; /* may be NULL */
    unsigned nesting;
};

static enum result parse_value(struct parser *parser, const struct scope *scope, bool in_list,
                               struct config_node *node);
static enum result parse_text(struct slice text, const struct source *source, struct arena *arena,
                              struct config_node *root, struct config_error *error);

/* A sentence for a human; the place is the scanner's. */
static enum result __attribute__((format(printf, 3, 4)))
fail(struct parser *parser, enum result rc, const char *format, ...)
{
    struct config_error *error = parser->error;
    va_list args;

    if (error == NULL)
        return rc;
    *error = (struct config_error){.line = parser->scan.line,
                                   .column = config_scan_column(&parser->scan)};
    snprintf(error->file, sizeof(error->file), "%s", parser->source->file);
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return rc;
}

/* What tools look for in the text of a syntax error is its beginning. */
static enum result syntax(struct parser *parser, const char *what)
{
    return fail(parser, ERR_SYNTAX, "Parse error on line %d: '%s'", parser->scan.line, what);
}

/* Passes on what the scanner said. */
static enum result scanned(struct parser *parser, enum result rc)
{
    if (rc == OK || parser->error == NULL)
        return rc;
    (void)fail(parser, rc, "Parse error on line %d: '%s'", parser->scan.error_line,
               parser->scan.message);
    parser->error->line = parser->scan.error_line;
    parser->error->column = parser->scan.error_column;
    return rc;
}

/*
 * Maps.
 */

static struct config_node *find_exact(const struct config_node *map, const char *key)
{
    struct config_node *found = NULL;

    for (struct config_node *child = map->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0)
            found = child;
    return found;
}

static void add_child(struct scope *scope, struct config_node *child)
{
    child->next = NULL;
    *scope->tail = child;
    scope->tail = &child->next;
    scope->count++;
}

struct seen {
    struct map_link link;
    bool again; /* a later child has the same key */
};

/* Leaves only the last of each key; the map is complete. */
static void drop_repeated(struct scope *scope)
{
    struct seen *seen = mem_alloc_array(scope->count, sizeof(*seen));
    struct config_node **at = &scope->map->first;
    struct map keys = {0};
    size_t i = 0;

    for (struct config_node *child = *at; child != NULL; child = child->next, i++) {
        struct map_link *before = map_find(&keys, slice_of(child->key));

        if (before != NULL) {
            map_entry(before, struct seen, link)->again = true;
            map_remove(&keys, before);
        }
        CHECK(map_insert(&keys, &seen[i].link, slice_of(child->key)));
    }
    for (i = 0; *at != NULL; i++) {
        if (seen[i].again)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    map_fini(&keys);
    mem_free(seen);
}

/*
 * Files.
 */

/* strerror without its capital, as it stands inside a sentence. */
static const char *reason(int error, char out[64])
{
    snprintf(out, 64, "%s", strerror(error));
    out[0] = (char)tolower((unsigned char)out[0]);
    return out;
}

static enum result fill(int fd, struct buf *out)
{
    for (;;) {
        char *room = buf_reserve(out, 64 << 10);
        ssize_t len;

        if (room == NULL)
            return ERR_LIMIT;
        len = read(fd, room, 64 << 10);
        if (len > 0)
            buf_commit(out, (size_t)len);
        else if (len == 0)
            return OK;
        else if (errno != EINTR)
            return ERR_IO;
    }
}

static enum result read_file(const char *path, struct buf *out, char message[256])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char why[64];
    enum result rc;

    if (fd < 0) {
        rc = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        snprintf(message, 256, "open %s: %s", path, reason(errno, why));
        return rc;
    }
    rc = fill(fd, out);
    if (rc == ERR_LIMIT)
        snprintf(message, 256, "%s is larger than %d MiB", path, CONFIG_FILE_MAX >> 20);
    else if (rc != OK)
        snprintf(message, 256, "read %s: %s", path, reason(errno, why));
    close(fd);
    return rc;
}

/* The folder of a path, for what it includes. */
static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return ".";
    return slash == path ? "/" : arena_copy(arena, slice_make(path, (size_t)(slash - path)));
}

/* Relative to the including file's folder, and so is one that begins with a slash if it is there.
 */
static const char *find_file(struct arena *arena, const char *folder, const char *path)
{
    const char *inside = strcmp(folder, ".") == 0 ? path + strspn(path, "/")
                                                  : arena_printf(arena, "%s/%s", folder, path);

    return path[0] == '/' && access(inside, F_OK) != 0 ? path : inside;
}

/* The file's keys are added to the map. */
static enum result include(struct parser *parser, struct scope *scope, const char *path)
{
    const struct source *up = parser->source;
    struct source source = {.up = up, .depth = up->depth + 1};
    struct config_node root = {0};
    struct buf text;
    char message[256];
    enum result rc;

    if (up->folder == NULL)
        return fail(parser, ERR_NOT_FOUND, "include is not possible here: %s", path);
    if (source.depth > CONFIG_INCLUDE_DEPTH_MAX)
        return fail(parser, ERR_LIMIT, "includes are nested deeper than %d: %s",
                    CONFIG_INCLUDE_DEPTH_MAX, path);
    path = find_file(parser->arena, up->folder, path);
    for (const struct source *outer = up; outer != NULL; outer = outer->up)
        if (outer->variable == NULL && strcmp(outer->file, path) == 0)
            return fail(parser, ERR_LIMIT, "a file includes itself: %s", path);
    source.file = path;
    source.folder = folder_of(parser->arena, path);
    buf_init(&text, CONFIG_FILE_MAX + (64 << 10));
    rc = read_file(path, &text, message);
    if (rc != OK) {
        rc = fail(parser, rc, "error parsing include file '%s', %s", path, message);
        goto out;
    }
    rc = parse_text(buf_slice(&text), &source, parser->arena, &root, parser->error);
    for (struct config_node *child = root.first, *next; rc == OK && child != NULL; child = next) {
        next = child->next;
        add_child(scope, child);
    }
out:
    buf_fini(&text);
    return rc;
}

/*
 * Variables.
 */

static void copy_value(struct config_node *to, const struct config_node *from)
{
    struct config_node copy = *from;

    copy.key = to->key;
    copy.file = to->file;
    copy.line = to->line;
    copy.column = to->column;
    copy.next = NULL;
    copy.used = false;
    *to = copy;
}

/* The environment's text is read as a value of a configuration: number, list, ... */
static enum result from_environment(struct parser *parser, const char *name, const char *text,
                                    struct config_node *node)
{
    struct source source = {
        .up = parser->source, .variable = name, .depth = parser->source->depth + 1};
    struct config_node root = {0}, *found;
    enum result rc;

    for (const struct source *up = parser->source; up != NULL; up = up->up)
        if (up->variable != NULL && strcmp(up->variable, name) == 0)
            return fail(parser, ERR_SYNTAX, "variable reference cycle for '%s'", name);
    if (source.depth > CONFIG_INCLUDE_DEPTH_MAX)
        return fail(parser, ERR_LIMIT, "variables refer to one another too deep: '%s'", name);
    source.file = arena_printf(parser->arena, "$%s", name);
    text = arena_printf(parser->arena, "%s=%s", name, text);
    rc = parse_text(slice_of(text), &source, parser->arena, &root, parser->error);
    if (rc != OK)
        return rc;
    found = find_exact(&root, name);
    if (found == NULL)
        return fail(parser, ERR_SYNTAX, "variable reference for '%s' on line %d has no value", name,
                    parser->scan.line);
    copy_value(node, found);
    return OK;
}

static enum result lookup(struct parser *parser, const struct scope *scope, const char *name,
                          struct config_node *node)
{
    const char *text;

    for (; scope != NULL; scope = scope->up) {
        struct config_node *found = find_exact(scope->map, name);

        if (found != NULL) {
            found->used = true;
            copy_value(node, found);
            return OK;
        }
    }
    text = name[0] != '\0' ? getenv(name) : NULL;
    if (text != NULL)
        return from_environment(parser, name, text, node);
    return fail(parser, ERR_NOT_FOUND, "variable reference for '%s' on line %d can not be found",
                name, parser->scan.line);
}

/*
 * Values.
 */

static enum result parse_word(struct parser *parser, const struct scope *scope, bool in_list,
                              struct config_node *node)
{
    struct scan_value value;
    enum result rc = scanned(parser, config_scan_value(&parser->scan, in_list, &value));

    if (rc != OK)
        return rc;
    switch (value.kind) {
    case SCAN_STRING:
        node->kind = CONFIG_STRING;
        node->string = value.string;
        node->quoted = value.quoted;
        break;
    case SCAN_INT:
        node->kind = CONFIG_INT;
        node->integer = value.integer;
        break;
    case SCAN_FLOAT:
        node->kind = CONFIG_FLOAT;
        node->real = value.real;
        break;
    case SCAN_BOOL:
        node->kind = CONFIG_BOOL;
        node->boolean = value.boolean;
        break;
    case SCAN_TIME:
        node->kind = CONFIG_TIME;
        node->time_ns = value.time_ns;
        break;
    case SCAN_VARIABLE:
        return lookup(parser, scope, value.string, node);
    }
    return OK;
}

static struct config_node *new_node(struct parser *parser, const char *key)
{
    struct config_node *node = arena_alloc(parser->arena, sizeof(*node));

    node->key = key;
    node->file = parser->source->file;
    node->line = parser->scan.line;
    node->column = config_scan_column(&parser->scan);
    return node;
}

/* Behind the opening bracket. */
static enum result parse_list(struct parser *parser, const struct scope *scope,
                              struct config_node *node)
{
    struct config_scan *scan = &parser->scan;
    struct config_node **tail = &node->first;

    node->kind = CONFIG_LIST;
    for (;;) {
        struct config_node *entry;
        enum result rc;

        do
            config_scan_spaces(scan);
        while (config_scan_comment(scan));
        if (config_scan_take(scan, ']'))
            return OK;
        if (config_scan_peek(scan) == ',')
            return syntax(parser, "a comma without an entry before it");
        entry = new_node(parser, NULL);
        rc = parse_value(parser, scope, true, entry);
        if (rc != OK)
            return rc;
        *tail = entry;
        tail = &entry->next;

        config_scan_blanks(scan);
        while (config_scan_comment(scan))
            config_scan_blanks(scan);
        if (config_scan_take(scan, ',') || config_scan_take(scan, '\n') ||
            config_scan_take(scan, '\r') || config_scan_peek(scan) == ']')
            continue;
        return syntax(parser,
                      config_scan_peek(scan) == SCAN_END
                          ? "the file ends inside a list"
                          : "the entries of a list want a comma or a line end between them");
    }
}

/* A key (or an include) and what belongs to it; `top`: not inside of { }. */
static enum result parse_entry(struct parser *parser, struct scope *scope, bool top)
{
    struct config_scan *scan = &parser->scan;
    struct config_node *node = new_node(parser, NULL);
    const char *path;
    bool bare, separated;
    enum result rc;

    if (top && config_scan_peek(scan) == '/')
        return syntax(parser, "a comment wants two slashes");
    rc = scanned(parser, config_scan_key(scan, &node->key, &bare));
    if (rc != OK)
        return rc;
    node->column += !bare; /* the key itself: behind its quote */
    if (bare && config_scan_at_space(scan) && config_scan_peek(scan) != SCAN_END &&
        strcasecmp(node->key, "include") == 0) {
        config_scan_blanks(scan);
        rc = scanned(parser, config_scan_path(scan, &path));
        return rc != OK ? rc : include(parser, scope, path);
    }
    config_scan_spaces(scan);
    if (config_scan_peek(scan) == SCAN_END)
        return top ? fail(parser, ERR_SYNTAX,
                          "config is invalid (%s:%d:%d): the key '%.64s' has no value", node->file,
                          node->line, node->column, node->key)
                   : syntax(parser, "the file ends inside a map");
    separated = config_scan_take(scan, '=') || config_scan_take(scan, ':');
    if (separated && top) {
        config_scan_blanks(scan);
        if (config_scan_peek(scan) == '\n' || config_scan_peek(scan) == '\r')
            return syntax(parser, "a value is missing before the end of the line");
    } else {
        config_scan_spaces(scan);
    }
    if (!top && (config_scan_peek(scan) == ',' || config_scan_peek(scan) == '}'))
        return syntax(parser, "a key without a value");
    rc = parse_value(parser, scope, false, node);
    if (rc == OK)
        add_child(scope, node);
    return rc;
}

/* What may stand behind a value; `braces`: those open around the top map, NULL inside of one. */
static enum result parse_end(struct parser *parser, unsigned *braces)
{
    struct config_scan *scan = &parser->scan;
    int c;

    config_scan_blanks(scan);
    while (config_scan_comment(scan))
        config_scan_blanks(scan);
    if (config_scan_take(scan, ';') || config_scan_take(scan, ',') ||
        config_scan_take(scan, '\n') || config_scan_take(scan, '\r'))
        return OK;
    c = config_scan_peek(scan);
    if (c == '}' && braces != NULL) {
        config_scan_next(scan);
        *braces -= *braces > 0;
        return OK;
    }
    if (c == '}' || (c == SCAN_END && braces != NULL && *braces == 0))
        return OK;
    return syntax(parser, c == SCAN_END
                              ? "the file ends inside a map"
                              : "behind a value there is more on the line than belongs to it");
}

/* Behind the opening brace. */
static enum result parse_map(struct parser *parser, const struct scope *up,
                             struct config_node *node)
{
    struct scope scope = {.up = up, .map = node, .tail = &node->first};
    struct config_scan *scan = &parser->scan;
    enum result rc = OK;

    node->kind = CONFIG_MAP;
    while (rc == OK) {
        do
            config_scan_spaces(scan);
        while (config_scan_comment(scan));
        if (config_scan_take(scan, '}')) {
            drop_repeated(&scope);
            return OK;
        }
        if (config_scan_peek(scan) == SCAN_END)
            return syntax(parser, "the file ends inside a map");
        if (config_scan_peek(scan) == ']')
            return syntax(parser, "a list ends inside a map");
        rc = parse_entry(parser, &scope, false);
        if (rc == OK)
            rc = parse_end(parser, NULL);
    }
    return rc;
}

static enum result parse_value(struct parser *parser, const struct scope *scope, bool in_list,
                               struct config_node *node)
{
    char opening = (char)config_scan_peek(&parser->scan);
    enum result rc;

    if (opening != '{' && opening != '[')
        return parse_word(parser, scope, in_list, node);
    if (parser->nesting == CONFIG_NESTING_MAX)
        return fail(parser, ERR_LIMIT, "maps and lists are nested deeper than %d",
                    CONFIG_NESTING_MAX);
    config_scan_next(&parser->scan);
    parser->nesting++;
    rc = opening == '{' ? parse_map(parser, scope, node) : parse_list(parser, scope, node);
    parser->nesting--;
    return rc;
}

/*
 * The top map.  There may be braces around it, or around parts of it; a last one may be
 * missing or be one too many.
 */
static enum result parse_top(struct parser *parser, struct config_node *root)
{
    struct scope scope = {.map = root, .tail = &root->first};
    struct config_scan *scan = &parser->scan;
    bool too_many = false;
    unsigned braces = 0;
    enum result rc = OK;

    while (rc == OK) {
        do
            config_scan_spaces(scan);
        while (config_scan_comment(scan));
        if (config_scan_peek(scan) == SCAN_END)
            break;
        if (too_many)
            return syntax(parser, "there is something behind the closing brace");
        if (config_scan_take(scan, '{')) {
            braces++;
        } else if (config_scan_take(scan, '}')) {
            too_many = braces == 0;
            braces -= braces > 0;
        } else {
            rc = parse_entry(parser, &scope, true);
            if (rc == OK)
                rc = parse_end(parser, &braces);
        }
    }
    if (rc == OK)
        drop_repeated(&scope);
    return rc;
}

static enum result parse_text(struct slice text, const struct source *source, struct arena *arena,
                              struct config_node *root, struct config_error *error)
{
    struct parser parser = {.source = source, .arena = arena, .error = error};
    const char *zero = text.len > 0 ? memchr(text.data, '\0', text.len) : NULL;

    *root = (struct config_node){.kind = CONFIG_MAP, .file = source->file, .line = 1, .column = 1};
    config_scan_init(&parser.scan, text, arena);
    if (zero != NULL) {
        while (parser.scan.at < (size_t)(zero - text.data))
            config_scan_next(&parser.scan);
        return syntax(&parser, "a zero byte: this is not a text");
    }
    return parse_top(&parser, root);
}

enum result config_parse(struct slice text, const char *file, const char *folder,
                         struct arena *arena, struct config_node **root, struct config_error *error)
{
    struct source source = {.file = arena_strdup(arena, file),
                            .folder = folder != NULL ? arena_strdup(arena, folder) : NULL};
    struct config_node *node = arena_alloc(arena, sizeof(*node));
    enum result rc = parse_text(text, &source, arena, node, error);

    if (rc == OK)
        *root = node;
    return rc;
}

enum result config_parse_file(const char *path, struct arena *arena, struct config_node **root,
                              struct config_error *error)
{
    char message[256];
    struct buf text;
    enum result rc;

    buf_init(&text, CONFIG_FILE_MAX + (64 << 10));
    rc = read_file(path, &text, message);
    if (rc == OK) {
        rc = config_parse(buf_slice(&text), path, folder_of(arena, path), arena, root, error);
    } else if (error != NULL) {
        *error = (struct config_error){0};
        snprintf(error->file, sizeof(error->file), "%s", path);
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    buf_fini(&text);
    return rc;
}

struct config_node *config_get(const struct config_node *map, const char *key)
{
    struct config_node *found = NULL;

    CHECK(map->kind == CONFIG_MAP);
    for (struct config_node *child = map->first; child != NULL; child = child->next)
        if (strcasecmp(child->key, key) == 0)
            found = child;
    return found;
}

size_t config_count(const struct config_node *node)
{
    size_t count = 0;

    CHECK(node->kind == CONFIG_MAP || node->kind == CONFIG_LIST);
    for (const struct config_node *child = node->first; child != NULL; child = child->next)
        count++;
    return count;
}

/*
 * Durations.
 */

/* The unit at the front of *text, in nanoseconds; 0 if there is none. */
static int64_t take_unit(const char **text)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"ns", 1},         {"us", NS_PER_US}, {"\xc2\xb5s", NS_PER_US}, {"\xce\xbcs", NS_PER_US},
        {"ms", NS_PER_MS}, {"s", NS_PER_S},   {"m", 60 * NS_PER_S},     {"h", 3600 * NS_PER_S},
    };

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        size_t len = strlen(units[i].name);

        if (strncmp(*text, units[i].name, len) == 0) {
            *text += len;
            return units[i].ns;
        }
    }
    return 0;
}

/* A count with its unit ("1.5h") is added to *total. */
static enum result take_duration(const char **text, int64_t *total)
{
    double fraction = 0, place = 1;
    int64_t whole = 0, unit;
    bool digits = false, fits = true;

    for (; isdigit((unsigned char)**text); (*text)++, digits = true)
        fits = fits && !__builtin_mul_overflow(whole, 10, &whole) &&
               !__builtin_add_overflow(whole, **text - '0', &whole);
    if (**text == '.')
        for ((*text)++; isdigit((unsigned char)**text); (*text)++, digits = true)
            fraction += (**text - '0') * (place /= 10);
    if (!digits || (unit = take_unit(text)) == 0)
        return ERR_SYNTAX;
    fits = fits && !__builtin_mul_overflow(whole, unit, &whole) &&
           !__builtin_add_overflow(whole, (int64_t)(fraction * (double)unit + 0.5), &whole) &&
           !__builtin_add_overflow(*total, whole, total);
    return fits ? OK : ERR_INVALID;
}

/* "1h30m", "1.5s", "-2ms". */
static enum result parse_duration(const char *text, int64_t *ns)
{
    bool negative = *text == '-';
    int64_t total = 0;

    if (*text == '-' || *text == '+')
        text++;
    if (strcmp(text, "0") != 0) {
        do {
            enum result rc = take_duration(&text, &total);

            if (rc != OK)
                return rc;
        } while (*text != '\0');
    }
    *ns = negative ? -total : total;
    return OK;
}

enum result config_duration(const struct config_node *node, int64_t *ns)
{
    switch (node->kind) {
    case CONFIG_INT:
        return __builtin_mul_overflow(node->integer, NS_PER_S, ns) ? ERR_INVALID : OK;
    case CONFIG_FLOAT:
        if (!(node->real > -9e9 && node->real < 9e9))
            return ERR_INVALID;
        *ns = (int64_t)(node->real * (double)NS_PER_S);
        return OK;
    case CONFIG_STRING:
        return parse_duration(node->string, ns);
    default:
        return ERR_SYNTAX;
    }
}
