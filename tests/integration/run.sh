#!/bin/bash
# run.sh BIN: runs every tests/integration/test_*.sh with the programs in BIN, two at a time.  A
# script says "skipped: why" and exits 77 when it lacks something that is not required.
set -u
bin=$(cd "$1" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd)
logs=$(mktemp -d "${TMPDIR:-/tmp}/berth-integration.XXXXXX") || exit 1
trap 'rm -rf "$logs"' EXIT

one() {
    local name rc
    name=$(basename "$1" .sh)
    "$here/../sanitized.sh" "$1" "$bin" >"$logs/$name.log" 2>&1
    rc=$?
    case $rc in
    0) echo "ok   $name" ;;
    77) echo "$name: $(grep -m1 '^skipped:' "$logs/$name.log")" ;;
    *)
        echo "FAIL $name (exit $rc)"
        tail -n 80 "$logs/$name.log"
        return 1
        ;;
    esac
}

failed=0 running=0
for script in "$here"/test_*.sh; do
    [ -x "$script" ] || continue
    one "$script" &
    running=$((running + 1))
    if [ "$running" -ge 2 ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
