#!/bin/bash
# test_broker_process.sh BIN: berth-broker as a process: flags, exit codes, log lines, pid file, ports
# file, signals, configuration check.  What programs that start servers depend on.
set -u
bin=$(cd "$1" && pwd) || exit 1
broker=$bin/berth-broker
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-process.XXXXXX") || exit 1
pid=
end() {
    [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null
    rm -rf "$work"
}
trap end EXIT
cd "$work" || exit 1

fail() {
    echo "FAIL: $*"
    tail -n 20 out err log 2>/dev/null
    exit 1
}
# runs CODE ARGUMENT...: out and err have what it says.
runs() {
    local code=$1 got
    shift
    timeout 60 "$broker" "$@" >out 2>err
    got=$?
    [ "$got" = "$code" ] || fail "berth-broker $*: exit $got, not $code"
}
says() { # FILE TEXT
    grep -qF -- "$2" "$1" || fail "\"$2\" is not in $1"
}
until_says() { # FILE TEXT
    for _ in $(seq 3000); do
        grep -qF -- "$2" "$1" 2>/dev/null && return
        sleep 0.02
    done
    fail "\"$2\" does not come in $1"
}
start() { # ARGUMENT...
    rm -f log
    "$broker" -a 127.0.0.1 -p -1 "$@" 2>log &
    pid=$!
    until_says log "Server is ready"
}
ends() { # SIGNAL CODE
    kill "-$1" "$pid" || fail "it is gone before SIG$1"
    wait "$pid"
    local got=$?
    pid=
    [ "$got" = "$2" ] || fail "SIG$1: exit $got, not $2"
}

# --- flags that are answered at once ---
for flag in -v --version -version version; do
    runs 0 "$flag"
    [ "$(cat out)" = "nats-server: v2.14.3 (berth-broker $(sed 's/.*broker \(.*\))/\1/' out))" ] ||
        fail "$flag says $(cat out)"
done
for flag in -h --help help; do
    runs 0 "$flag"
    says out "Usage: berth-broker"
done
runs 0 -zz
says out "Usage:"
says err "flag provided but not defined: -zz"
runs 1 word
says err 'nats-server: unrecognized command: "word"'
runs 1 -t
says err "must specify [-c, --config] option to check configuration file syntax"
runs 1 -c nope
says err "nats-server: open nope: no such file or directory"
runs 1 -js
says err "nats-server: not supported yet: -js"
runs 1 --signal stop=nonsense
says err "invalid pid: nonsense"
runs 1 -p -1 -l nowhere/log
says err "error opening file: open nowhere/log: no such file or directory"
runs 1 -p -1 -P nowhere/pid
says err "[FTL] Could not write pidfile: open nowhere/pid: no such file or directory"
runs 1 -p -1 -a 192.0.2.1
says err '"listen tcp 192.0.2.1:0: bind: cannot assign requested address"'
for port in 65536 -2; do
    runs 1 -p -1 -m $port
    says err "[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp: address $port: invalid port"
done
runs 1 -p -1 -n "a b"
says err "nats-server: server name cannot contain spaces"

# --- the configuration checked ---
echo 'port: 4222' >good.conf
runs 0 -t -c good.conf
says err "nats-server: configuration file good.conf is valid (sha256:797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07ed751575a5737267e)"
printf 'port: 4222\nfoo: 1\ncluster { name: c }\n' >bad.conf
runs 1 -t -c bad.conf
says err 'nats-server: bad.conf:2:1: unknown field "foo"'
says err 'not supported yet: cluster (bad.conf:3)'
printf 'port: 4222\nfoo {' >torn.conf
runs 1 -c torn.conf
says err "nats-server: "
says err "Parse error on line 2"

# --- a run: log, files, the name it was started by ---
ln -s "$broker" nats-server
mkdir ports
printf 'port: 1\nlogtime: true\n' >run.conf
./nats-server -c run.conf -a 127.0.0.1 -p -1 -m -1 -P pid --ports_file_dir ports 2>log &
pid=$!
until_says log "Server is ready"
grep -qE "^\[$pid\] [0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}\.[0-9]{6} \[INF\] Server is ready$" log ||
    fail "the log's lines are of another form"
grep -qE 'Listening for client connections on 127\.0\.0\.1:[0-9]+$' log || fail "it does not say where"
grep -qE 'Starting http monitor on 127\.0\.0\.1:[0-9]+$' log || fail "it does not say where http is"
[ "$(cat pid)" = "$pid" ] || fail "the pid file says $(cat pid)"
[ "$(wc -l <pid)" = 0 ] || fail "the pid file has a newline"
until_says "ports/nats-server_$pid.ports" '"nats":["nats://127.0.0.1:'
says "ports/nats-server_$pid.ports" '"monitoring":["http://127.0.0.1:'
port=$(sed -n 's/.*nats:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "ports/nats-server_$pid.ports")
exec 3<>"/dev/tcp/127.0.0.1/$port" || fail "nobody listens there"
read -r -u 3 info
case $info in
"INFO {"*'"version":"2.14.3"'*) ;;
*) fail "it greets with $info" ;;
esac
runs 1 -a 127.0.0.1 -p "$port"
says err "[FTL] Error listening on port: 127.0.0.1:$port, \"listen tcp 127.0.0.1:$port: bind: address already in use\""
kill -HUP "$pid"
until_says log "not supported yet"
kill -USR1 "$pid"
until_says log "File log re-open ignored, not a file logger"
ends INT 0 # with a client connected
says log 'Trapped "interrupt" signal'
says log "Initiating Shutdown..."
says log "Server Exiting.."
[ -e "ports/nats-server_$(cat pid).ports" ] && fail "the ports file is left"
exec 3<&-

