#!/usr/bin/env bash
# Ends what start.sh, start-aggregator.sh and demo-distributed.sh started, and waits until it has ended.
set -euo pipefail
# shellcheck source=scripts/run.bash
. "$(dirname "${BASH_SOURCE[0]}")/run.bash"

# Longer than sysmond gives its own connections and its last writes.
patience=30

stop() {
    local name=$1 pid deadline=$((SECONDS + patience))
    pid=$(pid_of "$name") || return 1
    kill -TERM "$pid"
    while pid_of "$name" >/dev/null; do
        ((SECONDS < deadline)) || fail "$name (process $pid) has not ended after $patience s"
        sleep 0.05
    done
    rm -f "$run_dir/$name.pid" "$run_dir/$name.addr"
    printf 'stopped: %s (process %s)\n' "$name" "$pid"
}

[[ -d $run_dir ]] || { echo 'nothing runs'; exit; }
lock
stopped=0
for name in "${names[@]}"; do
    if stop "$name"; then stopped=1; fi
done
((stopped)) || echo 'nothing runs'
