#!/bin/bash
# Compares berth-broker with the stock server and the floor relay, as the project has promised.
#
#   compare.sh [options] BROKER [LINE...]
#
#   --rounds N   rounds for each line; the lowest counts (3)
#   --scale F    fewer messages for a quick look: a fraction of those written here (1)
#   --peer PATH  the stock server; else $BERTH_PEER_NATS_SERVER, else nats-server on PATH
#   --tools DIR  where natsload and floor are (BROKER's ../tests/bench)
#   --json FILE  keep every measurement, a line of JSON each
#   --list       print the names of the lines
#
# A line's servers run in turn, so that the machine's other work meets them all alike.  Read the
# CPU lines as ratios: server CPU-seconds for a million messages.  Without a stock server only
# the floor relay is there to compare with, and those lines are not judged.
# Exit status 1 when a line fails, 2 when something could not be run.
set -u

# NAME|KIND|LIMIT|what it is|messages|natsload's options.
# cpu: at most LIMIT of the stock server's CPU.  slow: the p99 of healthy subscribers, with one
# that has stopped reading, at most LIMIT times that without it.  each: at most LIMIT bytes each.
lines='
pub16|cpu|0.5|published, nobody listens, 16 B|4000000|pub --size 16
pub128|cpu|0.5|published, nobody listens, 128 B|4000000|pub --size 128
1to1-16|cpu|0.5|1 to 1, 16 B|2000000|pub --size 16 --subs 1 --discard
1to1-128|cpu|0.5|1 to 1, 128 B|2000000|pub --size 128 --subs 1 --discard
1to10-16|cpu|0.5|1 to 10, 16 B|400000|pub --size 16 --subs 10 --discard
1to10-128|cpu|0.5|1 to 10, 128 B|400000|pub --size 128 --subs 10 --discard
queue4-16|cpu|0.5|queue group of 4, 16 B|1500000|pub --size 16 --subs 4 --queue q --discard
queue4-128|cpu|0.5|queue group of 4, 128 B|1500000|pub --size 128 --subs 4 --queue q --discard
subjects|cpu|0.5|100,000 subjects over 10, 128 B|1000000|pub --size 128 --subs 10 --subjects 100000 --split --shuffle
req50-16|cpu|0.7|request-reply, 50 outstanding, 16 B|60000|req --size 16 --reqs 50
req50-128|cpu|0.7|request-reply, 50 outstanding, 128 B|60000|req --size 128 --reqs 50
slow|slow|2|healthy p99 beside a stalled one, us||pub --size 1024 --rate 20000 --subs 2 --latency --warmup 1 --secs 6
idle|each|4096|10,000 idle connections, bytes each||conns --conns 10000
subs1|each|300|1,000,000 subscriptions of 1, bytes each||subs --nsubs 1000000 --conns 1
subs100|each|300|1,000,000 subscriptions of 100, bytes each||subs --nsubs 1000000 --conns 100
'

usage() {
    sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

die() {
    echo "compare.sh: $*" >&2
    exit 2
}

rounds=3 scale=1 peer=${BERTH_PEER_NATS_SERVER:-} json=/dev/null tools=
while [ $# -gt 0 ]; do
    case $1 in
    --rounds) rounds=$2 && shift 2 ;;
    --scale) scale=$2 && shift 2 ;;
    --peer) peer=$2 && shift 2 ;;
    --json) json=$2 && shift 2 ;;
    --tools) tools=$2 && shift 2 ;;
    --list)
        printf '%s\n' "$lines" | cut -d'|' -f1 | sed '/^$/d'
        exit 0
        ;;
    -*) usage ;;
    *) break ;;
    esac
done
[ $# -ge 1 ] || usage
ours=$1
shift
wanted=" $* "
[ -n "$tools" ] || tools=$(dirname "$ours")/../tests/bench
[ -x "$ours" ] || die "no such program: $ours"
[ -x "$tools/natsload" ] && [ -x "$tools/floor" ] || die "not built: $tools/natsload, $tools/floor"
[ -n "$peer" ] || peer=$(command -v nats-server) || true
servers="ours stock floor"
if [ -z "$peer" ]; then
    echo "No stock nats-server (BERTH_PEER_NATS_SERVER or PATH): compared with the floor relay alone."
    servers="ours floor"
fi
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge 10500 ] ||
    echo "note: only $(ulimit -n) open files are allowed here; the line idle needs 10,500" >&2

work=$(mktemp -d) || exit 2
declare -A pid port
stop_all() {
    for s in "${!pid[@]}"; do
        kill "${pid[$s]}" 2>/dev/null
        wait "${pid[$s]}" 2>/dev/null
    done
    pid=()
}
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# start SERVER: sets pid and port; where it listens is read from its log as it is written.
start() {
    local line
    mkfifo "$work/log.$1" || exit 2
    case $1 in
    ours) "$ours" -a 127.0.0.1 -p -1 ${BROKER_OPTIONS:-} >"$work/log.$1" 2>&1 & ;;
    stock) "$peer" -a 127.0.0.1 -p -1 >"$work/log.$1" 2>&1 & ;;
    floor) "$tools/floor" 127.0.0.1 0 >"$work/log.$1" 2>&1 & ;;
    esac
    pid[$1]=$!
    port[$1]=
    exec {log}<"$work/log.$1"
    rm -f "$work/log.$1"
    while [ -z "${port[$1]}" ] && read -r -t 20 line <&"$log"; do
        case $line in
        *'Listening for client connections on '*) port[$1]=${line##*:} ;;
        esac
    done
    [ -n "${port[$1]}" ] || die "$1 does not start: ${line:-}"
    cat <&"$log" >/dev/null &
    exec {log}<&-
}

