#include "api/nats/claims_validate.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/buf.h"
#include "api/base/check.h"
#include "api/base/slice.h"
#include "api/nats/jwt.h"
#include "api/nats/limits.h"
#include "api/nats/nkey.h"
#include "api/nats/subject.h"

struct report {
    struct arena *arena;
    struct claims_issue *items;
    size_t count, cap;
    bool lenient; /* nothing blocks: mistakes are warnings */
};

static void __attribute__((format(printf, 3, 4)))
issue(struct report *report, enum claims_issue_level level, const char *format, ...)
{
    struct buf text = {0};
    va_list args;

    if (report->lenient)
        level = CLAIMS_WARNING;
    if (report->count == report->cap) {
        struct claims_issue *more;

        report->cap = report->cap > 0 ? 2 * report->cap : 8;
        more = arena_alloc_array(report->arena, report->cap, sizeof(*more));
        if (report->count > 0)
            memcpy(more, report->items, report->count * sizeof(*more));
        report->items = more;
    }
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    report->items[report->count++] =
        (struct claims_issue){level, arena_copy(report->arena, buf_slice(&text))};
    buf_fini(&text);
}

#define error(report, ...) issue((report), CLAIMS_ERROR, __VA_ARGS__)
#define warning(report, ...) issue((report), CLAIMS_WARNING, __VA_ARGS__)

static const char *shown(const char *text)
{
    return text != NULL ? text : "";
}

static bool is_key(const char *text, enum nkey_kind kind)
{
    return text != NULL && nkey_is(slice_of(text), kind);
}

/*
 * Single rules.
 */

bool claims_cidr_valid(const char *text)
{
    const char *slash = strchr(text, '/');
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    uint64_t bits;
    size_t len;

    if (slash == NULL)
        return false;
    len = (size_t)(slash - text);
    if (len >= sizeof(address) || !slice_uint(slice_of(slash + 1), 128, &bits))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, bytes) == 1)
        return bits <= 32;
    return inet_pton(AF_INET6, address, bytes) == 1;
}

static bool two_digits(const char *text, unsigned max)
{
    uint64_t value;

    return slice_uint(slice_make(text, 2), max, &value);
}

bool claims_time_valid(const char *text)
{
    return strlen(text) == 8 && text[2] == ':' && text[5] == ':' && two_digits(text, 23) &&
           two_digits(text + 3, 59) && two_digits(text + 6, 59);
}

bool claims_zone_valid(const char *text)
{
    char path[256];
    int len;

    if (strcmp(text, "UTC") == 0 || strcmp(text, "Local") == 0)
        return true;
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr("_+-/", *at) == NULL && !(*at >= '0' && *at <= '9') &&
            !((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z'))
            return false;
    }
    len = snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", text);
    return text[0] >= 'A' && text[0] <= 'Z' && (size_t)len < sizeof(path) &&
           access(path, R_OK) == 0;
}

bool claims_connection_type_valid(const char *text)
{
    static const char *const words[] = {
        "STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS",
    };

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (slice_equal_nocase(slice_of(text), slice_of(words[i])))
            return true;
    }
    return false;
}

/* A placeholder of a template counts as one character, whatever is in it. */
static struct slice without_placeholders(const char *text, struct buf *buf)
{
    const char *open, *close;

    while ((open = strstr(text, "{{")) != NULL && (close = strstr(open, "}}")) != NULL) {
        buf_add(buf, text, (size_t)(open - text));
        buf_add_char(buf, 'x');
        text = close + 2;
    }
    buf_add_text(buf, text);
    return buf_slice(buf);
}

static bool subject_ok(struct slice subject)
{
    return subject_valid(subject) && subject_clean(subject);
}

bool claims_subject_valid(const char *text)
{
    return subject_ok(slice_of(text));
}

static bool entry_valid(const char *text, bool queues)
{
    struct buf buf = {0};
    struct slice rest = without_placeholders(text, &buf), subject, queue = {0}, extra;
    bool valid;

    valid = slice_cut(&rest, ' ', &subject) && subject_ok(subject);
    if (slice_cut(&rest, ' ', &queue))
        valid &= queues && subject_ok(queue) && !slice_cut(&rest, ' ', &extra);
    buf_fini(&buf);
    return valid;
}

