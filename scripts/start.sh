#!/usr/bin/env bash
# Builds sysmond, starts it in the background, and says where it answers. Arguments go to sysmond:
#
#     scripts/start.sh                               standalone: this host and the dashboard on 127.0.0.1:9000
#     scripts/start.sh --listen 127.0.0.1:9100       the same elsewhere
#     scripts/start.sh aggregator                    what start-aggregator.sh does
#
# SYSMON_DATA_DIR  where data, log and run files are (default ~/.sysmon)
# SYSMOND_BIN      a built sysmond to start instead of building one
set -euo pipefail
# shellcheck source=scripts/run.bash
. "$(dirname "${BASH_SOURCE[0]}")/run.bash"

name=standalone
if [[ ${1:-} == aggregator ]]; then name=aggregator; fi
log=$data_dir/log/$name.log
log_flags=(--log-file "$log" --access-log-file "$data_dir/log/$name-access.log")
# Who says where the log goes is not overruled.
case " ${SYSMON_LOG_FILE:+--log-file} $*" in
    *' --config'* | *' --log-file'*) log=$run_dir/$name.out log_flags=() ;;
esac

say_where() {
    printf '%s: http://%s\n' "$1" "$(address_of "$name")"
    printf '  log:   %s\n  stop:  %s/scripts/stop.sh\n' "$log" "$root"
}

# Waits until the process $1 answers; shows what it said where it ended instead.
wait_until_it_answers() {
    local deadline=$((SECONDS + 60)) address
    until address=$(address_of "$name") && answers "$address"; do
        if ! kill -0 "$1" 2>/dev/null; then
            printf 'sysmond ended before it answered. It said:\n' >&2
            tail -q -n 20 "$run_dir/$name.out" >&2
            if [[ -f $log && ! $log -ef $run_dir/$name.out ]]; then tail -n 20 "$log" >&2; fi
            rm -f "$run_dir/$name.pid"
            exit 1
        fi
        ((SECONDS < deadline)) || fail "sysmond (process $1) does not answer after 60 s; its log is $log"
        sleep 0.05
    done
}

find_sysmond
lock
if pid_of "$name" >/dev/null; then
    say_where 'sysmon runs already'
    exit
fi
mkdir -p "$data_dir/log"
rm -f "$run_dir/$name.addr"
# Its own session, so that a Ctrl-C meant for something else in this terminal does not reach it.
setsid "$bin" "$@" --addr-file "$run_dir/$name.addr" "${log_flags[@]}" </dev/null >"$run_dir/$name.out" 2>&1 9>&- &
echo $! >"$run_dir/$name.pid"
wait_until_it_answers $!
say_where 'sysmon runs'
