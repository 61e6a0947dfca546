#!/usr/bin/env bash
# Builds sysmond, starts it in the background, and says where it answers. Arguments go to sysmond:
#
#     scripts/start.sh                               standalone: this host and the dashboard on 127.0.0.1:9000
#     scripts/start.sh --listen 127.0.0.1:9100       the same elsewhere
#     scripts/start.sh aggregator                    what start-aggregator.sh does
#
# Settings come from flags, environment and configuration file, as sysmond reads them; a log file that is set there is
# the one that is used. Exit status: 0 it runs, 1 it does not, 2 wrong usage or configuration.
#
# SYSMON_DATA_DIR  where data, log and run files are (default ~/.sysmon)
# SYSMOND_BIN      a built sysmond to start instead of building one
set -euo pipefail
# shellcheck source=scripts/run.bash
. "$(dirname "${BASH_SOURCE[0]}")/run.bash"

name=standalone
settings=("$@")
if [[ ${1:-} == aggregator ]]; then name=aggregator settings=("${@:2}"); fi

# Prints what sysmond takes for the setting $1; nothing where a mistake keeps it from saying: its start tells that.
setting() {
    "$bin" check-config "$name" --value "$1" "${settings[@]}" 2>/dev/null || true
}

# Sets `log` and `log_flags`. Who says where the log goes is not overruled.
choose_log() {
    log_flags=()
    log=$(setting log.file)
    if [[ -z $log ]]; then
        local folder
        folder=$(setting data_dir)
        log=${folder:-$data_dir}/log/$name.log
        (umask 077 && mkdir -p "${log%/*}") || fail "cannot make ${log%/*}"
        log_flags=(--log-file "$log")
        if [[ -z $(setting log.access_file) ]]; then log_flags+=(--access-log-file "${log%.log}-access.log"); fi
    fi
    log_start=$(stat -c %s "$log" 2>/dev/null || echo 0)
}

# Prints the end of what the log $log has from this start.
new_lines() {
    # A log that is shorter than before was rotated.
    if (($(stat -c %s "$log" 2>/dev/null || echo 0) < log_start)); then log_start=0; fi
    # There is none where sysmond ended before it wrote a line.
    { tail -c "+$((log_start + 1))" "$log" | tail -n 20; } 2>/dev/null || true
}

say_where() {
    printf '%s: http://%s\n' "$1" "$(address_of "$name")"
    printf '  log:   %s\n  stop:  %s/scripts/stop.sh\n' "$(cat "$run_dir/$name.log")" "$root"
}

# Waits until the process $1 answers; shows what it said where it ended instead.
wait_until_it_answers() {
    local deadline=$((SECONDS + 60)) address status=0
    until address=$(address_of "$name") && answers "$address"; do
        if ! kill -0 "$1" 2>/dev/null; then
            wait "$1" || status=$?
            printf 'sysmond ended before it answered. It said:\n' >&2
            tail -n 20 "$run_dir/$name.out" >&2
            new_lines >&2
            rm -f "$run_dir/$name.pid"
            # 2 is wrong usage; whatever else it is, it does not run.
            exit $((status == 2 ? 2 : 1))
        fi
        ((SECONDS < deadline)) || fail "sysmond (process $1) does not answer after 60 s; its log is $log"
        sleep 0.05
    done
}

find_sysmond
# What only asks is no start.
case " $* " in *' -h '* | *' --help '* | *' -V '* | *' --version '*) exec "$bin" "$@" ;; esac
lock
if pid_of "$name" >/dev/null; then
    say_where 'sysmon runs already'
    exit
fi
choose_log
printf '%s\n' "$log" >"$run_dir/$name.log"
rm -f "$run_dir/$name.addr"
# Its own session, so that a Ctrl-C meant for something else in this terminal does not reach it.
setsid "$bin" "$@" --addr-file "$run_dir/$name.addr" "${log_flags[@]}" </dev/null >"$run_dir/$name.out" 2>&1 9>&- &
echo $! >"$run_dir/$name.pid"
wait_until_it_answers $!
say_where 'sysmon runs'