bool claims_pub_entry_valid(const char *text)
{
    return entry_valid(text, false);
}

bool claims_sub_entry_valid(const char *text)
{
    return entry_valid(text, true);
}

/*
 * Parts that several types have.
 */

static void check_entries(struct report *report, const char *what, const struct strings *list,
                          bool (*valid)(const char *text))
{
    for (size_t i = 0; i < list->count; i++) {
        if (!valid(list->items[i]))
            error(report, "%s: \"%s\" is not a valid subject", what, list->items[i]);
    }
}

static void check_permissions(struct report *report, const struct claims_permissions *permissions)
{
    check_entries(report, "publish allow", &permissions->pub.allow, claims_pub_entry_valid);
    check_entries(report, "publish deny", &permissions->pub.deny, claims_pub_entry_valid);
    check_entries(report, "subscribe allow", &permissions->sub.allow, claims_sub_entry_valid);
    check_entries(report, "subscribe deny", &permissions->sub.deny, claims_sub_entry_valid);
}

static void check_limit(struct report *report, const char *name, int64_t value)
{
    if (value < CLAIMS_UNLIMITED)
        error(report, "limit \"%s\" is %" PRId64 ", less than -1", name, value);
}

static void check_nats_limits(struct report *report, const struct claims_nats_limits *limits)
{
    check_limit(report, "subs", limits->subs);
    check_limit(report, "data", limits->data);
    check_limit(report, "payload", limits->payload);
}

static void check_times(struct report *report, const struct claims_user_limits *limits)
{
    for (size_t i = 0; i < limits->times.count; i++) {
        const struct claims_time_range *range = &limits->times.items[i];

        if (!slice_given(range->start) || !slice_given(range->end))
            error(report, "a time range has no start or no end");
        else if (!claims_time_valid(range->start) || !claims_time_valid(range->end))
            error(report, "time range \"%s\" to \"%s\" is not HH:MM:SS", range->start, range->end);
        else if (strcmp(range->start, range->end) == 0)
            error(report, "time range \"%s\" to \"%s\" is empty", range->start, range->end);
    }
    if (slice_given(limits->times_location) && !claims_zone_valid(limits->times_location))
        error(report, "time zone \"%s\" is not known", limits->times_location);
}

/* One unknown type is somebody's newer server; nothing but unknown ones lets nobody in. */
static void check_connection_types(struct report *report, const struct strings *list)
{
    size_t known = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (claims_connection_type_valid(list->items[i]))
            known++;
        else
            warning(report, "connection type \"%s\" is not known", list->items[i]);
    }
    if (list->count > 0 && known == 0)
        error(report, "none of the allowed connection types is known");
}

static void check_user_limits(struct report *report, const struct claims_user_limits *limits)
{
    check_permissions(report, &limits->permissions);
    for (size_t i = 0; i < limits->src.count; i++) {
        if (!claims_cidr_valid(limits->src.items[i]))
            error(report, "source \"%s\" is not a network in CIDR form", limits->src.items[i]);
    }
    check_times(report, limits);
    check_nats_limits(report, &limits->nats);
    check_connection_types(report, &limits->allowed_connection_types);
}

static bool url_char(char c)
{
    return c > ' ' && c != '"' && c != '<' && c != '>' && c != 0x7f;
}

/* scheme://something */
static bool is_url(const char *text, size_t *scheme_len)
{
    const char *colon = strstr(text, "://");

    if (colon == NULL || colon == text || colon[3] == '\0')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if (!url_char(*at))
            return false;
    }
    *scheme_len = (size_t)(colon - text);
    return true;
}

static void check_info(struct report *report, const char *description, const char *info_url)
{
    size_t scheme_len;

    if (description != NULL && strlen(description) > CLAIMS_TEXT_MAX)
        error(report, "the description is longer than %d bytes", CLAIMS_TEXT_MAX);
    if (!slice_given(info_url))
        return;
    if (strlen(info_url) > CLAIMS_TEXT_MAX)
        error(report, "the info URL is longer than %d bytes", CLAIMS_TEXT_MAX);
    else if (!is_url(info_url, &scheme_len))
        error(report, "the info URL is not a URL");
}

