#!/bin/bash
# nats_cli.sh BIN: the nats CLI on a node, with an operator, accounts and users that `nats auth` made:
# messages, requests, account and server commands; claims pushed, asked for and followed.
set -u
bin=$(cd "$1" && pwd) || exit 1
broker=$bin/berth-broker
nats=${BERTH_PEER_NATS:-$(command -v nats)}

[ -x "$nats" ] || { echo "skipped: no nats CLI (BERTH_PEER_NATS or PATH)"; exit 77; }
[ -x "$broker" ] || { echo "skipped: $broker is not built"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-cli.XXXXXX") || exit 1
pids=()
end() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap end EXIT
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data NO_COLOR=1
unset NATS_URL NATS_CREDS NATS_CONTEXT

checks=0
fail() {
    echo "FAIL: $*"
    tail -n 30 "$work/out" "$work/broker.log" 2>/dev/null
    exit 1
}
# want NAME TEXT COMMAND...: it succeeds, and says TEXT somewhere.
want() {
    local name=$1 text=$2
    shift 2
    timeout 20 "$@" >"$work/out" 2>&1 || fail "$name: exit code $?"
    grep -qF -- "$text" "$work/out" || fail "$name: \"$text\" is not in what it says"
    checks=$((checks + 1))
}
# refused NAME TEXT COMMAND...: it fails, and says TEXT.
refused() {
    local name=$1 text=$2
    shift 2
    timeout 20 "$@" >"$work/out" 2>&1 && fail "$name: it is not refused"
    grep -qiF -- "$text" "$work/out" || fail "$name: \"$text\" is not in what it says"
    checks=$((checks + 1))
}
# until_seen TEXT FILE: it comes within five seconds.
until_seen() {
    for _ in $(seq 100); do
        grep -qF -- "$1" "$2" 2>/dev/null && return
        sleep 0.05
    done
    fail "\"$1\" does not come"
}
# background NAME COMMAND...: runs until the end; its output in NAME.log.
background() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
}

# --- an operator, two accounts, their users ---
store=$work/data/nats/nsc/stores/OP
auth() {
    timeout 30 "$nats" auth "$@" >"$work/out" 2>&1 || fail "nats auth $*"
}
auth operator add OP
auth account add A --defaults
auth account add B --defaults
for user in a:A b:B sys:SYSTEM; do
    auth user add "${user%:*}" "${user#*:}" --defaults
    auth user credential "$work/${user%:*}.creds" "${user%:*}" "${user#*:}"
