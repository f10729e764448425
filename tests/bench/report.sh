#!/bin/sh
# report.sh NAME=FILE... : a row for each label of matrix.sh's lines, a column for each named broker:
# lowest CPU-seconds for a million messages, highest rate, lowest p99 where latencies were taken.
set -eu
for arg; do
    sed "s|^|${arg%%=*}\t|" "${arg#*=}"
done | awk -F '\t' '
function field(line, name,   at) {
    at = index(line, "\"" name "\":")
    if (!at) return ""
    line = substr(line, at + length(name) + 3)
    sub(/[,}].*/, "", line)
    gsub(/"/, "", line)
    return line
}
{
    label = field($2, "label")
    if (label == "") next
    if (!(label in seen)) { seen[label] = 1; labels[++rows] = label }
    if (!($1 in known)) { known[$1] = 1; names[++columns] = $1 }
    key = label SUBSEP $1
    cpu = field($2, "cpu_per_million")
    if (cpu == "") { other[key] = $2; next }
    if (!(key in low) || cpu + 0 < low[key]) low[key] = cpu + 0
    rate = field($2, "msgs_per_sec") + 0
    if (rate > high[key]) high[key] = rate
    p99 = field($2, "p99_us") + 0
    if (p99 > 0 && (!(key in late) || p99 < late[key])) late[key] = p99
}
END {
    printf "| workload |"
    for (c = 1; c <= columns; c++) printf " %s |", names[c]
    printf "\n|---|"
    for (c = 1; c <= columns; c++) printf "---|"
    print ""
    for (r = 1; r <= rows; r++) {
        printf "| %s |", labels[r]
        for (c = 1; c <= columns; c++) {
            key = labels[r] SUBSEP names[c]
            if (key in low) {
                printf " %.2f; %d k/s", low[key], high[key] / 1000
                if (key in late) printf "; p99 %.0f us", late[key]
                printf " |"
            } else printf " %s |", other[key]
        }
        print ""
    }
}'
