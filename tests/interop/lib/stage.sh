# stage.sh: what interop scripts with a control plane share; they source it.  It needs bin, work,
# database and a function fail; it sets control_port, node_port and control (a process).

export HOME=$work XDG_CONFIG_HOME=$work/config BERTH_CONTEXT_DIR=$work/context NO_COLOR=1
unset NATS_URL NATS_CREDS NATS_CONTEXT BERTH_API BERTH_TOKEN BERTH_CONTEXT

# until_true DESCRIPTION COMMAND...: it succeeds within thirty seconds.
until_true() {
    local what=$1
    shift
    for _ in $(seq 300); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "never: $what"
}

free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

# A control plane on a database of its own; its bootstrap token is in $work/bootstrap.
start_control() {
    control_port=$(free_port) node_port=$(free_port)
    psql -q "$BERTH_TEST_PG" -c "CREATE DATABASE $database" || fail "no database"
    (umask 077 && head -c 32 /dev/urandom >"$work/master.key") && chmod 0400 "$work/master.key"
    "$bin/berth-control" --database "$BERTH_TEST_PG dbname=$database" \
        --listen "127.0.0.1:$control_port" --master-key-file "$work/master.key" \
        --bootstrap-file "$work/bootstrap" --log-file "$work/control.log" &
    control=$!
    until_true "the control plane answers" curl -fs "http://127.0.0.1:$control_port/livez"
}

drop_database() {
    psql -q "$BERTH_TEST_PG" -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" 2>/dev/null
}
