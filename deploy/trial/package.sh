# The life of the package: installed, configured, started, upgraded, removed, installed again, purged.
# shellcheck shell=bash source=deploy/trial/expect.bash
source /deploy/trial/expect.bash

expect 'an older version is installed' dpkg --install /trial/older.deb
declare -A most=([sysmond-agent]=23 [sysmond-aggregator]=20)
for unit in sysmond-agent sysmond-aggregator; do
    expect "$unit does not run" equals "$(show $unit ActiveState)" inactive
    expect "$unit is not enabled" equals "$(systemctl is-enabled $unit || true)" disabled
    expect "$unit: systemd has no complaint" systemd-analyze verify "/usr/lib/systemd/system/$unit.service"
    expect "$unit is a closed box" systemd-analyze security --no-pager "--threshold=${most[$unit]}" $unit
done
expect 'users are there' getent passwd sysmon sysmon-agent
refuse 'an agent without a token is not started' systemctl start sysmond-agent
expect 'and it is said why' contains "$(systemctl status sysmond-agent || true)" /etc/sysmon/token

# Type=notify: start returns once it serves.
expect 'the aggregator starts' systemctl enable --now sysmond-aggregator
expect 'and serves' serves http://127.0.0.1:9000/readyz
expect 'and is well' sysmond health
expect 'as its own user' equals "$(stat -c %U /var/lib/sysmon/aggregator.db)" sysmon
expect 'with a token of its own' equals "$(stat -c %a:%U /var/lib/sysmon/token)" 600:sysmon

install -m 600 /var/lib/sysmon/token /etc/sysmon/token
refuse 'an agent without an address ends' systemctl start sysmond-agent
expect 'and is not tried again' equals "$(show sysmond-agent ExecMainStatus):$(show sysmond-agent NRestarts)" 2:0
sed -i 's|^#aggregator = .*|aggregator = "http://127.0.0.1:9000"|' /etc/sysmon/sysmon.toml
expect 'the agent starts' systemctl enable --now sysmond-agent
until_true 'the host is online' online 1
expect 'the agent keeps its own history' equals "$(stat -c %U /var/lib/sysmon-agent/agent.db)" sysmon-agent
refuse "the agent reads nothing of the aggregator's" \
    setpriv --reuid=sysmon-agent --regid=sysmon-agent --clear-groups cat /var/lib/sysmon/token
seen=$(ask "SELECT max(value) FROM metrics WHERE metric_type = 'processes.total'" | cut -d. -f1)
expect 'its box hides no process' test "$seen" -ge 10
expect 'its box lets it ask how the clock is kept' test \
    "$(ask "SELECT count(*) FROM metrics WHERE metric_type = 'clock.max_error_seconds'")" -ge 1
agents=$(id -u sysmon-agent)
# Such as the aggregator's: neither root's, nor nobody's, as all are in a box with users of its own, nor the agent's.
strangers() {
    [[ $(ask "SELECT count(*) FROM processes WHERE user NOT IN (0, 65534, $agents)") -ge 1 ]]
}
until_true 'it shows whose processes are' strangers
expect 'and makes nothing look read-only' equals \
    "$(ask "SELECT max(value) FROM metrics WHERE metric_type = 'disk.read_only' AND tags = 'mount=/'" | cut -d. -f1)" 0
until_true 'it tells how it goes' contains "$(show sysmond-aggregator StatusText)" 'hosts online'

mkdir -p /run/systemd/system/sysmond-agent.service.d
printf '[Service]\nWatchdogSec=3s\n' >/run/systemd/system/sysmond-agent.service.d/quick.conf
systemctl daemon-reload
systemctl restart sysmond-agent
sleep 5
expect 'a working agent feeds its watchdog' equals "$(show sysmond-agent NRestarts)" 0
kill -STOP "$(show sysmond-agent MainPID)"
restarted() { [[ $(show sysmond-agent NRestarts) -ge 1 && $(show sysmond-agent ActiveState) == active ]]; }
until_true 'one that stands is started anew' restarted
rm -r /run/systemd/system/sysmond-agent.service.d
systemctl daemon-reload

# Whether anything in a folder is root's.
find_of_root() { find "$1" -user root | grep -q .; }

before=$(samples) main=$(show sysmond-aggregator MainPID)
expect 'the newer version is installed over it' dpkg --install /trial/sysmon.deb
expect 'settings stay' grep -q '^aggregator = "http://127.0.0.1:9000"' /etc/sysmon/sysmon.toml
expect 'the aggregator was started anew' not equals "$(show sysmond-aggregator MainPID)" "$main"
expect 'both run' systemctl is-active sysmond-aggregator sysmond-agent
expect "samples stay ($before)" test "$(samples)" -ge "$before"
more() { [[ $(samples) -gt $before ]]; }
until_true 'and new ones come' more

expect 'the package says what it is' contains "$(dpkg-query --show --showformat '${Description}' sysmon)" \
    'System monitoring for one host or many'
expect 'next steps and decisions are there' test -s /usr/share/doc/sysmon/README.Debian \
    -a -s /usr/share/doc/sysmon/decisions/README.md
saved=$(samples)
expect 'root makes a backup' sysmond backup --data-dir /var/lib/sysmon --output /root/copy.db
expect 'the aggregator stops' systemctl stop sysmond-aggregator
expect 'root puts the backup back' sysmond restore --data-dir /var/lib/sysmon /root/copy.db
refuse "nothing of root's is left in the folder" find_of_root /var/lib/sysmon
expect 'the service starts with it' systemctl start sysmond-aggregator
expect 'and has its samples' test "$(samples)" -ge "$saved"

expect 'manual pages are found' man --where sysmond sysmond-agent sysmond-aggregator sysmond-sql
expect "bash's completions can be read" bash -n /usr/share/bash-completion/completions/sysmond

expect 'the package is removed' dpkg --remove sysmon
refuse 'nothing runs any more' pgrep -x sysmond
expect 'history stays' test -s /var/lib/sysmon/aggregator.db -a -s /var/lib/sysmon-agent/agent.db
expect 'settings stay too' test -s /etc/sysmon/sysmon.toml -a -s /etc/sysmon/token
expect 'it is installed again' dpkg --install /trial/sysmon.deb
expect 'the aggregator starts again' systemctl start sysmond-aggregator
expect 'with all that it had' test "$(samples)" -ge "$before"
expect 'the package is purged' dpkg --purge sysmon
refuse 'no data are left' ls -d /var/lib/sysmon /var/lib/sysmon-agent
refuse 'no settings are left' ls -d /etc/sysmon
refuse 'no unit is left' systemctl cat sysmond-agent
