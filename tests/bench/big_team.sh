#!/bin/bash
# big_team.sh [ACCOUNTS [ROUNDS]]: what a team of 100,000 accounts costs each request.
#
# Starts a deployment of its own (deploy/run.sh, as make run does: PostgreSQL with its usual
# fsync, control plane, node), fills team-a's rows by SQL, vacuums, and then times requests of its
# admin one after another.  A line for each kind: median, 9th tenth and longest, in milliseconds.
# The filled accounts are in a released system with one node that has them all; the first of them
# has a user and a credential for every hundredth of the others.  `create` waits until the node of
# the other, living system has applied the claims.
#
# SLOW_MS=20 also shows which statements took longer than that, how often, and the longest.
# BERTH_BIN=DIR the programs, PORT_BASE=N three free ports from N (24222); KEEP=1 leaves the data.
set -u -o pipefail
accounts=${1:-100000} rounds=${2:-40}
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
export BERTH_BIN=${BERTH_BIN:-$root/build/bin} PORT_BASE=${PORT_BASE:-24222}
BERTH_VAR=$(mktemp -d "${TMPDIR:-/tmp}/berth-big-team.XXXXXX") || exit 1
export BERTH_VAR

die() { echo "big_team: $*" >&2; exit 1; }
stop() {
    [ -z "${run:-}" ] || { kill -TERM "$run" 2>/dev/null; wait "$run" 2>/dev/null; }
    [ -n "${KEEP:-}" ] || YES=1 "$root/deploy/run.sh" --reset >/dev/null
}
trap stop EXIT
trap 'exit 130' INT TERM

: >"$BERTH_VAR/scene.played"
"$root/deploy/run.sh" >"$BERTH_VAR/run.out" 2>&1 &
run=$!
until [ -e "$BERTH_VAR/env" ]; do
    kill -0 "$run" 2>/dev/null || { cat "$BERTH_VAR/run.out" >&2; die "it did not start"; }
    sleep 0.2
done
# shellcheck disable=SC1091
. "$BERTH_VAR/env"

psql=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)/psql
sql() {
    "$psql" -X -q -At -v ON_ERROR_STOP=1 -v accounts="$accounts" \
        "$(sed -n 's/^database: "\(.*\)"$/\1/p' "$BERTH_VAR/control.conf")" "$@" || die "SQL failed"
}

fill() {
    sql <<'SQL'
\set team '(SELECT team_id FROM team WHERE name = ''team-a'')'
INSERT INTO system (system_id, name, state, operator_id, accounts_expected)
SELECT 'sys_crowd', 'crowd', 'released', operator_id, :accounts FROM operator;
INSERT INTO node (node_id, name, system_id, state, server_id)
VALUES ('nod_crowd', 'crowd', 'sys_crowd', 'ready', 'crowd');
CREATE FUNCTION pg_temp.key(prefix text, i bigint) RETURNS text LANGUAGE sql AS $$
    SELECT prefix || left(upper(translate(md5(prefix || i) || md5(i || prefix), '0189', 'WXYZ')), 55)
$$;
CREATE FUNCTION pg_temp.id(prefix text, i bigint) RETURNS text LANGUAGE sql AS $$
    SELECT prefix || '_' || upper(lpad(to_hex(i), 26, '0'))
$$;
-- Some at a time, as they would come.
SELECT format($$
INSERT INTO account (account_id, name, labels, team_id, system_id, public_key, plan_id,
                     plan_version, revision, jti, iat, claims_hash)
SELECT pg_temp.id('acc', i), 'crowd-' || i,
       jsonb_build_object('shard', (i %% 1000)::text,
                          'stage', CASE WHEN i %% 10 = 0 THEN 'live' ELSE 'test' END),
       t.team_id, 'sys_crowd', pg_temp.key('A', i), p.plan_id, p.plan_version, 1, 'j' || i, 1, ''
  FROM generate_series(%s, %s) i, team t JOIN plan p USING (plan_id)
 WHERE t.name = 'team-a'$$, i, least(i + 999, :accounts))
  FROM generate_series(1, :accounts, 1000) i
\gexec
BEGIN;
INSERT INTO account_revision (account_id, revision, team_id, jti, iat, claims_hash, claims, reason,
                              created_by)
SELECT account_id, 1, team_id, jti, iat, '', '{}', 'created', ''
  FROM account WHERE system_id = 'sys_crowd';
INSERT INTO account_jwt (account_id, revision, team_id, jwt)
SELECT account_id, 1, team_id, repeat('x', 900) FROM account WHERE system_id = 'sys_crowd';
INSERT INTO node_account_sync (node_id, account_id, team_id, stored_revision, applied_revision)
SELECT 'nod_crowd', account_id, team_id, 1, 1 FROM account WHERE system_id = 'sys_crowd';
INSERT INTO signing_key (signing_key_id, name, team_id, account_id, public_key)
SELECT pg_temp.id('skey', i), 'default', :team, pg_temp.id('acc', i), pg_temp.key('A', -i)
  FROM generate_series(1, :accounts) i;
INSERT INTO nats_user (user_id, name, team_id, account_id, public_key)
SELECT pg_temp.id('usr', i), 'crowd-' || i, :team,
       pg_temp.id('acc', CASE WHEN i % 2 = 0 THEN 1 ELSE i END), pg_temp.key('U', i)
  FROM generate_series(1, :accounts) i;
INSERT INTO credential (credential_id, name, team_id, account_id, user_id, jti, public_key,
                        issuer_key, signing_key_id, issued_at, expires_at)
SELECT pg_temp.id('cred', i), 'crowd-' || i, u.team_id, u.account_id, u.user_id, 'c' || i,
       u.public_key, '', pg_temp.id('skey', CASE WHEN i % 2 = 0 THEN 1 ELSE i END), now(),
       now() + interval '90 days'
  FROM generate_series(1, :accounts) i JOIN nats_user u ON u.user_id = pg_temp.id('usr', i);
COMMIT;
SQL
    sql -c 'VACUUM ANALYZE'
}

