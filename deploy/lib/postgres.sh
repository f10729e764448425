# postgres.sh: the private PostgreSQL.  Sourced by run.sh.
#
# It listens on a Unix socket only, in a folder that nobody else can enter.  PostgreSQL refuses to
# run as root: then it runs as the user "postgres", in a folder under /var/lib, because that user
# may not be able to reach the clone.
# shellcheck shell=bash

pg_tag=$(printf %s "$var" | sha256sum | cut -c1-12)
if [ "$(id -u)" = 0 ]; then
    pg_folder=/var/lib/berth-$pg_tag
    pg_as=(setpriv --reuid postgres --regid postgres --init-groups)
else
    pg_folder=$var/pg
    pg_as=()
fi
pg_socket=$pg_folder
# A socket's path has room for 107 bytes.
if [ ${#pg_socket} -gt 85 ]; then
    pg_socket=${XDG_RUNTIME_DIR:-/tmp}/berth-$pg_tag
fi
pg_conninfo="host='${pg_socket//\'/\\\'}' user=berth dbname=berth"

pg_find() {
    local folder newest=
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] || continue
        newest=$(printf '%s\n%s\n' "$newest" "$folder" | sort -V | tail -n 1)
    done
    [ -n "$newest" ] || die "PostgreSQL is not installed: deploy/install-deps.sh installs it"
    pg_bin=$newest
}

# From a folder that its user can enter.
pg() { (cd "$pg_folder" && "${pg_as[@]}" "$@" 9>&-); }

pg_ready() { pg "$pg_bin/psql" -h "$pg_socket" -U berth -d postgres -Atqc 'SELECT 1'; }

pg_make_folders() {
    local folder
    for folder in "$pg_folder" "$pg_socket"; do
        mkdir -p -m 700 "$folder" || die "$folder cannot be made"
        [ ${#pg_as[@]} -eq 0 ] || chown postgres: "$folder"
        [ -O "$folder" ] || [ ${#pg_as[@]} -gt 0 ] || die "$folder belongs to somebody else"
    done
}

start_postgres() {
    pg_find
    pg_make_folders
    if [ ! -d "$pg_folder/data" ]; then
        [ ! -e "$var/master.key" ] || die "$var/master.key is there, but its database is not: make reset"
        step PostgreSQL "making a database cluster"
        rm -rf "$pg_folder/data.new"
        pg "$pg_bin/initdb" -D "$pg_folder/data.new" -U berth -A trust -E UTF8 --locale=C.UTF-8 \
            >"$var/log/initdb.log" 2>&1 ||
            { still_wanted; cat "$var/log/initdb.log" >&2; die "initdb failed"; }
        mv "$pg_folder/data.new" "$pg_folder/data"
        still_wanted
    fi
    start_part postgres
    wait_for PostgreSQL postgres pg_ready
    if [ "$(pg "$pg_bin/psql" -h "$pg_socket" -U berth -d postgres -Atqc \
        "SELECT 1 FROM pg_database WHERE datname = 'berth'")" != 1 ]; then
        pg "$pg_bin/createdb" -h "$pg_socket" -U berth berth || die "the database cannot be made"
    fi
    step PostgreSQL "on a socket in $pg_socket"
}