done
id_of() {
    cut -d. -f2 "$store/accounts/$1/$1.jwt" | tr '_-' '/+' | sed 's/$/===/' | base64 -d 2>/dev/null |
        sed -n 's/.*"sub":"\([A-Z0-9]*\)".*/\1/p'
}
system=$(id_of SYSTEM)
[ ${#system} -eq 56 ] || fail "the system account's key is not found"
mkdir "$work/ports"
cat >"$work/node.conf" <<CONF
server_name: node-1
server_tags: [one, "place:here"]
operator: $store/OP.jwt
system_account: $system
resolver { type: full, dir: "$work/jwt", allow_delete: true }
resolver_preload { $system: $(cat "$store/accounts/SYSTEM/SYSTEM.jwt") }
CONF

# --- the node ---
"$broker" -t -c "$work/node.conf" 2>"$work/out" || fail "the configuration is refused"
"$broker" -c "$work/node.conf" -a 127.0.0.1 -p -1 --ports_file_dir "$work/ports" \
    >"$work/broker.log" 2>&1 &
broker_pid=$!
pids+=($broker_pid)
for _ in $(seq 100); do
    url=$(sed -n 's/.*"nats":\["\([^"]*\)".*/\1/p' "$work"/ports/*.ports 2>/dev/null)
    [ -n "$url" ] && break
    kill -0 $broker_pid 2>/dev/null || fail "the node does not start"
    sleep 0.05
done
[ -n "$url" ] || fail "the node says no port"
run_as() {
    local who=$1
    shift
    echo "$nats" --server "$url" --creds "$work/$who.creds" --timeout 3s "$@"
}
a="$(run_as a)" b="$(run_as b)" sys="$(run_as sys)"

# --- claims ---
refused "an account nobody pushed" "authorization violation" $a pub x y
want "push A" "Success 1 Failed 0 Expected 1" $sys auth account push A
want "push B" "Success 1 Failed 0 Expected 1" $sys auth account push B
want "push A again" "Success 1 Failed 0 Expected 1" $sys auth account push A
want "query A" "$(id_of A)" $sys auth account query A
[ -f "$work/jwt/$(id_of A).jwt" ] || fail "the account's file is not there"

# --- messages ---
background sub_a $a sub 'x.>' --raw
background sub_b $b sub '>'
until_seen "Subscribing on" "$work/sub_b.log"
for _ in $(seq 40); do # the CLI says nothing once a raw subscription stands
    $a pub x.begin begin >/dev/null 2>&1
    grep -q begin "$work/sub_a.log" && break
    sleep 0.1
done
want "pub" "Published 5 bytes" $a pub x.1 hello
until_seen hello "$work/sub_a.log"
want "pub with a header" "Published" $a pub -H K:V x.2 with-header
until_seen with-header "$work/sub_a.log"
want "pub many" "100" $a pub x.3 --count 100 'n {{Count}}'
until_seen "n 100" "$work/sub_a.log"
background reply $a reply svc.echo --echo
until_seen "Listening on" "$work/reply.log"
want "request" "question" $a request svc.echo question --raw
timeout 20 $b request svc.echo question >"$work/out" 2>&1
grep -q "^question" "$work/out" && fail "B was answered by A"
checks=$((checks + 1))
grep -q hello "$work/sub_b.log" && fail "B heard A"
checks=$((checks + 1))

# --- who am I, how far is it ---
want "rtt" "$url" $a rtt
want "account info" "$(id_of A)" $a account info
want "account info of the system" "System Account: true" $sys account info
want "check connection" "OK" $a server check connection

# --- the node, seen from the system account ---
want "server ping" "node-1" $sys server ping 1
want "server list" "node-1" $sys server list 1
want "server info" "2.14.3" $sys server info node-1
want "report connections" "$(id_of A | cut -c1-8)" $sys server report connections
want "report connections of an account" "Connections" $sys server report connections --account "$(id_of A)"
want "report accounts" "$(id_of B | cut -c1-8)" $sys server report accounts
want "request variables" '"server_name":"node-1"' $sys server request variables --name node-1
want "request connections" '"connections"' $sys server request connections --name node-1
want "request subscriptions" '"num_subscriptions"' $sys server request subscriptions --name node-1
want "request accounts" '"accounts"' $sys server request accounts --name node-1
want "request health" 'ok' $sys server request jetstream-health --name node-1
want "request jetstream" '"disabled":true' $sys server request jetstream --name node-1
want "account report" "$(id_of A | cut -c1-8)" $sys server report accounts "$(id_of A)"
want "report connections from an account" "Connections" $a account report connections
want "report statistics from an account" "Statistics" $a account report statistics

# --- events ---
background events $sys events --all
until_seen "Listening for" "$work/events.log"
want "pub after events" "Published" $b pub y z
until_seen "Client Connection" "$work/events.log"

# --- live connections follow ---
auth account edit A --connections 1
want "push a limit" "Success 1 Failed 0 Expected 1" $sys auth account push A
refused "beyond the limit" "maximum account active connections exceeded" $a pub x y
auth account edit A --connections 50
want "push no limit" "Success 1 Failed 0 Expected 1" $sys auth account push A
want "pub within the limit" "Published" $a pub x.4 again

# --- the end ---
kill -INT $broker_pid
wait $broker_pid
[ $? -eq 0 ] || fail "the node does not end well"
until_seen "Server Exiting" "$work/broker.log"
ls "$work"/ports/*.ports >/dev/null 2>&1 && fail "the ports file is left"
echo "ok   nats_cli: $checks checks"
