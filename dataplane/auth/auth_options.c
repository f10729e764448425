#include "dataplane/auth/auth_options.h"

#include <strings.h>

static const char *const connection_names[AUTH_CONNECTIONS] = {
    [AUTH_STANDARD] = "STANDARD",
    [AUTH_WEBSOCKET] = "WEBSOCKET",
    [AUTH_LEAFNODE] = "LEAFNODE",
    [AUTH_LEAFNODE_WS] = "LEAFNODE_WS",
    [AUTH_MQTT] = "MQTT",
    [AUTH_MQTT_WS] = "MQTT_WS",
    [AUTH_IN_PROCESS] = "IN_PROCESS",
};

enum auth_connection auth_connection_of(const char *text)
{
    int i = 0;

    while (i < AUTH_CONNECTIONS && strcasecmp(text, connection_names[i]) != 0)
        i++;
    return (enum auth_connection)i;
}
