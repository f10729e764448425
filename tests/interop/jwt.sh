#!/bin/bash
# jwt.sh BIN: keys, tokens and creds files made here are taken by stock nats-server and the nats
# CLI; what `nats auth` makes is taken here.
set -u
bin=$(cd "$1" && pwd) || exit 1
tool=$bin/../tests/interop/jwt_tool
server=${BERTH_PEER_NATS_SERVER:-$(command -v nats-server)}
nats=${BERTH_PEER_NATS:-$(command -v nats)}

[ -x "$server" ] || { echo "skipped: no nats-server (BERTH_PEER_NATS_SERVER or PATH)"; exit 77; }
[ -x "$nats" ] || { echo "skipped: no nats CLI (BERTH_PEER_NATS or PATH)"; exit 77; }
[ -x "$tool" ] || { echo "skipped: $tool is not built (make interop builds it)"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-jwt.XXXXXX") || exit 1
pid=
stop_server() {
    [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    pid=
}
trap 'stop_server; rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data

fail() {
    echo "FAIL: $*"
    [ -f "$work/server.log" ] && tail -n 20 "$work/server.log"
    exit 1
}

# Starts stock with a configuration, on a port of its own; sets url.
start_server() {
    rm -rf "$work/ports" && mkdir "$work/ports"
    "$server" -c "$1" -a 127.0.0.1 -p -1 --ports_file_dir "$work/ports" >"$work/server.log" 2>&1 &
    pid=$!
    for _ in $(seq 100); do
        url=$(sed -n 's/.*"nats":\["\([^"]*\)".*/\1/p' "$work"/ports/*.ports 2>/dev/null)
        [ -n "$url" ] && return
        kill -0 "$pid" 2>/dev/null || fail "stock does not start with our operator"
        sleep 0.05
    done
    fail "stock does not start"
}

as() {
    local user=$1
    shift
    "$nats" -s "$url" --creds "$work/made/$user.creds" --timeout 3s "$@"
}

mkdir "$work/made"
"$tool" make "$work/made" || fail "jwt_tool make"
"$tool" check "$work"/made/{identity,signing,limited,scoped,sys}.creds "$work"/made/*.jwt ||
    fail "our own tokens"

# 1. Stock in operator mode, accounts from memory.
{
    echo "resolver: MEMORY"
    cat "$work/made/operator.conf"
} >"$work/memory.conf"
start_server "$work/memory.conf"
for user in identity signing limited scoped sys; do
    as "$user" rtt >"$work/out" 2>&1
    grep -q '=> ' "$work/out" || grep -qE '[0-9](µs|ms)' "$work/out" ||
        fail "$user: rtt: $(cat "$work/out")"
done
for user in expired elsewhere; do
    as "$user" pub x y >"$work/out" 2>&1 && fail "$user is let in"
    grep -qi 'authorization violation' "$work/out" || fail "$user: $(cat "$work/out")"
done

as signing reply ask.me answer --count 1 >"$work/reply" 2>&1 &
reply=$!
for _ in $(seq 20); do
    as limited req mine.nobody x >/dev/null 2>&1
    answer=$(as identity req --raw ask.me hello 2>/dev/null)
    [ -n "$answer" ] && break
done
wait "$reply"
[ "$(echo "$answer" | head -n 1)" = answer ] || fail "request and reply: $answer"

# A message arrives, and the scope of a signing key holds.
as identity sub 'scoped.>' --count 1 --raw >"$work/sub" 2>&1 &
sub=$!
for _ in $(seq 50); do
    as scoped pub scoped.scoped.x hello >/dev/null 2>&1
    kill -0 "$sub" 2>/dev/null || break
    sleep 0.05
done
kill -0 "$sub" 2>/dev/null && { kill "$sub"; fail "the message of the scoped user does not arrive"; }
grep -q hello "$work/sub" || fail "the message of the scoped user: $(cat "$work/sub")"
for case in "scoped scoped.other.x" "scoped elsewhere" "limited elsewhere"; do
    set -- $case
    as "$1" pub "$2" x >"$work/out" 2>&1
    grep -qi 'permissions violation' "$work/out" || fail "$1 may publish to $2: $(cat "$work/out")"
done
as signing account info 2>/dev/null | grep -q "$(cat "$work/made/account.key")" ||
    fail "account info does not name the account"
stop_server

# 2. Stock with a folder of accounts: it takes our update, gives it back, and deletes on our word.
{
    echo "resolver: { type: full, dir: \"$work/jwt\", allow_delete: true }"
    cat "$work/made/operator.conf"
} >"$work/full.conf"
start_server "$work/full.conf"
as sys req --raw '$SYS.REQ.CLAIMS.UPDATE' "$(cat "$work/made/update.jwt")" >"$work/out" 2>&1
grep -q '"code":200,"message":"jwt updated"' "$work/out" || fail "update: $(cat "$work/out")"
account=$(cat "$work/made/account.key")
as sys req --raw "\$SYS.REQ.ACCOUNT.$account.CLAIMS.LOOKUP" '' >"$work/out" 2>&1
[ "$(head -n 1 "$work/out")" = "$(cat "$work/made/update.jwt")" ] || fail "lookup: $(cat "$work/out")"
as sys req --raw '$SYS.REQ.CLAIMS.DELETE' "$(cat "$work/made/delete.jwt")" >"$work/out" 2>&1
grep -q '"message":"deleted 1 accounts"' "$work/out" || fail "delete: $(cat "$work/out")"
stop_server

# 3. What the nats CLI makes.
{
    "$nats" auth operator add theirs --signing-key &&
        "$nats" auth operator select theirs &&
        "$nats" auth account add T --operator theirs --jetstream --js-disk 1GB --js-memory 1GB \
            --js-disk-stream 1GB --js-memory-stream 1GB --js-streams 10 --js-consumers 10 \
            --js-max-pending 100 --js-stream-size-required --connections 10 --tags team:blue \
            --no-bearer --defaults &&
        "$nats" auth account keys add T --unscoped --operator theirs &&
        "$nats" auth account keys add T role --operator theirs --subscriptions 5 --payload 1MB \
            --pub-allow 'x.{{name()}}.>' --sub-allow 'y.{{tag(team)}}' --no-bearer &&
        "$nats" auth account exports add news 'news.>' T --operator theirs &&
        "$nats" auth account exports add time time.now T --operator theirs --service &&
        "$nats" auth user add u1 T --operator theirs --no-bearer --defaults \
            --credential "$work/u1.creds"
} >"$work/out" 2>&1 || fail "nats auth: $(tail -n 3 "$work/out")"
scoped=$("$nats" auth account keys ls T --operator theirs 2>/dev/null |
    sed -n 's/.*\(A[A-Z2-7]\{55\}\).*role.*/\1/p' | head -n 1)
if [ -n "$scoped" ]; then
    "$nats" auth user add u2 T --operator theirs --key "$scoped" --defaults \
        --credential "$work/u2.creds" >"$work/out" 2>&1 || fail "nats auth: $(cat "$work/out")"
fi
find "$XDG_DATA_HOME" "$work"/u?.creds -type f \
    \( -name '*.jwt' -o -name '*.nk' -o -name '*.creds' \) -print0 >"$work/files"
xargs -0 "$tool" check <"$work/files" || fail "tokens of nats auth"
[ "$(tr '\0' '\n' <"$work/files" | grep -cE '(jwt|creds)$')" -ge 5 ] || fail "nats auth made too little"
