#include "tests/lib/watched.h"

#define CONFIG                                                 \
    "server_name: srv\nhttp: -1\nworkers: 2\n"                 \
    "accounts { $SYS { users [{user: sys, password: sys}] }\n" \
    "           A { users [{user: a, password: a}] }, B { users [{user: b, password: b}] } }\n"

struct watched watched;

int watched_set_up(void **state)
{
    station_prepare(&watched.station);
    station_start(&watched.station, CONFIG);
    station_enter(&watched.station, &watched.sys, WATCHED_AS("sys"));
    station_enter(&watched.station, &watched.a, WATCHED_AS("a"));
    return 0;
}

int watched_tear_down(void **state)
{
    guest_leave(&watched.sys);
    guest_leave(&watched.a);
    station_stop(&watched.station);
    return 0;
}
