#!/bin/bash
# valgrind.sh BIN COMMAND ARGUMENT...: runs COMMAND WRAPPED ARGUMENT..., where WRAPPED is a folder
# with the programs of BIN, each run by valgrind; what valgrind finds in any of them fails it.
#
# Errors and memory that is lost for certain count; what a library keeps until the end does not.
set -u
command -v valgrind >/dev/null || { echo "valgrind is not installed: deploy/install-deps.sh --dev" >&2; exit 1; }
bin=$(cd "$1" && pwd) || exit 1
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-valgrind.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" || exit 1
for program in "$bin"/*; do
    cat >"$work/bin/$(basename "$program")" <<EOF
#!/bin/sh
exec valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite \\
    --error-exitcode=99 --log-file="$work/report.%p" "$program" "\$@"
EOF
    chmod +x "$work/bin/$(basename "$program")"
done

command=$1
shift
"$command" "$work/bin" "$@"
status=$?
for report in "$work"/report.*; do
    [ -s "$report" ] || continue
    status=1
    echo "FAIL: valgrind found something in process ${report##*.}:"
    head -c 20000 "$report"
done
exit $status
