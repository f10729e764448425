#!/bin/sh
# Installs what Berth needs to build, run and test, from Debian's packages, if it is missing.
#
#   deploy/install-deps.sh          what `make run` and `make test` need
#   deploy/install-deps.sh --dev    also what developers need (clang, linters, valgrind)
#
# Runs as root or as a user with sudo.  Says what it does; silent when all is there.
set -eu

run="gcc libc6-dev make binutils pkg-config libpq-dev libmicrohttpd-dev libjansson-dev libssl-dev
     libsodium-dev libcmocka-dev libnats-dev libcurl4-openssl-dev zlib1g-dev libcrypt-dev
     postgresql-15 curl ca-certificates util-linux procps"
dev="clang clang-format clang-tidy cppcheck libclang-rt-14-dev valgrind"

wanted=$run
[ "${1:-}" = --dev ] && wanted="$run $dev"

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null 2>&1; then
    root=sudo
else
    echo "install-deps: these Debian packages are missing:$missing" >&2
    echo "install-deps: run this as root, or install sudo, or install them yourself." >&2
    exit 1
fi

echo "Installing from Debian's packages:$missing"

# PostgreSQL's package would start a cluster of its own on port 5432; Berth brings its own.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    $root mkdir -p /etc/postgresql-common
    printf '%s\n' '# Berth starts a private PostgreSQL of its own; the package makes none.' \
        'create_main_cluster = false' |
        $root tee /etc/postgresql-common/createcluster.conf >/dev/null
fi

apt="$root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $apt update && $apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "install-deps: apt-get failed; the lines above say why." >&2
    exit 1
fi
echo "Installed."