# --- signals ---
start
ends TERM 0
start -T=false
grep -q "^\[$pid\] \[INF\] Server is ready$" log || fail "-T=false leaves the time"
runs 0 --signal quit="$pid"
wait "$pid" || fail "--signal quit: exit $?"
start -P pid2
runs 0 -sl term=pid2
wait "$pid" || fail "--signal by a pid file: exit $?"
start
ends USR2 0 # lame duck, and nobody to wait for
says log "Entering lame duck mode, stop accepting new clients"
echo 'lame_duck_grace_period: "10ms"' >duck.conf
start -c duck.conf
port=$(sed -n 's/.*client connections on 127\.0\.0\.1:\([0-9]*\)$/\1/p' log)
exec 3<>"/dev/tcp/127.0.0.1/$port"
read -r -u 3 info
ends USR2 0
says log "Closing existing clients"
exec 3<&-
start
ends KILL 137

# --- a lame duck is not healthy; who was refused is said ---
# Time enough to log in, and to look while it is one.
printf '%s\n' 'authorization { user: bob, password: sesame, timeout: 60 }' 'http: "127.0.0.1:-1"' \
    'lame_duck_grace_period: "60s"' 'lame_duck_duration: "5m"' >bob.conf
start -c bob.conf
port=$(sed -n 's/.*client connections on 127\.0\.0\.1:\([0-9]*\)$/\1/p' log)
http=$(sed -n 's/.*http monitor on 127\.0\.0\.1:\([0-9]*\)$/\1/p' log)
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'CONNECT {"user":"bob","pass":"open"}\r\n' >&3
until_says log 'authentication error - User "bob": '
exec 3<>"/dev/tcp/127.0.0.1/$port"
read -r -u 3 info
printf 'CONNECT {"user":"bob","pass":"sesame","verbose":false}\r\nPING\r\n' >&3
read -r -u 3 answer
[ "$answer" = $'PONG\r' ] || fail "bob is not let in: $answer"
exec 4<>"/dev/tcp/127.0.0.1/$port"
printf 'CONNECT {"user":"bob","pass":"sesame","verbose":false,"name":"odd"}\r\nNONSENSE\r\n' >&4
until_says log ' - "odd" - "$G/user:bob" - Protocol Violation'
kill -USR2 "$pid"
until_says log "Entering lame duck mode"
exec 4<>"/dev/tcp/127.0.0.1/$http"
printf 'GET /healthz HTTP/1.0\r\n\r\n' >&4
read -r -u 4 answer
[[ $answer = "HTTP/1."?" 500 "* ]] || fail "the health of a lame duck: $answer"
exec 3<&- 4<&-
ends INT 0

# --- the protocol in the log, with and without the rest ---
for flags in -V -DV; do
    start $flags --signal=
    port=$(sed -n 's/.*connections on 127\.0\.0\.1:\([0-9]*\)$/\1/p' log)
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'PING\r\n' >&3
    until_says log "[TRC] "
    ends INT 0
    exec 3<&-
    [ "$(grep -c '\[DBG\]' log)" -gt 0 ] && with=-DV || with=-V
    [ $with = $flags ] || fail "$flags logs like $with"
done

# --- a log file, opened again ---
"$broker" -a 127.0.0.1 -p -1 -l file.log 2>err &
pid=$!
until_says file.log "Server is ready"
mv file.log old.log
kill -USR1 "$pid"
until_says file.log "File log re-opened"
ends INT 0
says file.log "Server Exiting.."
[ -s err ] && fail "something is said beside the log file"

# --- the command line wins over the file ---
printf 'listen: "127.0.0.1:1"\nauthorization { token: file, timeout: 60 }\n' >token.conf
"$broker" -c token.conf -p -1 --auth sesame 2>log &
pid=$!
until_says log "Server is ready"
tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q sesame && fail "the token can be read from the process list"
port=$(sed -n 's/.*connections on 127\.0\.0\.1:\([0-9]*\)$/\1/p' log)
exec 3<>"/dev/tcp/127.0.0.1/$port"
read -r -u 3 info
printf 'CONNECT {"auth_token":"sesame","verbose":false}\r\nPING\r\n' >&3
read -r -u 3 answer
[ "$answer" = $'PONG\r' ] || fail "the token of the command line is not taken: $answer"
printf 'SUB a _sys_ 7\r\n' >&3
until_says log 'Subscription Violation - Subject "a", Queue: "_sys_", SID 7'
refused() { # WHO TEXT: asks until the log says it; such lines come 100 ms apart
    for _ in $(seq 200); do
        exec 4<>"/dev/tcp/127.0.0.1/$port"
        printf 'CONNECT {%s}\r\n' "$1" >&4
        cat <&4 >/dev/null
        grep -qF -- "$2" log && return
        sleep 0.02
    done
    fail "\"$2\" does not come in log"
}
refused '"auth_token":"x"' ' - authentication error - Token "[REDACTED]": '
refused '"nkey":"x"' ' - authentication error - Nkey "x": '
refused '"user":"x\"y"' ' - authentication error - User "x\"y": '
exec 3<&- 4<&-
ends INT 0
echo "ok   broker_process"
