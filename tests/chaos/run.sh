#!/bin/bash
# run.sh BIN: kill -9 at random moments, with one control plane and then with two (chaos.c).
#
# CHAOS_KILLS kills for each (200), CHAOS_SEED to play the same again, CHAOS_CONTROLS=1 or 2 for
# one of the two alone.  PostgreSQL is private, in a folder of its own, without the comfort of
# an orderly end.
set -u
bin=$(cd "$1" && pwd) || exit 1
seed=${CHAOS_SEED:-$(date +%s)}

for pg in /usr/lib/postgresql/*/bin; do :; done
[ -x "$pg/initdb" ] || { echo "chaos: PostgreSQL is not installed (deploy/install-deps.sh)" >&2; exit 1; }
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid postgres --regid postgres --init-groups)

dir=
stop() {
    [ -n "$dir" ] || return
    [ ! -s "$dir/data/postmaster.pid" ] || kill -QUIT "$(head -1 "$dir/data/postmaster.pid")" 2>/dev/null
    rm -rf "$dir"
    dir=
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

play() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/berth-chaos-pg.XXXXXX") || exit 1
    [ "$(id -u)" != 0 ] || chown postgres "$dir"
    (cd "$dir" && "${as[@]}" "$pg/initdb" -D data -U berth -A trust -E UTF8 --locale=C --no-sync \
        >initdb.log 2>&1) || { cat "$dir/initdb.log" >&2; exit 1; }
    cat >"$dir/start" <<START
#!/bin/bash
cd '$dir' && exec ${as[*]:+${as[*]} }'$pg/postgres' -D data -c listen_addresses= \\
    -c unix_socket_directories='$dir' -c fsync=off -c max_connections=100
START
    chmod +x "$dir/start"
    CHAOS_SEED=$seed CHAOS_CONTROLS=$1 "$bin/../tests/chaos/chaos" "$bin" "$dir" || exit 1
    stop
}

for controls in ${CHAOS_CONTROLS:-1 2}; do
    play "$controls" || exit 1
done
echo "chaos: everything was as promised (seed $seed)"