static void check_revocations(struct report *report, const char *what,
                              const struct int_map *revocations, enum nkey_kind kind)
{
    for (size_t i = 0; i < revocations->count; i++) {
        const char *key = revocations->items[i].key;

        if (strcmp(key, "*") != 0 && !is_key(key, kind)) /* it revokes nobody */
            warning(report, "%s: \"%s\" is neither a key of the right kind nor \"*\"", what, key);
    }
}

/*
 * Accounts.
 */

static void check_latency(struct report *report, const struct claims_export *export)
{
    const struct claims_latency *latency = export->service_latency;

    if (latency == NULL)
        return;
    if (export->type != CLAIMS_SERVICE)
        error(report, "export \"%s\": latency is measured of services only", export->subject);
    if (latency->sampling < 0 || latency->sampling > 100)
        error(report, "export \"%s\": sampling is not between 1 and 100", export->subject);
    if (!slice_given(latency->results) || !claims_subject_valid(latency->results) ||
        !subject_literal(slice_of(latency->results)))
        error(report, "export \"%s\": results go to a subject without wildcards", export->subject);
}

static void check_response(struct report *report, const struct claims_export *export)
{
    static const char *const words[] = {"Singleton", "Stream", "Chunked"};
    bool known = !slice_given(export->response_type);

    for (size_t i = 0; !known && i < COUNT_OF(words); i++)
        known = strcmp(export->response_type, words[i]) == 0;
    if (!known)
        error(report, "export \"%s\": response type is not known", export->subject);
    if (export->type != CLAIMS_SERVICE && slice_given(export->response_type))
        error(report, "export \"%s\": only services respond", export->subject);
    if (export->response_threshold_ns < 0)
        error(report, "export \"%s\": response threshold is negative", export->subject);
    if (export->type != CLAIMS_SERVICE && export->response_threshold_ns != 0)
        error(report, "export \"%s\": only services have a response threshold", export->subject);
}

static void check_token_position(struct report *report, const struct claims_export *export)
{
    struct slice subject = slice_of(export->subject), token;

    if (export->account_token_position == 0)
        return;
    if (export->account_token_position < 0 || export->account_token_position > SUBJECT_TOKENS_MAX) {
        error(report, "export \"%s\": account token position is out of range", export->subject);
        return;
    }
    token = subject_token_at(subject, (unsigned)export->account_token_position);
    if (!slice_equal(token, SLICE("*")))
        error(report, "export \"%s\": account token position is not that of a \"*\"",
              export->subject);
}

static void check_export(struct report *report, const struct claims_export *export)
{
    if (export->type == CLAIMS_NEITHER)
        error(report, "export \"%s\" is neither a stream nor a service", shown(export->subject));
    if (!slice_given(export->subject) || !claims_subject_valid(export->subject)) {
        error(report, "export \"%s\" is not a valid subject", shown(export->subject));
        return;
    }
    if (export->allow_trace && export->type != CLAIMS_SERVICE)
        error(report, "export \"%s\": tracing is allowed of services only", export->subject);
    check_response(report, export);
    check_latency(report, export);
    check_token_position(report, export);
    check_revocations(report, "export revocations", &export->revocations, NKEY_ACCOUNT);
    check_info(report, export->description, export->info_url);
}

static void check_exports(struct report *report, const struct account_claims *account)
{
    const struct claims_export *items = account->exports.items;
    int64_t limit = account->limits.exports;

    for (size_t i = 0; i < account->exports.count; i++) {
        check_export(report, &items[i]);
        if (!slice_given(items[i].subject))
            continue;
        if (!account->limits.wildcards && !subject_literal(slice_of(items[i].subject)))
            warning(report, "export \"%s\": exports with wildcards are not allowed",
                    items[i].subject);
        for (size_t j = 0; j < account->exports.count; j++) {
            if (i == j || items[i].type != items[j].type || !slice_given(items[j].subject) ||
                (j > i && strcmp(items[i].subject, items[j].subject) == 0))
                continue;
            if (subject_subset(slice_of(items[i].subject), slice_of(items[j].subject)))
                error(report, "export \"%s\" is contained in export \"%s\"", items[i].subject,
                      items[j].subject);
        }
    }
    if (limit >= 0 && account->exports.count > (uint64_t)limit)
        error(report, "%zu exports, but no more than %" PRId64 " are allowed",
              account->exports.count, limit);
}

