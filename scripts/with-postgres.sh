#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own, in a temporary folder and without a port; tests find it by
# TEST_POSTGRES_URL. What it holds is not worth a sync: it is gone when the command ends.
source "$(dirname "$0")/lib.sh"

binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -x "$binaries/initdb" ] || fail "PostgreSQL's server is not here: scripts/install.sh test installs it"
folder=$(mktemp -d)
chmod 755 "$folder"
# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
pg() { (cd "$folder" && "${as[@]}" "$binaries/$1" "${@:2}"); }
stop() {
  # It may not have been started.
  pg pg_ctl stop --silent --mode=immediate --pgdata="$folder/data" || true
  rm -rf "$folder"
}
trap stop EXIT
pg initdb --pgdata="$folder/data" --username=postgres --auth=trust --no-sync >"$folder/log"
pg pg_ctl start --silent --wait --pgdata="$folder/data" --log="$folder/data/log" \
  --options="-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c max_connections=500"
TEST_POSTGRES_URL="postgres://postgres@localhost/postgres?host=$folder" "$@"
