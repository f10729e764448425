# common.sh: words on the screen, waiting, ports.  Sourced by run.sh.
# shellcheck shell=bash

stopping=   # not empty: a signal told us to end
was_killed= # not empty: the run before could not tidy up

say() { printf '%s\n' "$*"; }
step() { printf '  %-16s %s\n' "$1" "$2"; }
die() {
    printf 'berth: %s\n' "$*" >&2
    exit 1
}

# Ends the run when a signal came meanwhile.
still_wanted() {
    [ -z "$stopping" ] || exit 130
}

# The process that holds the lock, if any does.
running_pid() {
    [ -e "$var/run.lock" ] || return 1
    if (flock -n 8) 8<>"$var/run.lock"; then return 1; fi
    cat "$var/run.pid" 2>/dev/null
}

# Is somebody listening there?
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_port() {
    local tries=0 most=10
    # What an earlier run left may still be ending, above all when that was killed.
    [ -z "$was_killed" ] || most=150
    while port_taken "$1"; do
        tries=$((tries + 1))
        [ $tries -lt $most ] ||
            die "port $1 is taken by another program; it is for $2.  make run PORT_BASE=14222 moves all ports."
        sleep 0.2
    done
}

# wait_for WHAT PART COMMAND...: until the command succeeds, while the part lives.
wait_for() {
    local what=$1 part=$2 tries=0
    shift 2
    until "$@" >/dev/null 2>&1; do
        still_wanted
        tries=$((tries + 1))
        if ! part_lives "$part"; then
            tail -n 20 "$var/log/$part.log" >&2
            die "$what ended while it started; the lines above are from $var/log/$part.log"
        fi
        if [ $tries -ge 600 ]; then
            tail -n 20 "$var/log/$part.log" >&2
            die "$what is not ready after a minute; the lines above are from $var/log/$part.log"
        fi
        sleep 0.1
    done
    still_wanted
}

# Text for a double-quoted word of a configuration file.
in_config() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# Text for a single-quoted word of a shell.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }
