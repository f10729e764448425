#!/bin/bash
# sanitized.sh COMMAND...: runs a test; what a sanitizer finds in any process that it starts, even
# in one whose exit status and output nobody looks at, is shown and fails it.
#
# Reports go to files of a folder made for this run, one for each process.  Options that are in
# the environment already are kept, before ours.  Without sanitizers all of this does nothing.
set -u
reports=$(mktemp -d "${TMPDIR:-/tmp}/berth-sanitized.XXXXXX") || exit 1
trap 'rm -rf "$reports"' EXIT

common=halt_on_error=1:log_path=$reports/report
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}$common:detect_leaks=1:exitcode=99"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}$common:print_stacktrace=1"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}$common:second_deadlock_stack=1:exitcode=99"

"$@"
status=$?
for report in "$reports"/report.*; do
    [ -s "$report" ] || continue
    status=1
    echo "FAIL: a sanitizer found something in process ${report##*.}:"
    head -c 20000 "$report"
done
exit $status
