# The Ansible role on a bare system: once it changes, twice it does not.
# shellcheck shell=bash source=deploy/trial/expect.bash
source /deploy/trial/expect.bash
export ANSIBLE_NOCOLOR=1 ANSIBLE_LOCAL_TEMP=/tmp/ansible ANSIBLE_REMOTE_TEMP=/tmp/ansible

cat >/tmp/hosts.ini <<'HOSTS'
[aggregator]
localhost
[agents]
localhost
[all:vars]
ansible_connection=local
ansible_python_interpreter=/usr/bin/python3
sysmon_deb=/trial/sysmon.deb
sysmon_token=a-token-of-the-trial
sysmon_aggregator_url=http://127.0.0.1:9000
sysmon_tags={"role": "monitor", "motto": "a \"quote\" 😀"}
sysmon_listen=127.0.0.1:9000
HOSTS
# shellcheck disable=SC2120
play() {
    ansible-playbook --inventory /tmp/hosts.ini "$@" /deploy/ansible/site.yml
}
# shellcheck disable=SC2119  # without words of its own
changes() {
    play | tee /tmp/play | grep -q 'failed=0' && grep -oE 'changed=[0-9]+' /tmp/play | cut -d= -f2
}

expect 'the role is well formed' play --syntax-check
expect 'the first run changes things' not equals "$(changes)" 0
second() {
    equals "$(changes)" 0 || { grep -B 3 -E 'changed:|fatal:' /tmp/play; return 1; }
}
expect 'the second run changes nothing' second
expect 'nginx serves' serves http://127.0.0.1/readyz
# The page is within a release build alone.
expect 'the page too' serves http://127.0.0.1/
until_true 'the host is online' online 1
expect 'with its labels, whatever is in them' \
    equals "$(ask "SELECT tags ->> 'motto' = 'a \"quote\" 😀' FROM hosts")" 1
expect 'the token is in no output' not grep -q a-token-of-the-trial /tmp/play