/* Where a service import is reached in the importing account. */
static const char *local_subject(const struct claims_import *import)
{
    if (slice_given(import->local_subject))
        return import->local_subject;
    return slice_given(import->to) ? import->to : import->subject;
}

/* The activation: issued by the exporter for this account, this kind, this subject. */
static void check_token(struct report *report, const struct claims *claims,
                        const struct claims_import *import, int64_t now_s)
{
    struct claims token;
    const char *from;

    if (!slice_given(import->token))
        return;
    if (jwt_decode(slice_of(import->token), report->arena, &token, NULL) != OK ||
        token.type != CLAIMS_ACTIVATION) {
        error(report, "import \"%s\": the token is not an activation", import->subject);
        return;
    }
    from = slice_given(token.activation->issuer_account) ? token.activation->issuer_account
                                                         : token.iss;
    if (strcmp(from, shown(import->account)) != 0)
        error(report, "import \"%s\": the activation is of another account", import->subject);
    if (claims->sub != NULL && strcmp(shown(token.sub), claims->sub) != 0)
        error(report, "import \"%s\": the activation is for another account", import->subject);
    if (token.activation->kind != import->type)
        error(report, "import \"%s\": the activation is of another kind", import->subject);
    if (!slice_given(token.activation->subject) ||
        !claims_subject_valid(token.activation->subject) ||
        !subject_subset(slice_of(import->subject), slice_of(token.activation->subject)))
        error(report, "import \"%s\" is not within what the activation allows", import->subject);
    if (token.exp > 0 && now_s > token.exp)
        issue(report, CLAIMS_TIME, "import \"%s\": the activation is expired", import->subject);
    if (token.nbf > now_s)
        issue(report, CLAIMS_TIME, "import \"%s\": the activation is not valid yet",
              import->subject);
}

static bool ends_in_rest(struct slice subject)
{
    return slice_equal(subject, SLICE(">")) || slice_ends(subject, SLICE(".>"));
}

static uint64_t count_stars(struct slice subject)
{
    struct slice token;
    uint64_t count = 0;

    while (slice_cut(&subject, '.', &token))
        count += slice_equal(token, SLICE("*"));
    return count;
}

/* Every "*" of what is imported is named in the local subject: "$1", or in its turn a "*". */
static bool local_valid(const char *text, struct slice from)
{
    struct slice rest = slice_of(text), token;
    uint64_t stars = count_stars(from), named = 0, number;

    if (!subject_ok(rest) || ends_in_rest(rest) != ends_in_rest(from))
        return false;
    while (slice_cut(&rest, '.', &token)) {
        if (slice_equal(token, SLICE("*")))
            named++;
        else if (slice_starts(token, SLICE("$")) &&
                 slice_uint(slice_from(token, 1), UINT32_MAX, &number)) {
            if (number > stars)
                return false;
            named++;
        }
    }
    return named == stars;
}

static void check_import(struct report *report, const struct claims *claims,
                         const struct claims_import *import, int64_t now_s)
{
    if (import->type == CLAIMS_NEITHER)
        error(report, "import \"%s\" is neither a stream nor a service", shown(import->subject));
    if (!slice_given(import->subject) || !claims_subject_valid(import->subject)) {
        error(report, "import \"%s\" is not a valid subject", shown(import->subject));
        return;
    }
    if (!slice_given(import->account))
        error(report, "import \"%s\" does not say from which account", import->subject);
    else if (!is_key(import->account, NKEY_ACCOUNT)) /* it brings nothing */
        warning(report, "import \"%s\": \"%s\" is not an account's key", import->subject,
                import->account);
    else if (claims->sub != NULL && strcmp(import->account, claims->sub) == 0)
        error(report, "import \"%s\" is from the account itself", import->subject);
    if (slice_given(import->to) && slice_given(import->local_subject))
        error(report, "import \"%s\" has a \"to\" and a local subject", import->subject);
    if (slice_given(import->to) && !claims_subject_valid(import->to))
        error(report, "import \"%s\": \"%s\" is not a valid subject", import->subject, import->to);
    if (slice_given(import->local_subject) &&
        !local_valid(import->local_subject, slice_of(import->subject)))
        error(report, "import \"%s\": \"%s\" is not a subject with the same wildcards",
              import->subject, import->local_subject);
    if (import->share && import->type != CLAIMS_SERVICE)
        error(report, "import \"%s\": only services are told who asks", import->subject);
    if (import->allow_trace && import->type != CLAIMS_STREAM)
        error(report, "import \"%s\": tracing is allowed of streams only", import->subject);
    check_token(report, claims, import, now_s);
}

