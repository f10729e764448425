#!/bin/bash
# run.sh            starts everything on this machine and stays (make run)
# run.sh --stop     stops what another run.sh started (make stop)
# run.sh --reset    removes its data, after asking; YES=1 does not ask (make reset)
#
# A private PostgreSQL, the control plane and one node, all on loopback; then, through the REST
# API, an operator, a system, a plan, two teams with an account, a user and credentials each; then
# berth demo.  What is there already is used again, so that a second run takes seconds and an
# interrupted one goes on where it was.
#
# PORT_BASE=N   the node at N, its monitoring at N+1, the control plane at N+2
#               (without it: 4222, 8222 and 8080)
# BERTH_VAR=DIR run-time data there instead of in var/
set -u
umask 077

root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
bin=${BERTH_BIN:-$root/build/bin}
var=${BERTH_VAR:-$root/var}
case $var in /*) ;; *) var=$PWD/$var ;; esac
# shellcheck source=deploy/lib/common.sh
. "$root/deploy/lib/common.sh"
# shellcheck source=deploy/lib/postgres.sh
. "$root/deploy/lib/postgres.sh"
# shellcheck source=deploy/lib/kept.sh
. "$root/deploy/lib/kept.sh"
# shellcheck source=deploy/lib/parts.sh
. "$root/deploy/lib/parts.sh"
# shellcheck source=deploy/lib/setup.sh
. "$root/deploy/lib/setup.sh"

# --- stop, reset ------------------------------------------------------------------------------

stop_other() {
    local pid waited=0
    pid=$(running_pid) || { say "Nothing is running."; return 0; }
    kill -TERM "$pid" 2>/dev/null
    while running_pid >/dev/null; do
        sleep 0.1
        waited=$((waited + 1))
        [ $waited -lt 600 ] || die "process $pid does not stop; see $var/log"
    done
    say "Stopped."
}

reset_all() {
    running_pid >/dev/null && die "it is running: make stop first"
    if [ ! -e "$var" ] && [ ! -e "$pg_folder" ]; then
        say "There is nothing to remove."
        return 0
    fi
    if [ "${YES:-}" != 1 ]; then
        printf 'Remove %s and %s, with all accounts, keys and the database? [y/N] ' "$var" "$pg_folder"
        read -r answer || answer=
        case $answer in [yY]*) ;; *) die "nothing was removed" ;; esac
    fi
    rm -rf "$var" "$pg_folder"
    say "Removed."
}

# --- run --------------------------------------------------------------------------------------

# Ports by PORT_BASE; each must be free.
choose_ports() {
    if [ -n "${PORT_BASE:-}" ]; then
        case $PORT_BASE in *[!0-9]* | ??????*) die "PORT_BASE=$PORT_BASE is not a port" ;; esac
        { [ "$PORT_BASE" -ge 1 ] && [ "$PORT_BASE" -le 65533 ]; } ||
            die "PORT_BASE=$PORT_BASE: a number from 1 to 65533"
        nats_port=$PORT_BASE http_port=$((PORT_BASE + 1)) api_port=$((PORT_BASE + 2))
    else
        nats_port=4222 http_port=8222 api_port=8080
    fi
    check_port $nats_port "the node's clients"
    check_port $http_port "the node's monitoring"
    check_port $api_port "the control plane"
    nats_url=nats://127.0.0.1:$nats_port
    api_url=http://127.0.0.1:$api_port
}

# Once for this data; later starts take seconds.
play_scene() {
    if [ -e "$var/scene.played" ]; then
        step "scene" "was shown at the first start; berth demo shows it again"
        return 0
    fi
    say
    if "$bin/berth" demo 9>&-; then
        : >"$var/scene.played"
    elif [ -z "$stopping" ]; then
        die "the demonstration failed; see above and $var/log"
    fi
}

main() {
    local program
    for program in berth berth-control berth-broker; do
        [ -x "$bin/$program" ] || die "$bin/$program is not there: run make first"
    done
    prepare_var
    exec 9>"$var/run.lock" || die "$var/run.lock cannot be opened; did another user run it here?"
    flock -n 9 || die "it is running already (process $(cat "$var/run.pid" 2>/dev/null)): make stop"
    [ ! -e "$var/run.pid" ] || was_killed=1
    choose_ports
    echo $$ >"$var/run.pid" || die "$var/run.pid cannot be written"
    rm -f "$var/env"
    trap 'stopping=1' INT TERM HUP
    trap 'stop_parts; rm -f "$var/env" "$var/run.pid"' EXIT

    say "Berth starts; its data lies in $var"
    start_postgres
    write_control_conf
    start_part control
    wait_for "the control plane" control curl -fsS -o /dev/null "$api_url/livez"
    step "control plane" "$api_url"
    set_up_control
    start_part node
    wait_for "the node" node node_is_ready
    step "node" "$nats_url, monitoring http://127.0.0.1:$http_port"
    set_up_teams
    play_scene
    still_wanted
    write_env
    print_summary
    supervise
    say "Stopping ..."
}

case ${1:-} in
--stop) stop_other ;;
--reset) reset_all ;;
'') main ;;
*) die "usage: deploy/run.sh [--stop | --reset]" ;;
esac
