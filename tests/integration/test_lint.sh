#!/bin/bash
# test_lint.sh BIN: make lint does not take a tool that was killed, or that could not run, for one
# that found nothing.  The tools are the test's own.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/berth-lint.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
git -C "$root" rev-parse >/dev/null 2>&1 || { echo "skipped: this is not a clone"; exit 77; }

# tool NAME LINE...: a program on PATH that is this script.
tool() {
    local name=$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$dir/$name" && chmod +x "$dir/$name"
}
lint() { PATH=$dir:$PATH "$root/tests/tidy/tidy.sh" >"$dir/said" 2>&1; }
fail() {
    echo "FAIL: $*"
    tail -n 20 "$dir/said"
    exit 1
}
both_are_well() { tool clang-format 'exit 0' && tool clang-tidy 'exit 0'; }

both_are_well
lint || fail "with tools that find nothing it is not clean"

# Each of them on one file only: the other files do not cover it up.
one='case "$*" in *api/base/buf.c*)'
for name in clang-format clang-tidy; do
    for end in 'kill -9 $$' 'kill -11 $$' 'exit 1' 'echo "api/base/buf.c:1: warning: x"; kill -6 $$' \
        'echo "unknown argument"; exit 1' 'exec /nowhere/tool'; do
        both_are_well
        tool $name "$one $end ;; esac"
        lint && fail "$name, $end: clean"
        grep -q "^api/base/buf.c: $name failed (exit status" "$dir/said" || fail "$name, $end: it is not said"
    done
done

both_are_well
tool clang-tidy "$one echo 'api/base/buf.c:7:1: error: this is a breach [x]'; exit 1 ;; esac"
lint && fail "a breach is clean"
grep -q '^api/base/buf.c:7:1: error: this is a breach' "$dir/said" || fail "the breach is not said"
grep -q 'failed (exit' "$dir/said" && fail "a tool that found something did not fail"
echo ok
