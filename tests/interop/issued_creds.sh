#!/bin/bash
# issued_creds.sh BIN: the nats CLI on our node, with credentials that our control plane has issued
# and with the context that it wrote; who is revoked or deleted comes in no more.
set -u
bin=$(cd "$1" && pwd) || exit 1
nats=${BERTH_PEER_NATS:-$(command -v nats)}

[ -x "$nats" ] || { echo "skipped: no nats CLI (BERTH_PEER_NATS or PATH)"; exit 77; }
[ -n "${BERTH_TEST_PG:-}" ] || { echo "skipped: no PostgreSQL (BERTH_TEST_PG)"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-issued.XXXXXX") || exit 1
database=berth_issued_$$
pids=() control=
end() {
    for pid in "${pids[@]}" ${control:+"$control"}; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    drop_database
    rm -rf "$work"
}
trap end EXIT
. "$(dirname "$0")/lib/stage.sh"
checks=0
fail() {
    echo "FAIL: $*"
    tail -n 15 "$work"/*.log "$work/out" 2>/dev/null
    exit 1
}
berth() { timeout 60 "$bin/berth" "$@" >"$work/out" 2>&1 || fail "berth $*"; }
# want NAME TEXT COMMAND...: it succeeds, and says TEXT somewhere.
want() {
    local name=$1 text=$2
    shift 2
    timeout 20 "$@" >"$work/out" 2>&1 || fail "$name: exit code $?"
    grep -qF -- "$text" "$work/out" || fail "$name: \"$text\" is not in what it says"
    checks=$((checks + 1))
}
refused() {
    local name=$1
    shift
    timeout 20 "$@" >"$work/out" 2>&1 && fail "$name: it is not refused"
    grep -qi "authorization violation" "$work/out" || fail "$name: another failure"
    checks=$((checks + 1))
}

# --- the control plane, a node, an account with two users ---
start_control
berth login --url "http://127.0.0.1:$control_port" --bootstrap-file "$work/bootstrap" --name admin
berth operator create main --out "$work/operator.seed"
berth system create main --url "nats://127.0.0.1:$node_port"
timeout 60 "$bin/berth" system server-config main --node node-1 --listen 127.0.0.1 \
    --port "$node_port" --data "$work/data" >"$work/node.conf" || fail "server-config"
"$bin/berth-broker" -c "$work/node.conf" -l "$work/node.log" &
pids+=($!)
until_true "the node is ready" bash -c "'$bin/berth' system nodes main | grep -q ' ready '"
berth plan create standard --default --limit connections=10
berth team create payments
berth token create ci --team payments --role team_admin --expires 1d --out "$work/token"
export BERTH_API=http://127.0.0.1:$control_port BERTH_TOKEN
BERTH_TOKEN=$(cat "$work/token")
berth account create orders --wait
for user in app other; do
    berth user create $user --account orders
done
berth creds issue app --account orders --out "$work/app.creds" --nats-context orders \
    --url "nats://127.0.0.1:$node_port"
berth creds issue other --account orders --out "$work/other.creds"

# --- the tool, by the context and by the file ---
url=nats://127.0.0.1:$node_port
app=("$nats" --context orders --timeout 3s)
other=("$nats" --server "$url" --creds "$work/other.creds" --timeout 3s)
want "rtt" "$url" "${app[@]}" rtt
want "account info" "orders" "${app[@]}" account info
want "who the user is" "app (U" "${app[@]}" account info
want "check connection" "OK" "${app[@]}" server check connection
"${other[@]}" sub 'a.>' --raw >"$work/sub.log" 2>&1 &
pids+=($!)
until_true "what is published arrives" bash -c \
    "'$nats' --context orders pub a.begin begin; grep -q begin '$work/sub.log'"
want "pub" "Published 5 bytes" "${app[@]}" pub a.b hello
until_true "it is heard" grep -q hello "$work/sub.log"
"${app[@]}" reply svc.echo --echo >"$work/reply.log" 2>&1 &
pids+=($!)
until_true "the responder listens" grep -q Listening "$work/reply.log"
want "request" "question" "${other[@]}" request svc.echo question --raw
want "report connections" "Connections" "${app[@]}" account report connections
want "report statistics" "Statistics" "${app[@]}" account report statistics

# --- the end of a user, and of the account ---
berth user delete other --account orders --yes --wait
refused "a deleted user" "${other[@]}" pub a.b x
want "the other stays" "Published" "${app[@]}" pub a.b again
berth account delete orders --yes --wait=60
refused "a deleted account" "${app[@]}" pub a.b x
echo "ok   issued_creds: $checks checks"
