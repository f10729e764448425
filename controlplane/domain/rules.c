#include "controlplane/domain/rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base/slice.h"
#include "api/nats/nkey.h"

enum { NAME_MAX_LEN = 63, NATS_NAME_MAX = 255, SUBJECT_MAX = 1024, URL_MAX = 512 };

static bool lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool rule_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > NAME_MAX_LEN || !lower_or_digit(text[0]) ||
        !lower_or_digit(text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!lower_or_digit(text[i]) && text[i] != '-')
            return false;
    }
    return true;
}

static bool without(const char *text, const char *forbidden)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f || strchr(forbidden, *p) != NULL)
            return false;
    }
    return true;
}

bool rule_nats_name(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= NATS_NAME_MAX && without(text, " .*>/\\");
}

bool rule_member_name(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= NATS_NAME_MAX && without(text, " \"\\<>");
}

bool rule_display_name(const char *text)
{
    return without(text, "");
}

bool rule_description(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            return false;
    }
    return true;
}

bool rule_label_key(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("-_./", text[i]) == NULL)
            return false;
    }
    return len > 0 && len <= NAME_MAX_LEN;
}

bool rule_tag(const char *text)
{
    return text[0] != '\0' && strlen(text) <= NATS_NAME_MAX && without(text, " ");
}

bool rule_cidr(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *slash = strchr(text, '/');
    char host[64];
    uint64_t bits;
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    if (slash == NULL || slash - text >= (long)sizeof(host) ||
        !slice_uint(slice_of(slash + 1), family == AF_INET ? 32 : 128, &bits))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(slash - text), text);
    return inet_pton(family, host, address) == 1;
}

/* host:port, host, [v6]:port; nothing behind it. */
static bool valid_authority(const char *text)
{
    const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
    size_t host_len;
    uint64_t port;

    if (bracket != NULL && colon != NULL && colon < bracket)
        colon = NULL;
    host_len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (colon != NULL && (!slice_uint(slice_of(colon + 1), 65535, &port) || port == 0))
        return false;
    if (text[0] == '[')
        return host_len > 2 && text[host_len - 1] == ']' &&
               strspn(text + 1, "0123456789abcdefABCDEF:.") == host_len - 2;
    for (size_t i = 0; i < host_len; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("-._", text[i]) == NULL)
            return false;
    }
    return host_len > 0;
}

bool rule_node_url(const char *text)
{
    static const char *const schemes[] = {"nats://", "tls://", "ws://", "wss://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i]);

        if (strncmp(text, schemes[i], len) == 0)
            return strlen(text) <= URL_MAX && valid_authority(text + len);
    }
    return false;
}

bool rule_http_url(const char *text)
{
    const char *rest;

    if (text[0] == '\0')
        return true;
    if (strncmp(text, "http://", 7) == 0)
        rest = text + 7;
    else if (strncmp(text, "https://", 8) == 0)
        rest = text + 8;
    else
        return false;
    return rest[0] != '\0' && rest[0] != '/' && strlen(text) <= URL_MAX &&
           without(text, " \"<>\\@");
}

/* One token; template: {{...}} may stand for or in it. */
static bool valid_token(struct slice token, bool last, bool template)
{
    if (token.len == 0)
        return false;
    if (token.len == 1 && token.data[0] == '*')
        return true;
    if (token.len == 1 && token.data[0] == '>')
        return last;
    for (size_t i = 0; i < token.len; i++) {
        unsigned char c = (unsigned char)token.data[i];

        if (c <= 0x20 || c == 0x7f || c == '*' || c == '>')
            return false;
        if ((c == '{' || c == '}') && !template)
            return false;
    }
    return true;
}

/* Every {{ has its }}; a dot or blank inside of them would cut a token. */
static bool braces_match(struct slice text)
{
    unsigned open = 0;

    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == '{' && text.data[i + 1] == '{') {
            open++;
            i++;
        } else if (text.data[i] == '}' && text.data[i + 1] == '}') {
            if (open == 0)
                return false;
            open--;
            i++;
        }
    }
    return open == 0;
}

static bool valid_subject(struct slice text, bool template)
{
    struct slice rest = text, token;

    if (text.len == 0 || text.len > SUBJECT_MAX || (template && !braces_match(text)))
        return false;
    while (slice_cut(&rest, '.', &token)) {
        if (!valid_token(token, rest.data == NULL, template))
            return false;
    }
    return true;
}

bool rule_subject(const char *text)
{
    return valid_subject(slice_of(text), false);
}

static bool subject_and_queue(const char *text, bool template)
{
    struct slice rest = slice_of(text), subject, queue = {0};

    if (!slice_cut(&rest, ' ', &subject) || !valid_subject(subject, template))
        return false;
    if (rest.data == NULL)
        return true;
    queue = rest;
    return memchr(queue.data, ' ', queue.len) == NULL && valid_subject(queue, template);
}

bool rule_queue_subject(const char *text)
{
    return subject_and_queue(text, false);
}

bool rule_template_subject(const char *text)
{
    return subject_and_queue(text, true);
}

bool rule_connection_type(const char *text)
{
    static const char *const types[] = {"STANDARD", "WEBSOCKET", "LEAFNODE",  "LEAFNODE_WS",
                                        "MQTT",     "MQTT_WS",   "IN_PROCESS"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i], text) == 0)
            return true;
    }
    return false;
}

bool rule_time_of_day(const char *text)
{
    uint64_t hour, minute, second;

    return strlen(text) == 8 && text[2] == ':' && text[5] == ':' &&
           slice_uint(slice_make(text, 2), 23, &hour) &&
           slice_uint(slice_make(text + 3, 2), 59, &minute) &&
           slice_uint(slice_make(text + 6, 2), 59, &second);
}

/* As a file of the zone database is named; whether it is there is the node's to know. */
bool rule_time_zone(const char *text)
{
    char path[128];
    FILE *file;

    if (text[0] == '\0')
        return true;
    if (strlen(text) > 64 || text[0] == '/' || strstr(text, "..") != NULL)
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("/_+-", *p) == NULL)
            return false;
    }
    if (strcmp(text, "UTC") == 0)
        return true;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", text);
    file = fopen(path, "rb");
    if (file != NULL)
        fclose(file);
    return file != NULL;
}

bool rule_operator_key(const char *text)
{
    return nkey_is(slice_of(text), NKEY_OPERATOR);
}

bool rule_account_key(const char *text)
{
    return nkey_is(slice_of(text), NKEY_ACCOUNT);
}

bool rule_user_key(const char *text)
{
    return nkey_is(slice_of(text), NKEY_USER);
}

bool rule_tier(const char *text)
{
    return text[0] == 'R' && text[1] >= '1' && text[1] <= '5' && text[2] == '\0';
}
