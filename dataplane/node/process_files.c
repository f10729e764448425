#include "dataplane/node/process_files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/base/mem.h"
#include "api/base/shape.h"

static enum result write_whole(const char *path, mode_t mode, struct slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ssize_t n;

    if (fd < 0)
        return ERR_IO;
    n = write(fd, text.data, text.len);
    if (close(fd) != 0 || n != (ssize_t)text.len)
        return ERR_IO;
    return OK;
}

enum result process_files_write_pid(const char *path)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", (int)getpid());

    return write_whole(path, 0600, slice_make(text, (size_t)len));
}

const char *process_files_why(char out[PROCESS_FILES_WHY_MAX])
{
    snprintf(out, PROCESS_FILES_WHY_MAX, "%s", strerror(errno));
    if (out[0] >= 'A' && out[0] <= 'Z')
        out[0] = (char)(out[0] - 'A' + 'a');
    return out;
}

void process_files_remove(const char *path)
{
    unlink(path);
}

void process_files_ports_path(const char *dir, const char *program, struct buf *out)
{
    buf_printf(out, "%s/%s_%d.ports", dir, program, (int)getpid());
}

static void add_url(json_t *urls, const char *scheme, const char *host, int port)
{
    bool six = strchr(host, ':') != NULL;

    json_array_append_new(
        urls, json_sprintf("%s://%s%s%s:%d", scheme, six ? "[" : "", host, six ? "]" : "", port));
}

static bool is_any(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* One address of each interface that is up, in the system's order. */
static void add_interfaces(json_t *urls, const char *scheme, int port)
{
    struct ifaddrs *all;

    if (getifaddrs(&all) != 0)
        return;
    for (int family = 0; family < 2; family++) {
        for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
            char text[INET6_ADDRSTRLEN];
            const void *address;

            if (one->ifa_addr == NULL || !(one->ifa_flags & IFF_UP) ||
                one->ifa_addr->sa_family != (family == 0 ? AF_INET : AF_INET6))
                continue;
            address = family == 0
                          ? (const void *)&((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr
                          : &((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr;
            if (inet_ntop(one->ifa_addr->sa_family, address, text, sizeof(text)) != NULL)
                add_url(urls, scheme, text, port);
        }
    }
    freeifaddrs(all);
}

static void add_ports(json_t *tree, const char *name, const char *scheme, const char *host,
                      int port)
{
    json_t *urls;

    if (port == 0)
        return;
    urls = json_array();
    if (is_any(host))
        add_interfaces(urls, scheme, port);
    else
        add_url(urls, scheme, host, port);
    json_object_set_new(tree, name, urls);
}

enum result process_files_write_ports(const char *path, const struct process_ports *ports)
{
    struct buf new_path = {0};
    json_t *tree = json_object();
    enum result rc;
    char *text;

    add_ports(tree, "nats", "nats", ports->host, ports->port);
    add_ports(tree, "monitoring", "http", ports->http_host, ports->http_port);
    text = shape_dump(tree);
    json_decref(tree);
    buf_printf(&new_path, "%s.new", path);
    rc = write_whole(buf_text(&new_path), 0644, slice_of(text));
    if (rc == OK && rename(buf_text(&new_path), path) != 0)
        rc = ERR_IO;
    buf_fini(&new_path);
    mem_free(text);
    return rc;
}
