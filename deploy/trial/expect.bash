# What the parts of the trial ask with; sourced, not run.
# shellcheck shell=bash

# expect WHAT COMMAND…: the command has to succeed.
expect() {
    local what=$1
    shift
    if "$@" >/tmp/said 2>&1; then
        printf 'ok: %s\n' "$what"
    else
        printf 'NOT: %s\n' "$what"
        sed 's/^/    /' /tmp/said
        return 1
    fi
}

# The same of a command that has to fail.
refuse() {
    local what=$1
    shift
    expect "$what" not "$@"
}

not() {
    ! "$@"
}

# until WHAT COMMAND…: it has to succeed within a minute.
until_true() {
    local what=$1 _
    shift
    for _ in {1..300}; do
        if "$@" >/dev/null 2>&1; then break; fi
        sleep 0.2
    done
    expect "$what" "$@"
}

equals() {
    [[ $1 == "$2" ]] || { printf 'found %s, expected %s\n' "$1" "$2"; return 1; }
}

contains() {
    grep -qF -- "$2" <<<"$1" || { printf '%s is not in: %s\n' "$2" "$1"; return 1; }
}

# A property of a unit.
show() {
    systemctl show --value --property="$2" "$1"
}

# The answer of a local web server: the status, and the body.
http() {
    python3 - "$@" <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read(100000).decode("utf-8", "replace"))
PYTHON
}

serves() {
    local answer
    answer=$(http "$1") || return 1
    [[ $answer == '200 '* ]] || { printf 'it answers: %s\n' "${answer:0:300}"; return 1; }
}

ask() {
    sysmond sql --csv --data-dir /var/lib/sysmon "$1" | tail -n +2 | tr -d '\r'
}

online() {
    [[ $(ask "SELECT count(*) FROM hosts WHERE status = 'online'") == "$1" ]]
}

samples() {
    ask 'SELECT count(*) FROM metrics'
}
