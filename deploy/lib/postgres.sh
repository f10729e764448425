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

# The process that runs on the database cluster, if one does.
pg_postmaster() {
    local pid
    pid=$(head -n 1 "$pg_folder/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] &&
        [ "/proc/$pid/cwd" -ef "$pg_folder/data" ] && printf '%s\n' "$pid"
}

# How to end it: by the run.sh that watches it, if that lives.
how_to_end() {
    local parent
    parent=$(sed -n 's/^PPid:\t//p' "/proc/$1/status" 2>/dev/null)
    if [ "${parent:-1}" -gt 1 ]; then printf 'kill %s' "$parent"; else printf 'kill -INT %s' "$1"; fi
}

# That of a run that was killed ends by itself, soon.
pg_wait_until_free() {
    local pid tries=0
    while pid=$(pg_postmaster); do
        tries=$((tries + 1))
        [ $tries -ne 10 ] || step PostgreSQL "of an earlier run is ending (process $pid)"
        [ $tries -lt 300 ] ||
            die "a PostgreSQL of an earlier run, or of a clone that stood here, does not end.  End it ($(how_to_end "$pid")), then make run again."
        still_wanted
        sleep 0.1
    done
}

pg_make_data() {
    local out
    step PostgreSQL "making a database cluster"
    rm -rf "$pg_folder/data.new"
    if ! out=$(pg "$pg_bin/initdb" -D "$pg_folder/data.new" -U berth -A trust -E UTF8 \
        --locale=C.UTF-8 2>&1); then
        still_wanted
        printf '%s\n' "$out" >&2
        die "the database cannot be made; the lines above are initdb's"
    fi
    mv "$pg_folder/data.new" "$pg_folder/data" || die "$pg_folder/data cannot be made"
    still_wanted
}

start_postgres() {
    pg_find
    pg_make_folders
    pg_wait_until_free
    check_data
    make_master_key
    [ -d "$pg_folder/data" ] || pg_make_data
    start_part postgres
    wait_for PostgreSQL postgres pg_ready
    if [ "$(pg "$pg_bin/psql" -h "$pg_socket" -U berth -d postgres -Atqc \
        "SELECT 1 FROM pg_database WHERE datname = 'berth'")" != 1 ]; then
        pg "$pg_bin/createdb" -h "$pg_socket" -U berth berth || die "the database cannot be made"
    fi
    step PostgreSQL "on a socket in $pg_socket"
}
