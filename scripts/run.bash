# What start.sh, stop.sh and demo-distributed.sh agree on; sourced, not run.
#
# A sysmond that a script started is found again by its files below DATA_DIR/run: NAME.pid holds its process id and
# NAME.addr the address that it serves. A process id alone proves nothing, since the kernel uses it again: the process
# must be a sysmond that was given that very NAME.addr.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data_dir=${SYSMON_DATA_DIR:-$HOME/.sysmon}
run_dir=$data_dir/run
# What stop.sh looks for.
# shellcheck disable=SC2034
names=(demo standalone aggregator)

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit "${2:-1}"
}

# Sets `bin`: what SYSMOND_BIN names, else the release build, brought up to date.
find_sysmond() {
    if [[ -n ${SYSMOND_BIN:-} ]]; then
        bin=$SYSMOND_BIN
        [[ -x $bin ]] || fail "SYSMOND_BIN: $bin is no program"
        return
    fi
    command -v cargo >/dev/null || fail 'cargo is missing: install Rust, or name a built sysmond in SYSMOND_BIN'
    (cd "$root" && cargo build --release --locked --package sysmond) || fail 'the build failed'
    bin=${CARGO_TARGET_DIR:-$root/target}/release/sysmond
}

# Prints the process id of the sysmond that was started under the name $1, or fails.
pid_of() {
    local pid exe
    pid=$(cat "$run_dir/$1.pid" 2>/dev/null) && [[ $pid =~ ^[1-9][0-9]*$ ]] || return 1
    # A rebuilt program's old process shows " (deleted)" there.
    exe=$(readlink "/proc/$pid/exe" 2>/dev/null) && exe=${exe% (deleted)} || return 1
    [[ ${exe##*/} == sysmond ]] && grep -qzFx -- "$run_dir/$1.addr" "/proc/$pid/cmdline" 2>/dev/null || return 1
    printf '%s\n' "$pid"
}

# Keeps a second script that starts or stops something waiting until this one ends.
lock() {
    (umask 077 && mkdir -p "$run_dir") || fail "cannot make $run_dir"
    exec 9>"$run_dir/lock"
    flock -w 60 9 || fail 'another start or stop is still at work'
}

# Prints the address in NAME.addr as this machine reaches it: `0.0.0.0` is where a server listens, not where one calls.
address_of() {
    local address
    address=$(cat "$run_dir/$1.addr" 2>/dev/null) && [[ $address == *:* ]] || return 1
    case $address in
        0.0.0.0:* | '[::]:'*) address=127.0.0.1:${address##*:} ;;
    esac
    printf '%s\n' "$address"
}

# Whether the server at $1 answers 200 to GET /healthz. Bash alone: a fresh machine may have no curl.
answers() {
    local host=${1%:*} line=''
    host=${host#[} host=${host%]}
    {
        exec 8<>"/dev/tcp/$host/${1##*:}" || return 1
        printf 'GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&8
        read -r -t 2 line <&8 || true
        exec 8>&-
    } 2>/dev/null
    [[ $line == 'HTTP/1.1 200 '* ]]
}
