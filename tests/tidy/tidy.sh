#!/bin/bash
# tidy.sh COMPILER-FLAG...: the rules of docs/STYLE.md that a machine can check (make lint).
#
# Prints every breach as FILE:LINE: what, and fails if there is one.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1

out=$(mktemp) && found=$(mktemp) || exit 1
trap 'rm -f "$out" "$found"' EXIT
planes=$(find api dataplane controlplane -name '*.[ch]' | sort)
sources="$planes $(find tests -name '*.[ch]' | sort)"

# FILE:LINE INCLUDED, for the project's own includes.
includes=$(grep -n '^#include "[^"]*/[^"]*"' $planes | sed 's/:#include "\([^"]*\)".*/ \1/')

# Layers: a folder includes itself and what tests/tidy/layers grants it.
echo "$includes" | awk '
    function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
    NR == FNR {
        if (/^[a-z]/) {
            sub(/:$/, "", $1); known[$1] = 1
            for (i = 2; i <= NF; i++) granted[$1, $i] = 1
        }
        next
    }
    {
        from = $1; sub(/:.*/, "", from); from = folder(from); to = folder($2)
        if (!(from in known)) print $1 ": " from " is not in tests/tidy/layers"
        else if (from != to && !((from, to) in granted)) print $1 ": " from " must not include " $2
    }' tests/tidy/layers - >> "$out"

# Modules that include each other in a circle, even through a third.
echo "$includes" | sed 's/:[0-9]*//; s/\.[ch]\>//g' | awk '$1 != $2' | sort -u |
    tsort 2>&1 > /dev/null | sed 's/^tsort: -: input contains a loop:/circle of modules:/' >> "$out"

# Sizes.  A function's body begins with "{" alone at the left edge.
awk '
    function end_file() {
        if (lines > 1000) print file ": " lines " lines; 1000 are the most"
        if (wide > 0) print file ":" first ": wider than 100 columns, " wide " such lines"
        body = wide = 0
    }
    FNR == 1 { end_file() }
    { file = FILENAME; lines = FNR; text = $0; gsub(/[\200-\277]/, "", text) }
    length(text) > 100 { if (wide++ == 0) first = FNR }
    /^\{$/ { body = FNR }
    /^\}/ {
        if (body > 0 && FNR - body - 1 > 70)
            print FILENAME ":" body ": a function of " FNR - body - 1 " lines; 70 are the most"
        body = 0
    }
    END { end_file() }
' $sources >> "$out"

# Calls without a bound, or without a way to tell that they failed.
unsafe='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|alloca|gets|strncpy'
grep -nE "(^|[^A-Za-z0-9_])($unsafe)\(" $sources |
    sed -E 's/^([^:]*:[0-9]+):.*/\1: a call that has no bound/' >> "$out"

# Every module has a unit test at the mirrored path, and a header with its contract.
for module in $(find api dataplane controlplane -mindepth 2 -name '*.c' ! -name main.c); do
    test=tests/unit/${module%/*}/test_${module##*/}
    [ -f "$test" ] || echo "$module: no $test" >> "$out"
done
for header in $(find api dataplane controlplane -mindepth 2 -name '*.h'); do
    for word in Ownership Thread Errors; do
        grep -qE "^ \* $word " "$header" || echo "$header: says nothing about $word" >> "$out"
    done
done

# Nothing of the machine it was written on.
git grep -nE '(^|[^A-Za-z0-9_.])/(root|work)/[a-z.]' -- . ':!tests/tidy/tidy.sh' > "$found"
[ $? -le 1 ] || echo "git grep failed: is this a clone?" >> "$out"
sed -E 's/^([^:]*:[0-9]+):.*/\1: a path of one machine/' "$found" >> "$out"

need() {
    command -v "$1" > /dev/null && return 0
    if [ -n "${CI:-}" ]; then echo "$1 is not installed" >> "$out"
    else echo "lint: $1 is not installed; its checks are left out"; fi
    return 1
}

# A tool that fails and says nothing that is a breach by itself (it was killed, it found no
# memory, it does not know an option) has checked nothing: that is a breach, too.
# look FILE TOOL ARGUMENT...
look() {
    local said status file=$1
    shift
    said=$("$@" 2>&1)
    status=$?
    printf '%s\n' "$said"
    [ $status -eq 0 ] || { [ $status -lt 126 ] && [[ $said =~ (warning|error): ]]; } ||
        echo "$file: $1 failed (exit status $status) ${said##*$'\n'}"
}
export -f look
# look_at_all TOOL-WITH-FLAGS-QUOTED-FOR-BASH < FILES: what they say is in $found.
look_at_all() {
    xargs -n 1 -P "$(nproc)" bash -c "look \"\$1\" $1" look > "$found" ||
        echo "${1%% *}: not every file was looked at" >> "$out"
    grep -E ': [^ ]* failed \(exit status ' "$found" >> "$out"
}
if need clang-format; then
    printf '%s\n' $sources | look_at_all 'clang-format --dry-run "$1"'
    sed -nE 's/^([^:]*:[0-9]+):.*clang-formatted.*/\1: clang-format would write it otherwise/p' \
        "$found" | sort -u >> "$out"
fi
if need clang-tidy; then
    printf '%s\n' $planes tests/lib/*.c | grep '\.c$' |
        look_at_all "clang-tidy --quiet \"\$1\" -- $(printf '%q ' "$@")"
    grep -E '(warning|error):' "$found" | sed "s|^$PWD/||; s|^\./||" | sort -u >> "$out"
fi

[ -s "$out" ] || { echo "lint: clean"; exit 0; }
cat "$out"
echo "lint: $(wc -l < "$out") breaches"
exit 1