static void check_imports(struct report *report, const struct claims *claims, int64_t now_s)
{
    const struct account_claims *account = claims->account;
    const struct claims_import *items = account->imports.items;
    int64_t limit = account->limits.imports;

    for (size_t i = 0; i < account->imports.count; i++) {
        check_import(report, claims, &items[i], now_s);
        for (size_t j = 0; j < i; j++) {
            if (items[i].type != CLAIMS_SERVICE || items[j].type != CLAIMS_SERVICE ||
                !slice_given(items[i].subject) || !slice_given(items[j].subject) ||
                strcmp(shown(items[i].account), shown(items[j].account)) != 0)
                continue;
            if (subject_overlap(slice_of(local_subject(&items[i])),
                                slice_of(local_subject(&items[j]))))
                error(report, "service imports \"%s\" and \"%s\" overlap", local_subject(&items[j]),
                      local_subject(&items[i]));
        }
    }
    if (limit >= 0 && account->imports.count > (uint64_t)limit)
        error(report, "%zu imports, but no more than %" PRId64 " are allowed",
              account->imports.count, limit);
}

static void check_js_limits(struct report *report, const struct claims_js_limits *js)
{
    check_limit(report, "mem_storage", js->mem_storage);
    check_limit(report, "disk_storage", js->disk_storage);
    check_limit(report, "streams", js->streams);
    check_limit(report, "consumer", js->consumer);
    check_limit(report, "max_ack_pending", js->max_ack_pending);
    check_limit(report, "mem_max_stream_bytes", js->mem_max_stream_bytes);
    check_limit(report, "disk_max_stream_bytes", js->disk_max_stream_bytes);
}

static void check_limits(struct report *report, const struct claims_account_limits *limits)
{
    static const struct claims_js_limits none;

    check_nats_limits(report, &limits->nats);
    check_limit(report, "imports", limits->imports);
    check_limit(report, "exports", limits->exports);
    check_limit(report, "conn", limits->conn);
    check_limit(report, "leaf", limits->leaf);
    check_js_limits(report, &limits->js);
    for (size_t i = 0; i < limits->tiers.count; i++) {
        if (!slice_given(limits->tiers.items[i].name) ||
            slice_trim(slice_of(limits->tiers.items[i].name)).len == 0)
            error(report, "a tier of JetStream limits has no name");
        check_js_limits(report, &limits->tiers.items[i].limits);
    }
    if (limits->tiers.count > 0 &&
        (limits->js.mem_storage != none.mem_storage || limits->js.disk_storage != 0 ||
         limits->js.streams != 0 || limits->js.consumer != 0 || limits->js.max_ack_pending != 0 ||
         limits->js.mem_max_stream_bytes != 0 || limits->js.disk_max_stream_bytes != 0 ||
         limits->js.max_bytes_required))
        error(report, "JetStream limits are given flat and in tiers");
}

static void check_signing_keys(struct report *report, const struct account_claims *account)
{
    for (size_t i = 0; i < account->signing_keys.count; i++) {
        const struct claims_signing_key *key = &account->signing_keys.items[i];

        if (!is_key(key->key, NKEY_ACCOUNT))
            error(report, "signing key \"%s\" is not an account's key", shown(key->key));
        for (size_t j = 0; j < i; j++) {
            if (strcmp(account->signing_keys.items[j].key, key->key) == 0)
                warning(report, "signing key \"%s\" is there twice", key->key);
        }
        /* A mistake in a scope keeps out those it is for, nobody else. */
        report->lenient = true;
        if (key->template != NULL)
            check_user_limits(report, key->template);
        report->lenient = false;
    }
}

