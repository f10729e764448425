#include "api/base/source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { PREFIX_LEN = 8 };

static struct source_key of_six(const struct in6_addr *six)
{
    struct source_key key = {{0}};

    memcpy(key.bytes, six, IN6_IS_ADDR_V4MAPPED(six) ? SOURCE_KEY_LEN : PREFIX_LEN);
    return key;
}

static struct source_key of_four(const struct in_addr *four)
{
    struct source_key key = {{0}};

    key.bytes[10] = key.bytes[11] = 0xff;
    memcpy(key.bytes + 12, four, sizeof(*four));
    return key;
}

struct source_key source_key_of(const struct sockaddr *address)
{
    if (address != NULL && address->sa_family == AF_INET)
        return of_four(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address != NULL && address->sa_family == AF_INET6)
        return of_six(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    return (struct source_key){{0}};
}

struct source_key source_key_of_text(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    if (host != NULL && inet_pton(AF_INET, host, &four) == 1)
        return of_four(&four);
    if (host != NULL && inet_pton(AF_INET6, host, &six) == 1)
        return of_six(&six);
    return (struct source_key){{0}};
}

bool source_key_none(const struct source_key *key)
{
    static const struct source_key none;

    return memcmp(key, &none, sizeof(none)) == 0;
}

struct slice source_key_slice(const struct source_key *key)
{
    return slice_make((const char *)key->bytes, sizeof(key->bytes));
}
