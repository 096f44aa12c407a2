#!/usr/bin/env bash
# Runs a command with DATABASE_URL on a throwaway server made by other PostgreSQL binaries.
#   tools/with-postgres.sh /usr/lib/postgresql/15/bin npm test
set -euo pipefail
bin=$1
shift
# In memory where there is room, as in tools/test-server.ts: making databases is making files.
parent=${TMPDIR:-/tmp}
free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1) || free=0
if [ "${free:-0}" -gt 2097152 ]; then parent=/dev/shm; fi
data=$(mktemp -d -p "$parent")
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
as=()
if [ "$(id -u)" = 0 ]; then
  # PostgreSQL refuses to run as root.
  chown nobody "$data"
  as=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
fi
stop() {
  "${as[@]}" "$bin/pg_ctl" -D "$data/pg" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$data"
}
trap stop EXIT
cd /
"${as[@]}" "$bin/initdb" -D "$data/pg" -U unwind -A trust -E UTF8 --no-sync >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$data/pg" -w -l "$data/log" \
  -o "-p $port -k $data -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200 \
    -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c max_wal_size=256MB -c jit=off" \
  start >/dev/null
cd - >/dev/null
DATABASE_URL="postgres://unwind@127.0.0.1:$port/postgres" "$@"
