# setup.sh: what make run makes through the REST API.  Sourced by run.sh.
#
# Every step looks first whether its thing is there.
# shellcheck shell=bash

export BERTH_CONTEXT_DIR=$var/context
export BERTH_CONTEXT=admin
unset BERTH_API BERTH_TOKEN

berth() { "$bin/berth" "$@" 9>&-; }

# Quietly; what it says is shown if it fails.
must() {
    local out
    if ! out=$("$@" 2>&1); then
        still_wanted
        printf '%s\n' "$out" >&2
        die "failed: ${*/#$bin\//}"
    fi
}

# have NOUN NAME [FLAGS]: is it there?  Anything but "not found" is a failure.
have() {
    local out status noun=$1 name=$2
    shift 2
    out=$(berth "$noun" show "$name" "$@" -o name 2>&1)
    status=$?
    case $status in
    0) return 0 ;;
    4) return 1 ;;
    esac
    still_wanted
    printf '%s\n' "$out" >&2
    die "berth $noun show $name failed (exit code $status)"
}

write_control_conf() {
    cat >"$var/control.conf.new" <<EOF || die "$var/control.conf cannot be written"
# Made by make run at each start.
database: $(in_config "$pg_conninfo")
listen: "127.0.0.1:$api_port"
public_url: "$api_url"
master_key_file: $(in_config "$var/master.key")
bootstrap_file: $(in_config "$var/bootstrap.token")
EOF
    mv "$var/control.conf.new" "$var/control.conf"
    rm -f "$var/bootstrap.token" # of a start that was cut short; it is good no longer
}

# The bootstrap token becomes an operator admin's, once.
log_in() {
    if [ ! -s "$var/admin.token" ]; then
        wait_for "the control plane's bootstrap token" control test -s "$var/bootstrap.token"
        { : >"$var/admin.asked" && sync "$var/admin.asked" "$var"; } ||
            die "$var/admin.asked cannot be written"
        must berth login --url "$api_url" --name admin --bootstrap-file "$var/bootstrap.token" \
            --token-name admin --expires 365d --out "$var/admin.token"
        rm -f "$var/bootstrap.token"
        step "administrator" "token in $var/admin.token"
    else
        must berth login --url "$api_url" --name admin --token-file "$var/admin.token"
    fi
}

# The seed is in operator.seed.new before the database knows the operator.
make_operator() {
    if ! have operator main; then
        rm -f "$var/operator.seed.new"
        must berth operator create main --out "$var/operator.seed.new"
    elif [ -e "$var/operator.seed" ] || [ ! -s "$var/operator.seed.new" ]; then
        return 0
    fi
    {
        printf '%s\n' "# The identity of the operator \"main\": whoever has it can sign for all teams of this system." \
            "# Berth needs it only when the operator's signing keys change (berth operator sign);" \
            "# keep it offline."
        cat "$var/operator.seed.new"
    } >"$var/operator.seed.newer" && chmod 0400 "$var/operator.seed.newer" &&
        mv -f "$var/operator.seed.newer" "$var/operator.seed" && sync "$var/operator.seed" "$var" ||
        die "$var/operator.seed cannot be written; the seed is in $var/operator.seed.new"
    rm -f "$var/operator.seed.new"
    step "operator" "main; its seed in $var/operator.seed"
}

make_system() {
    if have system main; then
        berth system show main -o json | grep -qF "\"$nats_url\"" ||
            must berth system update main --url "$nats_url" --public-url "$nats_url"
    else
        must berth system create main --kind own --resolver full --url "$nats_url" \
            --public-url "$nats_url"
        step "system" "main"
    fi
    system_id=$(berth system show main -o json | sed -n 's/^  "id": "\(.*\)",$/\1/p')
    must berth system server-config main --node n1 --listen 127.0.0.1 --port "$nats_port" \
        --http-port "$http_port" --data "$var/node" --out "$var/node.conf"
    must "$bin/berth-broker" -c "$var/node.conf" -t
}

set_up_control() {
    log_in
    make_operator
    make_system
    still_wanted
}

# Other systems may be there, with nodes elsewhere that are away.
node_is_ready() { curl -sS "$api_url/readyz" | tr -d ' \n' | grep -q '"main":{"state":"ok"'; }

# Not empty, not cut off, not overwritten: a power cut may leave such a file.
creds_are_whole() {
    [ -s "$1" ] && tr -d '\r' <"$1" | grep -Ezq 'BEGIN NATS USER JWT-+\s+([A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]+\s.*BEGIN USER NKEY SEED-+\s+SU[A-Z2-7]{56}\s+-+END'
}

# make_team a: the team, its token; with that token an account, a user, credentials.
make_team() {
    local name=team-$1 token=$var/team-$1.token creds=$var/creds/team-$1.creds
    have team "$name" || must berth team create "$name"
    if [ ! -s "$token" ] || ! berth login --url "$api_url" --name "$name" --token-file "$token" \
        >/dev/null 2>&1; then
        still_wanted
        rm -f "$token"
        must berth token create "make-run-$(date +%s)" --team "$name" --role team_admin \
            --expires 365d --out "$token"
    fi
    must berth login --url "$api_url" --name "$name" --token-file "$token"
    have account "$name" --context "$name" ||
        must berth account create "$name" --context "$name" --system "$system_id" --wait
    have user app --account "$name" --context "$name" ||
        must berth user create app --account "$name" --context "$name"
    if ! creds_are_whole "$creds" || [ -n "$(find "$creds" -mtime +30)" ]; then
        mkdir -p "$var/creds"
        must berth creds issue app --account "$name" --context "$name" --out "$creds"
    fi
    still_wanted
}

set_up_teams() {
    have plan standard ||
        must berth plan create standard --default --limit connections=100 --limit max_payload=1MiB
    make_team a
    make_team b
    must berth context use admin
    step "teams" "team-a and team-b, with an account, a user and credentials each"
}

write_env() {
    {
        echo "# Of make run, while it runs: . $(quoted "$var/env")"
        # shellcheck disable=SC2016
        printf 'PATH=%s:${PATH:-/usr/bin:/bin}\nexport PATH\n' "$(quoted "$bin")"
        printf 'export %s=%s\n' \
            BERTH_CONTEXT_DIR "$(quoted "$BERTH_CONTEXT_DIR")" \
            NATS_URL "$(quoted "$nats_url")" \
            BERTH_API "$(quoted "$api_url")" \
            BERTH_TOKEN "$(quoted "$(cat "$var/admin.token")")" \
            TEAM_A_TOKEN "$(quoted "$(cat "$var/team-a.token")")" \
            TEAM_B_TOKEN "$(quoted "$(cat "$var/team-b.token")")" \
            TEAM_A_CREDS "$(quoted "$var/creds/team-a.creds")" \
            TEAM_B_CREDS "$(quoted "$var/creds/team-b.creds")"
    } >"$var/env.new" && mv "$var/env.new" "$var/env" || die "$var/env cannot be written"
}

print_summary() {
    cat <<EOF

Berth runs.  Ctrl-C stops everything; the data stays in $var
  NATS           $nats_url
  monitoring     http://127.0.0.1:$http_port
  REST API       $api_url/v1
  admin token    $var/admin.token
  team tokens    $var/team-a.token, $var/team-b.token
  credentials    $var/creds/team-a.creds, $var/creds/team-b.creds

In another terminal, first:   . $(quoted "$var/env")
  berth status
  berth usage totals --by team
  BERTH_TOKEN=\$TEAM_A_TOKEN berth account create orders --wait
EOF
}