# timed NAME STATUS METHOD PATH [BODY]: WAIT=1: until applied.  %d in path and body is the round, %i
# the last part of a filled id.
timed() {
    local name=$1 wanted=$2 method=$3 i path body answer
    for ((i = 1; i <= rounds; i++)); do
        path=${4//%d/$i} body=${5:-}
        path=${path//%i/$(printf %026X "$i")}
        answer=$(curl -sS -o "$BERTH_VAR/answer" -w '%{http_code} %{time_total}' -X "$method" \
            -H "Authorization: Bearer ${token:-$TEAM_A_TOKEN}" ${WAIT:+-H 'Prefer: wait=10'} \
            ${body:+-H 'Content-Type: application/json' -d "${body//%d/$i}"} "$BERTH_API$path")
        [ "${answer%% *}" = "$wanted" ] ||
            die "$name: status ${answer%% *}: $(head -c 500 "$BERTH_VAR/answer")"
        echo "${answer#* }"
    done | sort -n | awk -v name="$name" '{ v[NR] = $1 * 1000 }
        END { if (NR == 0) exit 1
              printf "%-34s %8.1f %8.1f %8.1f\n", name, v[int((NR + 1) / 2)], v[int(NR * 0.9 + 0.5)], v[NR] }' || exit 1
}

began=$SECONDS
fill
if [ -n "${SLOW_MS:-}" ]; then
    sql -c "ALTER SYSTEM SET log_min_duration_statement = $SLOW_MS" -c 'SELECT pg_reload_conf()' >/dev/null
fi
echo "$accounts accounts of one team, filled in $((SECONDS - began)) s; $rounds rounds"
printf '%-34s %8s %8s %8s\n' "milliseconds" median p90 longest

big=/v1/accounts/acc_00000000000000000000000001
user=$(sql -c "SELECT min(user_id) FROM nats_user WHERE account_id = 'acc_00000000000000000000000001'")
main=$(sql -c "SELECT system_id FROM system WHERE name = 'main'")
plan=$(sql -c "SELECT plan_id FROM plan WHERE name = 'standard'")
team=$(sql -c "SELECT team_id FROM team WHERE name = 'team-a'")
WAIT=1 timed "create an account, until applied" 201 POST /v1/accounts \
    "{\"name\":\"bench-%d\",\"system_id\":\"$main\"}"
timed "create an account" 201 POST /v1/accounts "{\"name\":\"bench2-%d\",\"system_id\":\"$main\"}"
timed "read an account" 200 GET /v1/accounts/acc_%i
timed "read an account with many users" 200 GET "$big"
timed "list accounts" 200 GET /v1/accounts
timed "list accounts, one label" 200 GET "/v1/accounts?label=shard:7"
timed "list accounts, a rare label" 200 GET "/v1/accounts?label=shard:none"
timed "list accounts by name" 200 GET "/v1/accounts?q=crowd-77"
timed "list suspended accounts" 200 GET "/v1/accounts?state=suspended"
timed "list accounts of a system" 200 GET "/v1/accounts?system=$main"
timed "list users" 200 GET "$big/users"
timed "create a user, among many" 201 POST "$big/users" '{"name":"bench-%d"}'
timed "list credentials" 200 GET "$big/users/$user/credentials"
timed "list signing keys" 200 GET "$big/signing-keys"
timed "read the team" 200 GET "/v1/teams/$team"
token=$BERTH_TOKEN
timed "operator: list teams" 200 GET /v1/teams
timed "operator: list accounts of a team" 200 GET "/v1/accounts?team=$team"
timed "operator: list accounts, a label" 200 GET "/v1/accounts?label=shard:none"
timed "operator: read the plan" 200 GET "/v1/plans/$plan"
timed "/metrics" 200 GET /metrics

if [ -n "${SLOW_MS:-}" ]; then
    echo "statements over $SLOW_MS ms"
    sed -nE 's/.*duration: ([0-9.]+) ms +(execute|bind|parse|statement) ?([^:]*): *(.*)/\1 \2 \3 \4/p' \
        "$BERTH_VAR/log/postgres.log" | cut -c1-120 |
        awk '{ ms = $1; $1 = ""; n[$0]++; if (ms > longest[$0]) longest[$0] = ms }
             END { for (s in n) printf "%6d %8.1f %s\n", n[s], longest[s], s }' | sort -k2 -nr
fi
