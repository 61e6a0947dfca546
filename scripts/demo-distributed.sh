#!/usr/bin/env bash
# Runs an aggregator and three agents with names and tags of their own on this machine, until Ctrl-C or stop.sh.
# Arguments go to `sysmond demo`, such as --hosts 5.
set -euo pipefail
# shellcheck source=scripts/run.bash
. "$(dirname "${BASH_SOURCE[0]}")/run.bash"

find_sysmond
lock
if pid=$(pid_of demo); then fail "a demo runs already (process $pid); scripts/stop.sh ends it"; fi
rm -f "$run_dir/demo.addr"
echo $$ >"$run_dir/demo.pid"
exec 9>&-
exec "$bin" demo "$@" --addr-file "$run_dir/demo.addr"
