#!/bin/bash
# run.sh FOLDER SECONDS: runs each fuzz target in FOLDER for SECONDS, as many at once as there are
# cores; stops with the target's own output when one finds something.
set -u
folder=$1 seconds=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

one() {
    local target=$1 name
    name=$(basename "$target")
    mkdir -p "$work/$name"
    if (cd "$work/$name" && "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=65536 -print_final_stats=1 "$work/$name" >"$work/$name.log" 2>&1); then
        echo "ok   $name $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log") runs"
    else
        echo "FAIL $name"
        tail -n 60 "$work/$name.log"
        return 1
    fi
}

failed=0 running=0
for target in "$(cd "$folder" && pwd)"/fuzz_*; do
    case $target in *.o | *.d) continue ;; esac
    one "$target" &
    running=$((running + 1))
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