stop() {
    kill "${pid[$1]}" 2>/dev/null
    wait "${pid[$1]}" 2>/dev/null
    unset "pid[$1]"
}

# field NAME: of the JSON line on stdin.
field() { sed -n 's/.*"'"$1"'":\([-0-9.e]*\).*/\1/p' | head -1; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
lower() { [ -z "$1" ] || awk "BEGIN { exit !($2 < $1) }"; } # OLD NEW

# load LABEL SERVER FIELD OPTIONS...: one run of natsload; prints the field, nothing on failure.
load() {
    local label=$1 server=$2 what=$3 mode=$4 out
    shift 4
    out=$("$tools/natsload" "$mode" 127.0.0.1 "${port[$server]}" --json --pid "${pid[$server]}" \
        --label "$label $server" "$@" 2>"$work/err") || cat "$work/err" >&2
    printf '%s\n' "$out" >>"$json"
    printf '%s\n' "$out" | field "$what" | sed '/^0\.0*$/d' # 0: nothing was measured
}

declare -A best
keep() { # SERVER VALUE: the lowest counts
    [ -n "$2" ] || return
    if lower "${best[$1]:-}" "$2"; then best[$1]=$2; fi
}

cpu_line() { # NAME MESSAGES OPTIONS...
    local name=$1 messages=$2 s
    shift 2
    messages=$(awk "BEGIN { printf \"%d\", $messages * $scale }")
    for s in $servers; do start "$s"; done
    for _ in $(seq "$rounds"); do
        for s in $servers; do
            keep "$s" "$(load "$name" "$s" cpu_per_million "$@" --msgs "$messages")"
        done
    done
    for s in $servers; do stop "$s"; done
}

# Healthy alone, then with one that stops reading, each on a server of its own.
slow_line() {
    local name=$1 s
    shift 2
    for _ in $(seq "$rounds"); do
        for s in ${servers% floor}; do # the relay makes everybody wait for the stalled one
            start "$s"
            keep "$s alone" "$(load "$name alone" "$s" p99_us "$@")"
            stop "$s"
            start "$s"
            keep "$s" "$(load "$name" "$s" p99_us "$@" --slow 1)"
            stop "$s"
        done
    done
}

each_line() {
    local name=$1 s kib
    shift 2
    for _ in $(seq "$rounds"); do
        for s in $servers; do
            start "$s"
            kib=$(load "$name" "$s" kib_each "$@")
            keep "$s" "${kib:+$(calc %.0f "1024 * $kib")}"
            stop "$s"
        done
    done
}

failed=0
verdict() { # VALUE LIMIT
    if awk "BEGIN { exit !($1 <= $2) }"; then
        echo PASS
    else
        echo FAIL
        return 1
    fi
}

report() { # KIND LIMIT WHAT
    local kind=$1 limit=$2 what=$3 ratio=- result='not judged' a=${best[ours]:-}
    case $kind in
    cpu) [ -z "${best[stock]:-}" ] || ratio=$(calc %.2f "$a / ${best[stock]}") ;;
    slow) [ -z "${best[ours alone]:-}" ] || ratio=$(calc %.2f "$a / ${best[ours alone]}") ;;
    each) ratio=$a ;;
    esac
    if [ -z "$a" ]; then
        result=FAIL failed=1
    elif [ "$ratio" != - ]; then
        result=$(verdict "$ratio" "$limit") || failed=1
    fi
    [ "$kind" = each ] && ratio=-
    printf '%-42s %10s %10s %10s %8s %6s  %s\n' "$what" "${a:--}" "${best[stock]:--}" \
        "${best[floor]:--}" "$ratio" "$limit" "$result"
    if [ "$kind" = slow ]; then
        printf '%-42s %10s %10s %10s\n' "  (without the stalled one)" "${best[ours alone]:--}" \
            "${best[stock alone]:--}" "${best[floor alone]:--}"
    fi
}

printf '%-42s %10s %10s %10s %8s %6s\n' "lowest of $rounds" ours stock floor ratio limit
known=0
while IFS='|' read -r name kind limit what messages options; do
    [ -n "$name" ] || continue
    case $wanted in
    "  " | *" $name "*) ;;
    *) continue ;;
    esac
    known=$((known + 1))
    best=()
    # shellcheck disable=SC2086 # natsload's options are words
    "${kind}_line" "$name" "$messages" $options
    report "$kind" "$limit" "$what"
done <<<"$lines"
[ "$known" -gt 0 ] || die "no such line: $wanted"
exit "$failed"
