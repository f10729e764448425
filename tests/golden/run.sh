#!/bin/sh
# Plays the transcripts: whole, byte by byte and in random pieces.
#
#   tests/golden/run.sh PLAY SERVER [NAME...]
#
# PLAY is the player that make builds.  With berth-broker as SERVER everything is played with
# one, two and four workers; any other server (nats-server) is started without that flag.
# NAMEs are files of this folder without .txt; all if none is given.  PLAY_OPTIONS: more options.
set -eu
play=$1 server=$2
shift 2
here=$(dirname "$0")
workers=
case $(basename "$server") in
*berth-broker*) workers="--workers ${PLAY_WORKERS:-1,2,4}" ;;
esac
[ $# -gt 0 ] || set -- '*'
files=
for name; do
    # shellcheck disable=SC2086 # the pattern is meant
    files="$files $(ls "$here"/$name.txt)"
done
# shellcheck disable=SC2086
exec "$play" $workers ${PLAY_OPTIONS:-} "$server" $files
