#!/bin/bash
# with_postgres.sh COMMAND...: starts one private PostgreSQL, runs the command with BERTH_TEST_PG
# (a connection string of a superuser) in its environment, and stops the server again.
#
# The server listens on a Unix socket only.  PostgreSQL refuses to run as root: then it runs as
# the user "postgres", in a folder of its own.  Tests make a database each (tests/lib/pg.h).
set -u

for bin in /usr/lib/postgresql/*/bin; do :; done
[ -x "$bin/initdb" ] || { echo "with_postgres: PostgreSQL is not installed (deploy/install-deps.sh)" >&2; exit 1; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/berth-test-pg.XXXXXX") || exit 1
as=()
if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir"
    as=(setpriv --reuid postgres --regid postgres --init-groups)
fi
# From a folder that the server's user can enter.
pg() { (cd "$dir" && "${as[@]}" "$@"); }

stop() {
    pg "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! pg "$bin/initdb" -D "$dir/data" -U berth -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 ||
    ! pg "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w \
        -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off \
            -c synchronous_commit=off -c full_page_writes=off -c max_connections=200" \
        start >>"$dir/log" 2>&1; then
    cat "$dir/log" "$dir/server.log" >&2
    echo "with_postgres: the test server did not start" >&2
    exit 1
fi

export BERTH_TEST_PG="host=$dir user=berth dbname=postgres"
"$@"
