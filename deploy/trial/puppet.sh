# Puppet's module on a bare system: once it changes, twice it does not.
# shellcheck shell=bash source=deploy/trial/expect.bash
source /deploy/trial/expect.bash

apply() {
    local status=0
    puppet apply --detailed-exitcodes --modulepath /deploy/puppet /deploy/puppet/site.pp || status=$?
    equals "$status" "$1"
}

cp -rL /deploy /tmp/deploy
find /tmp/deploy/puppet /tmp/deploy/vagrant -name '*.pp' -exec puppet parser validate {} +
find /tmp/deploy/puppet -name '*.epp' -exec puppet epp validate {} +
expect 'the first run changes things' apply 2
expect 'the second run changes nothing' apply 0
expect 'nginx serves' serves http://127.0.0.1/readyz
# The page is within a release build alone.
expect 'the page too' serves http://127.0.0.1/
expect 'nginx serves the name that was asked for' grep -q 'server_name sysmon.example.org;' \
    /etc/nginx/sites-enabled/sysmon.conf
until_true 'the host is online' online 1
expect 'with its labels' contains "$(ask 'SELECT tags FROM hosts')" monitor
expect 'whatever is in them' equals "$(ask "SELECT tags ->> 'motto' = 'a \"quote\" and a \' FROM hosts")" 1
sed -i 's/^listen = .*/listen = "127.0.0.1:9001"/' /etc/sysmon/sysmon.toml
expect 'what somebody changed by hand is put right' apply 2
expect 'and served again' serves http://127.0.0.1:9000/healthz
systemctl disable --quiet --now sysmond-agent sysmond-aggregator nginx
dpkg --purge sysmon >/dev/null
rm -rf /etc/systemd/system/sysmond-aggregator.service.d /etc/nginx/sites-*/sysmon.conf
