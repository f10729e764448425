#!/bin/bash
# stock_node.sh BIN: the control plane drives a stock nats-server as its node: it starts with the
# configuration that we wrote, claims are stored there, issued credentials work, the system's usage
# is metered, and a deleted account is gone and stays gone over a restart of the node.
set -u
bin=$(cd "$1" && pwd) || exit 1
stock=${BERTH_PEER_NATS_SERVER:-$(command -v nats-server)}
nats=${BERTH_PEER_NATS:-$(command -v nats)}

[ -x "$stock" ] || { echo "skipped: no stock nats-server (BERTH_PEER_NATS_SERVER or PATH)"; exit 77; }
[ -x "$nats" ] || { echo "skipped: no nats CLI (BERTH_PEER_NATS or PATH)"; exit 77; }
[ -n "${BERTH_TEST_PG:-}" ] || { echo "skipped: no PostgreSQL (BERTH_TEST_PG)"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-stock.XXXXXX") || exit 1
database=berth_stock_$$
control= node=
end() {
    [ -n "$node" ] && kill "$node" 2>/dev/null && wait "$node" 2>/dev/null
    [ -n "$control" ] && kill "$control" 2>/dev/null && wait "$control" 2>/dev/null
    drop_database
    rm -rf "$work"
}
trap end EXIT
. "$(dirname "$0")/lib/stage.sh"
berth() { timeout 60 "$bin/berth" "$@"; }
fail() {
    echo "FAIL: $*"
    tail -n 15 "$work"/*.log
    exit 1
}
start_node() {
    "$stock" -c "$work/node.conf" -l "$work/node.log" &
    node=$!
    until_true "the node listens" bash -c "exec 3<>/dev/tcp/127.0.0.1/$node_port"
}

start_control

berth login --url "http://127.0.0.1:$control_port" --bootstrap-file "$work/bootstrap" --name admin \
    >/dev/null || fail "login"
berth operator create stock --out "$work/operator.seed" >/dev/null || fail "operator"
berth system create main --url "nats://127.0.0.1:$node_port" >/dev/null || fail "system"
berth system server-config main --node stock-1 --listen 127.0.0.1 --port "$node_port" \
    --data "$work/data" >"$work/node.conf" || fail "server-config"
"$stock" -t -c "$work/node.conf" >"$work/check.log" 2>&1 || fail "the stock server refuses our configuration"
start_node
until_true "the node is ready" bash -c "'$bin/berth' system nodes main | grep -q ' ready '"

berth plan create standard --default --limit connections=10 >/dev/null || fail "plan"
berth team create payments >/dev/null || fail "team"
berth token create ci --team payments --role team_admin --expires 1d --out "$work/token" >/dev/null ||
    fail "token"
export BERTH_API=http://127.0.0.1:$control_port BERTH_TOKEN
BERTH_TOKEN=$(cat "$work/token")
berth account create orders --wait >/dev/null || fail "account: not stored on the node"
berth user create app --account orders >/dev/null || fail "user"
berth creds issue app --account orders --out "$work/app.creds" >/dev/null || fail "creds"

url=nats://127.0.0.1:$node_port
"$nats" -s "$url" --creds "$work/app.creds" sub 'a.>' --count 3 >"$work/sub.log" 2>&1 &
sub=$!
until_true "the subscriber listens" grep -q Subscribing "$work/sub.log"
"$nats" -s "$url" --creds "$work/app.creds" rtt >/dev/null 2>&1 || fail "rtt with our credentials"
until_true "three messages arrive" bash -c \
    "'$nats' -s '$url' --creds '$work/app.creds' pub a.b hello; ! kill -0 $sub 2>/dev/null"
until_true "the account is applied once it is loaded" bash -c \
    "'$bin/berth' account push orders && '$bin/berth' account sync orders -o json | grep -q '\"applied\": \"current\"'"
until_true "usage is metered" bash -c \
    "'$bin/berth' usage current --account orders -o json | grep -Eq '\"month_msgs_in\": [1-9]'"

berth account delete orders --yes --wait=60 >/dev/null || fail "delete"
timeout 20 "$nats" -s "$url" --creds "$work/app.creds" pub x y >/dev/null 2>&1 && fail "a deleted account lets in"
kill "$node" && wait "$node" 2>/dev/null
start_node
timeout 20 "$nats" -s "$url" --creds "$work/app.creds" pub x y >/dev/null 2>&1 && fail "a deleted account came back"
[ "$(find "$work/data" -name '*.jwt' | wc -l)" = 1 ] || fail "more than the system account is stored"
echo "ok: a stock node under our control plane"
