# kept.sh: what an earlier run left, and whether this one may go on with it.  Sourced by run.sh.
#
# The first start goes master key, database, administrator's token, and then the rest; it may be
# killed, or the power fail, between any two of them.
# shellcheck shell=bash

# var/ must be there and have room, before anything is started.
prepare_var() {
    local why
    if ! why=$({ mkdir -p "$var/log" && head -c 1048576 /dev/zero >"$var/room.test"; } 2>&1); then
        rm -f "$var/room.test" 2>/dev/null
        printf '%s\n' "$why" >&2
        die "nothing can be written in $var; the line above says why.  Make room or give it to you; or make run BERTH_VAR=DIR, to have the data elsewhere."
    fi
    rm -f "$var/room.test"
}

# Did anything come out of the database?  The first such thing is the administrator's token.
var_is_used() {
    local name
    for name in admin.token operator.seed operator.seed.new team-a.token team-b.token node.conf; do
        [ ! -s "$var/$name" ] || return 0
    done
    return 1
}

put_data_aside() {
    local aside
    aside=$pg_folder/data.$(date +%Y%m%d-%H%M%S)
    mv -T "$pg_folder/data" "$aside" || die "$pg_folder/data cannot be put aside"
    rm -f "$var/admin.asked"
    step PostgreSQL "$1; it is put aside as $aside"
}

check_data() {
    local anew="or make reset, to begin anew without the old accounts."
    if [ ! -d "$pg_folder/data" ]; then
        ! var_is_used ||
            die "the database is missing ($pg_folder/data), and $var has what came out of it.  Put it back from a backup, then make run again; $anew"
    elif ! var_is_used && [ ! -s "$var/master.key" ]; then
        put_data_aside "here lies the database of a clone that is gone"
    elif ! var_is_used && [ -e "$var/admin.asked" ]; then
        put_data_aside "the first start ended while the database made its administrator"
    elif [ ! -s "$var/master.key" ]; then
        die "$var/master.key is missing: without it the seeds in the database cannot be read.  Put it back from your copy, then make run again; $anew"
    elif var_is_used && [ ! -s "$var/admin.token" ]; then
        die "$var/admin.token is missing, and the database gives no second one.  Put it back (the token of any operator admin will do), then make run again; $anew"
    fi
}

# Before the database, so that there is none without it.
make_master_key() {
    [ ! -s "$var/master.key" ] || return 0
    { head -c 32 /dev/urandom >"$var/master.key.new" && chmod 0400 "$var/master.key.new" &&
        mv -f "$var/master.key.new" "$var/master.key" && sync "$var/master.key" "$var"; } ||
        die "$var/master.key cannot be written"
}
