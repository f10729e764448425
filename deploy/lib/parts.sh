# parts.sh: the three processes: started, watched, ended in order.  Sourced by run.sh.
#
# Each is in a session of its own, so that Ctrl-C on the terminal reaches run.sh alone, and each is
# told by the kernel to end should run.sh die without a word.
# shellcheck shell=bash

declare -A part_pid=() part_started=() part_failures=()
declare -A part_name=([postgres]=PostgreSQL [control]="the control plane" [node]="the node")
declare -A part_signal=([postgres]=INT [control]=TERM [node]=TERM)

part_lives() { [ -n "${part_pid[$1]:-}" ] && kill -0 "${part_pid[$1]}" 2>/dev/null; }

start_part() {
    local log=$var/log/$1.log as=() command
    case $1 in
    postgres)
        as=("${pg_as[@]:1}")
        command=("$pg_bin/postgres" -D "$pg_folder/data" -c listen_addresses=
            -c unix_socket_directories="$pg_socket" -c unix_socket_permissions=0700
            -c logging_collector=off)
        ;;
    control) command=("$bin/berth-control" --config "$var/control.conf") ;;
    node) command=("$bin/berth-broker" -c "$var/node.conf") ;;
    esac
    # Bash would have it ignore INT.  The kernel tells nobody who asks after run.sh has died: that
    # one sees it.
    # shellcheck disable=SC2016
    (
        [ "$1" != postgres ] || cd "$pg_folder" || exit
        exec setsid env --default-signal=INT setpriv --pdeathsig "${part_signal[$1]}" "${as[@]}" \
            sh -c '[ "$PPID" = "$0" ] && exec "$@"' $$ "${command[@]}"
    ) >>"$log" 2>&1 </dev/null 9>&- &
    part_pid[$1]=$!
    part_started[$1]=$SECONDS
}

end_part() {
    local pid=${part_pid[$1]:-} tries=0
    [ -n "$pid" ] || return 0
    kill -s "${part_signal[$1]}" "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -eq 200 ]; then
            say "${part_name[$1]} does not end; it is killed"
            kill -s KILL "$pid" 2>/dev/null
        fi
        [ $tries -lt 300 ] || break
        sleep 0.05
    done
    wait "$pid" 2>/dev/null
    unset "part_pid[$1]"
}

# The node first: the control plane hears its last figures; the database last.
stop_parts() {
    trap '' INT TERM HUP
    end_part node
    end_part control
    end_part postgres
    [ "$pg_socket" = "$pg_folder" ] || rmdir "$pg_socket" 2>/dev/null
}

# A part that dies is started again; one that keeps dying, more and more slowly.
revive() {
    local part=$1 status pause
    wait "${part_pid[$part]}"
    status=$?
    if [ $((SECONDS - part_started[$part])) -gt 60 ]; then part_failures[$part]=0; fi
    part_failures[$part]=$((${part_failures[$part]:-0} + 1))
    pause=$((part_failures[$part] - 1))
    [ $pause -le 10 ] || pause=10
    say "$(date +%T) ${part_name[$part]} ended (status $status, see $var/log/$part.log) and is started again"
    [ $pause -eq 0 ] || sleep $pause 9>&-
    [ -n "$stopping" ] || start_part "$part"
}

# Looked at once a second: "wait -n" does not tell of one that a signal ended before it was called,
# as of the second of two that are killed at once.
supervise() {
    local part
    while [ -z "$stopping" ]; do
        for part in "${!part_pid[@]}"; do
            part_lives "$part" || [ -n "$stopping" ] || revive "$part"
        done
        sleep 1 9>&- &
        wait $! # a signal for us ends it
        [ -z "$stopping" ] || kill $!
    done 2>/dev/null # bash has words of its own for who was killed
}