static int64_t weight_of(const struct claims_mapping_destination *destination)
{
    return destination->weight != 0 ? destination->weight : 100;
}

static void check_mapping(struct report *report, const struct claims_mapping *mapping)
{
    if (!claims_subject_valid(mapping->subject))
        error(report, "mapping \"%s\" is not a valid subject", mapping->subject);
    for (size_t i = 0; i < mapping->count; i++) {
        const struct claims_mapping_destination *to = &mapping->items[i];
        int64_t total = 0;
        bool first = true;

        if (!slice_given(to->subject) || !entry_valid(to->subject, false))
            error(report, "mapping \"%s\": \"%s\" is not a valid subject", mapping->subject,
                  shown(to->subject));
        if (to->weight < 0 || to->weight > 100) {
            error(report, "mapping \"%s\": a weight is not between 1 and 100", mapping->subject);
            continue;
        }
        for (size_t j = 0; j < mapping->count; j++) {
            if (strcmp(shown(mapping->items[j].cluster), shown(to->cluster)) != 0)
                continue;
            first &= j >= i;
            total += weight_of(&mapping->items[j]);
        }
        if (first && total > 100)
            error(report, "mapping \"%s\": weights exceed 100 in sum", mapping->subject);
    }
}

static void check_authorization(struct report *report,
                                const struct claims_authorization *authorization)
{
    const struct strings *accounts = &authorization->allowed_accounts;

    if (authorization->auth_users.count == 0 && accounts->count > 0)
        error(report, "external authorization has no users");
    for (size_t i = 0; i < authorization->auth_users.count; i++) {
        if (!is_key(authorization->auth_users.items[i], NKEY_USER))
            error(report, "authorization: \"%s\" is not a user's key",
                  authorization->auth_users.items[i]);
    }
    for (size_t i = 0; i < accounts->count; i++) {
        if (strcmp(accounts->items[i], "*") == 0) {
            if (accounts->count > 1)
                error(report, "authorization: \"*\" stands alone or not at all");
        } else if (!is_key(accounts->items[i], NKEY_ACCOUNT)) {
            error(report, "authorization: \"%s\" is not an account's key", accounts->items[i]);
        }
    }
    if (slice_given(authorization->xkey) && !is_key(authorization->xkey, NKEY_CURVE))
        error(report, "authorization: \"%s\" is not a curve key", authorization->xkey);
}

static void check_account(struct report *report, const struct claims *claims, int64_t now_s)
{
    const struct account_claims *account = claims->account;

    if (!is_key(claims->sub, NKEY_ACCOUNT))
        error(report, "the subject is not an account's key");
    check_limits(report, &account->limits);
    check_imports(report, claims, now_s);
    check_exports(report, account);
    check_signing_keys(report, account);
    check_revocations(report, "revocations", &account->revocations, NKEY_USER);
    check_permissions(report, &account->default_permissions);
    for (size_t i = 0; i < account->mappings.count; i++)
        check_mapping(report, &account->mappings.items[i]);
    check_authorization(report, &account->authorization);
    if (account->trace != NULL) {
        if (!slice_given(account->trace->dest) || !claims_subject_valid(account->trace->dest) ||
            !subject_literal(slice_of(account->trace->dest)))
            error(report, "the trace destination is not a subject without wildcards");
        if (account->trace->sampling < 0 || account->trace->sampling > 100)
            error(report, "the trace sampling is not between 0 and 100");
    }
    if (slice_given(account->cluster_traffic) && strcmp(account->cluster_traffic, "system") != 0 &&
        strcmp(account->cluster_traffic, "owner") != 0)
        error(report, "cluster traffic is neither \"system\" nor \"owner\"");
    check_info(report, account->description, account->info_url);
}

/*
 * The other types.
 */

static void check_service_url(struct report *report, const char *text)
{
    static const char *const schemes[] = {"nats", "tls", "ws", "wss"};
    size_t len = 0;
    bool known = false;

    if (is_url(text, &len)) {
        for (size_t i = 0; i < COUNT_OF(schemes); i++)
            known |= slice_equal_nocase(slice_make(text, len), slice_of(schemes[i]));
    }
    if (!known)
        error(report, "\"%s\" is not a URL of nats, tls, ws or wss", text);
    else if (strpbrk(text + len + 3, "@/?#") != NULL)
        error(report, "service URL \"%s\" has more than host and port", text);
}

/* "major.minor.update" */
static bool is_version(const char *text)
{
    struct slice rest = slice_of(text), part;
    uint64_t number;
    int parts = 0;

    while (slice_cut(&rest, '.', &part)) {
        if (!slice_uint(part, INT32_MAX, &number))
            return false;
        parts++;
    }
    return parts == 3;
}

static void check_operator(struct report *report, const struct claims *claims)
{
    const struct operator_claims *operator= claims->operator;
    size_t scheme_len;

    if (!is_key(claims->sub, NKEY_OPERATOR))
        error(report, "the subject is not an operator's key");
    for (size_t i = 0; i < operator->signing_keys.count; i++) {
        if (!is_key(operator->signing_keys.items[i], NKEY_OPERATOR))
            error(report,
                  "signing key \"%s\" is not an operator's key", operator->signing_keys.items[i]);
    }
    if (slice_given(operator->account_server_url) &&
        !is_url(operator->account_server_url, &scheme_len))
        error(report, "account server URL \"%s\" is not a URL", operator->account_server_url);
    for (size_t i = 0; i < operator->operator_service_urls.count; i++)
        check_service_url(report, operator->operator_service_urls.items[i]);
    if (slice_given(operator->system_account) && !is_key(operator->system_account, NKEY_ACCOUNT))
        error(report, "system account \"%s\" is not an account's key", operator->system_account);
    if (slice_given(operator->assert_server_version) &&
        !is_version(operator->assert_server_version))
        error(report,
              "server version \"%s\" is not major.minor.update", operator->assert_server_version);
}

static void check_user(struct report *report, const struct claims *claims)
{
    const struct user_claims *user = claims->user;

    if (!is_key(claims->sub, NKEY_USER))
        error(report, "the subject is not a user's key");
    if (slice_given(user->issuer_account) && !is_key(user->issuer_account, NKEY_ACCOUNT))
        error(report, "issuer account \"%s\" is not an account's key", user->issuer_account);
    check_user_limits(report, &user->limits);
}

static void check_activation(struct report *report, const struct claims *claims)
{
    const struct activation_claims *activation = claims->activation;

    if (!is_key(claims->sub, NKEY_ACCOUNT))
        error(report, "the subject is not an account's key");
    if (activation->kind == CLAIMS_NEITHER)
        error(report, "the activation is neither of a stream nor of a service");
    if (!slice_given(activation->subject) || !claims_subject_valid(activation->subject))
        error(report, "\"%s\" is not a valid subject", shown(activation->subject));
    if (slice_given(activation->issuer_account) &&
        !is_key(activation->issuer_account, NKEY_ACCOUNT))
        error(report, "issuer account \"%s\" is not an account's key", activation->issuer_account);
}

void claims_validate(const struct claims *claims, int64_t now_s, struct arena *arena,
                     struct claims_issues *out)
{
    struct report report = {.arena = arena};

    switch (claims->type) {
    case CLAIMS_OPERATOR:
        check_operator(&report, claims);
        break;
    case CLAIMS_ACCOUNT:
        check_account(&report, claims, now_s);
        break;
    case CLAIMS_USER:
        check_user(&report, claims);
        break;
    case CLAIMS_ACTIVATION:
        check_activation(&report, claims);
        break;
    default:
        break; /* nothing is known of other types */
    }
    if (claims->exp != 0 && now_s > claims->exp)
        issue(&report, CLAIMS_TIME, "the claims are expired");
    if (claims->nbf > now_s)
        issue(&report, CLAIMS_TIME, "the claims are not valid yet");
    *out = (struct claims_issues){report.items, report.count};
}

const struct claims_issue *claims_blocking(const struct claims_issues *issues, bool with_time)
{
    for (size_t i = 0; i < issues->count; i++) {
        enum claims_issue_level level = issues->items[i].level;

        if (level == CLAIMS_ERROR || (level == CLAIMS_TIME && with_time))
            return &issues->items[i];
    }
    return NULL;
}
