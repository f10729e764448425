#!/bin/bash
# test_run.sh BIN: make run, with ports and a folder of its own: killed in the middle, the scene,
# var/env, a busy port, a part that dies, stopping in order, what is missing or damaged, starting
# again with the same data, a database of a clone that is gone, removing it.
set -u
BERTH_BIN=$(cd "$1" && pwd) || exit 1
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/berth-run.XXXXXX") || exit 1
BERTH_VAR=$dir/var
export BERTH_BIN BERTH_VAR PORT_BASE
run=$root/deploy/run.sh
log=$dir/run.log

# shellcheck disable=SC2317
finish() {
    "$run" --stop >/dev/null 2>&1
    YES=1 "$run" --reset >/dev/null 2>&1
    rm -rf "$dir"
}
trap finish EXIT
fail() {
    cat "$log"
    tail -n 20 "$BERTH_VAR"/log/*.log 2>/dev/null
    echo "FAIL: $*"
    exit 1
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_base() {
    local base
    while :; do
        base=$((20000 + RANDOM % 10000))
        taken $base || taken $((base + 1)) || taken $((base + 2)) || { PORT_BASE=$base; return; }
    done
}

start() {
    local tries=0
    : >"$log" # nothing of the run before, also until this one begins
    setsid "$run" >"$log" 2>&1 </dev/null &
    pid=$!
    until [ -e "$BERTH_VAR/env" ]; do
        kill -0 $pid 2>/dev/null || fail "it ended while it started"
        # It waits up to a minute for each of its parts itself, and says which is not there.
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || fail "it is not ready after 300 s"
        sleep 0.1
    done
}

# until_ok WHAT COMMAND...
until_ok() {
    local what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || fail "$what"
        sleep 0.1
    done
}

# start_until LINE: killed as soon as it says that.  The lock is free when the last process of it
# that holds it has ended.
start_until() {
    : >"$log"
    setsid "$run" >"$log" 2>&1 </dev/null &
    pid=$!
    until_ok "it does not say: $1" grep -q "$1" "$log"
    kill -KILL -- "-$pid"
    wait $pid 2>/dev/null
    flock -w 60 "$BERTH_VAR/run.lock" true || fail "what was killed does not end"
}

# refused WORDS COMMAND...: it says that, and nothing runs.
refused() {
    local words=$1
    shift
    "$@" >"$dir/said" 2>&1 && fail "it started in spite of: $words"
    grep -q "$words" "$dir/said" || fail "no \"$words\" in: $(cat "$dir/said")"
    nothing_left || fail "left after: $words"
}

# Nothing that was started knows this folder any longer.
nothing_left() { ! pgrep -f "$BERTH_VAR/(control|node).conf|$(pg_folder)" >/dev/null; }
pg_folder() {
    if [ "$(id -u)" = 0 ]; then
        echo "/var/lib/berth-$(printf %s "$BERTH_VAR" | sha256sum | cut -c1-12)"
    else
        echo "$BERTH_VAR/pg"
    fi
}

# --- killed in the middle of the first start ------------------------------------------------------
# (The one before may have been killed only after it made the system: then the node comes next.)
free_base
for line in 'making a database cluster' '^  PostgreSQL *on a socket' '^  control plane ' \
    '^  \(system\|node\) '; do
    start_until "$line"
done

# --- Ctrl-C in the middle of the scene ------------------------------------------------------------
: >"$log"
setsid env --default-signal=INT "$run" >"$log" 2>&1 </dev/null &
pid=$!
until_ok "the scene does not begin" grep -q 'request-reply inside A' "$log"
kill -INT -- "-$pid"
wait $pid 2>/dev/null
grep -qE 'interrupted before the end|ok *metered' "$log" || fail "it is not said that it was interrupted"
grep -q 'gone *both teams' "$log" || fail "the scene was not cleaned up when it was interrupted"
grep -q 'FAIL' "$log" && fail "what was interrupted is said to have failed"
nothing_left || fail "left after Ctrl-C: $(pgrep -af "$BERTH_VAR/(control|node).conf|$(pg_folder)")"

# --- the first start ---------------------------------------------------------------------------
start
grep -q 'ok *B, subscribed to >, sees its own 150 messages and 0 of A' "$log" || fail "no scene"
grep -q 'FAIL' "$log" && fail "the scene failed"
grep -q "$root/deploy" "$log" && fail "bash says something, too"
grep -q 'gone *both teams' "$log" || fail "the scene was not cleaned up"

# shellcheck disable=SC1091
. "$BERTH_VAR/env"
[ "$NATS_URL" = "nats://127.0.0.1:$PORT_BASE" ] || fail "NATS_URL is $NATS_URL"
[ "$(command -v berth)" = "$BERTH_BIN/berth" ] || fail "berth is not on PATH"
berth status >/dev/null || fail "berth status"
[ "$(BERTH_TOKEN=$TEAM_A_TOKEN berth account list -o name)" = team-a ] || fail "team A's account"
[ "$(BERTH_TOKEN=$TEAM_B_TOKEN berth account list -o name)" = team-b ] || fail "team B's account"
# (One that was killed may have come as far as its own scene, and left that.)
shown=$(sed -n 's/^ *made *team .: account \([^ ]*\) .*/\1/p' "$log")
[ "$(echo "$shown" | wc -w)" = 2 ] || fail "the scene does not name two accounts"
berth account list -o name | grep -qxF "$shown" && fail "accounts of the scene are left"
for file in "$TEAM_A_CREDS" "$TEAM_B_CREDS" "$BERTH_VAR/admin.token" "$BERTH_VAR/env"; do
    [ "$(stat -c %a "$file")" = 600 ] || fail "the mode of $file"
done
[ "$(stat -c %a "$BERTH_VAR/operator.seed")" = 400 ] || fail "the mode of operator.seed"
grep -q '^#' "$BERTH_VAR/operator.seed" || fail "operator.seed does not say what it is for"
id=$(berth account show team-a -o json | grep '"id"')

# --- a second one is told, a busy port is named --------------------------------------------------
"$run" >"$dir/second" 2>&1 && fail "a second run started"
grep -q 'running already' "$dir/second" || fail "the second run said: $(cat "$dir/second")"
BERTH_VAR=$dir/other "$run" >"$dir/second" 2>&1 && fail "a busy port did not matter"
grep -q "port $PORT_BASE is taken" "$dir/second" || fail "a busy port: $(cat "$dir/second")"

# --- a part that dies ----------------------------------------------------------------------------
kill -KILL "$(pgrep -f "$BERTH_VAR/node.conf")"
until_ok "the node's end is said" grep -q 'the node ended' "$log"
until_ok "the node does not come back" taken "$PORT_BASE"
kill -KILL "$(pgrep -f "$BERTH_VAR/control.conf")"
until_ok "the control plane's end is said" grep -q 'the control plane ended' "$log"
until_ok "the control plane does not come back" berth status
# Both at once: while it starts one again the other has ended already.
said() { [ "$(grep -c "$1 ended" "$log")" = "$2" ]; }
kill -KILL "$(pgrep -f "$BERTH_VAR/node.conf")" "$(pgrep -f "$BERTH_VAR/control.conf")"
until_ok "the end of one of two is not said" said 'the node' 2
until_ok "the end of one of two is not said" said 'the control plane' 2
until_ok "one of two does not come back" taken "$PORT_BASE"
grep -q "$root/deploy" "$log" && fail "bash says something, too"
until_ok "one of two does not come back" berth status

# --- stop, start again ---------------------------------------------------------------------------
"$run" --stop >/dev/null || fail "stop"
[ ! -e "$BERTH_VAR/env" ] || fail "env is left"
nothing_left || fail "left: $(pgrep -af "$BERTH_VAR/(control|node).conf|$(pg_folder)")"

# --- what is missing, what is damaged -------------------------------------------------------------
for file in "$BERTH_VAR/master.key" "$BERTH_VAR/admin.token"; do
    mv "$file" "$dir/kept"
    refused "$file is missing.*make reset" "$run"
    mv "$dir/kept" "$file"
done
mv "$(pg_folder)/data" "$(pg_folder)/moved"
refused "the database is missing.*make reset" "$run"
mv "$(pg_folder)/moved" "$(pg_folder)/data"
seed_a=$(grep '^SU' "$TEAM_A_CREDS") seed_b=$(grep '^SU' "$TEAM_B_CREDS")
head -c 200 /dev/zero >"$TEAM_A_CREDS"
sed -i '/^SU/d' "$TEAM_B_CREDS"
echo damaged >"$BERTH_VAR/team-b.token"
start
for file in "$TEAM_A_CREDS" "$TEAM_B_CREDS"; do
    grep '^SU' "$file" | grep -Fvqe "$seed_a" -e "$seed_b" || fail "$file is not issued anew"
done
[ "$(berth account show team-a -o json | grep '"id"')" = "$id" ] || fail "the data is not the same"
kill -TERM $pid
wait $pid || fail "SIGTERM: exit code $?"
nothing_left || fail "left after SIGTERM"

# --- a database that belongs to nothing any longer ------------------------------------------------
put_aside() {
    local folder
    folder=$(sed -n "s/.*$1.*put aside as //p" "$log")
    [ -n "$folder" ] && [ -d "$folder/base" ] || fail "put aside: $(ls "$(pg_folder)")"
}
# As root the database is elsewhere, and survives its clone.
find "$BERTH_VAR" -mindepth 1 -maxdepth 1 ! -name pg -exec rm -rf {} +
start_until '^  system '
put_aside 'a clone that is gone'
# What it started is still ending; without its files the next one does not know.
until_ok "what a killed one started does not end" nothing_left
# The administrator was made, and his token is lost.
find "$BERTH_VAR" -mindepth 1 -maxdepth 1 ! -name pg ! -name master.key ! -name admin.asked \
    -exec rm -rf {} +
start_until '^  system '
put_aside 'made its administrator'
until_ok "what a killed one started does not end" nothing_left

# --- no room, no right ----------------------------------------------------------------------------
in_namespace=(unshare -m)
[ "$(id -u)" = 0 ] || in_namespace=(unshare -rm)
if "${in_namespace[@]}" true 2>/dev/null; then
    for options in size=512k ro; do
        refused "nothing can be written in $dir/small/var" "${in_namespace[@]}" bash -c \
            'mkdir -p "$1" && mount -t tmpfs -o "$2" none "$1" && BERTH_VAR=$1/var exec "$3"' \
            bash "$dir/small" $options "$run"
    done
else
    echo "no mount namespaces here: a full and a read-only var/ are left out"
fi

# --- reset ---------------------------------------------------------------------------------------
YES=1 "$run" --reset >/dev/null || fail "reset"
[ ! -e "$BERTH_VAR" ] && [ ! -e "$(pg_folder)" ] || fail "reset left something"
echo "ok"
