#!/bin/bash
# run.sh BIN: everything that needs stock nats-server and the nats CLI.  They are found through
# BERTH_PEER_NATS_SERVER and BERTH_PEER_NATS, or on PATH.  With BERTH_PEERS_REQUIRED=1 a script
# that skips is a failure.
set -u
bin=$(cd "$1" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd)
failed=0
for script in "$here"/*.sh; do
    [ "$(basename "$script")" = run.sh ] && continue
    log=$(mktemp)
    "$script" "$bin" >"$log" 2>&1
    rc=$?
    name=$(basename "$script" .sh)
    if [ $rc = 0 ]; then
        echo "ok   $name"
    elif [ $rc = 77 ] && [ "${BERTH_PEERS_REQUIRED:-}" != 1 ]; then
        echo "$name: $(grep -m1 '^skipped:' "$log")"
    else
        echo "FAIL $name (exit $rc)"
        tail -n 60 "$log"
        failed=1
    fi
    rm -f "$log"
done
exit "$failed"
