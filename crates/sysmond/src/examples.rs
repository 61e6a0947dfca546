//! What stands behind each command's help: examples and a word on them. Lines of at most 80 characters, since whoever
//! shows help breaks longer ones again.

pub(crate) const PROGRAM: &str = "\
Examples:
  sysmond                            monitor this host: http://127.0.0.1:9000
  sysmond aggregator                 receive on port 9000 and show the fleet
  sysmond agent --aggregator http://monitor:9000 --token-file /etc/sysmon/token
  sysmond demo                       try a fleet of three on this machine
  sysmond sql \"SELECT hostname, status FROM hosts\"
  sysmond export --output all.csv    every row, for another program
  sysmond backup --output copy.db    a copy, also while it runs
  sysmond check-config               what counts, and where it was written

-h shows what is used most, --help everything.
Each setting is also a variable and a key of the configuration file.
Exit status: 0 done, 1 failed, 2 wrong usage or configuration.";

pub(crate) const AGENT: &str = "\
Examples:
  sysmond agent --aggregator http://monitor:9000 --token-file /etc/sysmon/token
  SYSMON_TOKEN=… sysmond agent --aggregator http://monitor:9000 \\
      --hostname web-server-01 --tag environment=production --tag role=web

The token is the aggregator's, which keeps it in DATA_DIR/token, by default
~/.sysmon/token.";

pub(crate) const AGGREGATOR: &str = "\
Examples:
  sysmond aggregator
  sysmond aggregator --listen 127.0.0.1:9000 --trusted-proxy 127.0.0.1 \\
      --allowed-host monitor.example.org

Agents need the token that the first start makes in DATA_DIR/token.";

pub(crate) const DEMO: &str = "\
Examples:
  sysmond demo
  sysmond demo --hosts 10 --listen 127.0.0.1:9100

All agents read this machine, so they show the same load. Their data are below
DATA_DIR/demo. Ctrl-C ends all of them.";

pub(crate) const SQL: &str = "\
Examples:
  sysmond sql \"SELECT hostname, status FROM hosts\"
  sysmond sql \"SELECT host, AVG(value) FROM metrics
      WHERE metric_type = 'cpu.total_usage' GROUP BY host\"
  sysmond sql --csv \"SELECT * FROM metrics
      WHERE timestamp > current_timestamp - 300\" > last.csv

Several statements, from a file or as one argument, are answered in turn:
  sysmond sql < questions.sql

Tables: hosts(hostname, first_seen, last_seen, tags, version, platform, status)
        metrics(timestamp, metric_type, host, tags, value)
        processes(timestamp, host, pid, name, command, user, state, threads,
                  cpu_percent, memory_bytes, read_bytes, write_bytes, seconds,
                  total)
Times are Unix seconds, and so is current_timestamp.";

pub(crate) const EXPORT: &str = "\
Examples:
  sysmond export --output all.csv
  sysmond export --format jsonl --host web-server-01 --metric cpu.total_usage \\
      --from now-24h | gzip > cpu.jsonl.gz
  sysmond export --format sql --from 2026-02-01 --to 2026-03-01 > february.sql
  sqlite3 february.db < february.sql

Rows come host by host and hour by hour. In a spreadsheet no text of CSV is a
formula: one that looks like one has an apostrophe before it. JSON lines have
the names as they are.";

pub(crate) const BACKUP: &str = "\
Examples:
  sysmond backup --output /backup/aggregator.db
  sysmond backup --force --output /backup/aggregator.db   over yesterday's copy
  sysmond backup agent --output agent.db                  this host's history

FILE has its name only once it is whole, on disk and checked; a backup that
fails or is stopped leaves nothing of it. Checked are its structure and the
checksums of all that was measured. It is a database as the other is: `sysmond
restore FILE` puts it back. It has no token in it: keep DATA_DIR/token too.";

pub(crate) const RESTORE: &str = "\
Examples:
  sysmond restore /backup/aggregator.db
  sysmond restore agent.db agent
  sysmond restore --data-dir /var/lib/sysmon /backup/aggregator.db

Stop sysmond before, start it again after. The database that was there stays
beside it, as aggregator.db.before-restore-TIME. What was stored after the
backup was made is not in it.";

pub(crate) const REDELIVER: &str = "\
Example, on a monitored host, after the aggregator was restored from a backup:
  systemctl stop sysmond-agent
  runuser -u sysmon-agent -- sysmond redeliver --data-dir /var/lib/sysmon-agent
  systemctl start sysmond-agent

An agent keeps what it collected for 7 days or 256 MB (--retention, --max-disk).
What the aggregator has already is found and stored once.";

pub(crate) const FORGET: &str = "\
Examples:
  sysmond forget web-server-01
  runuser -u sysmon -- sysmond forget web-server-01 --data-dir /var/lib/sysmon

Stop its agent before: a host that is heard of again is known again. Without
this a host that fell silent goes by itself once its last summary is too old
(--retention-10m).";

pub(crate) const HEALTH: &str = "\
Examples:
  sysmond health                          of this machine's server on port 9000
  sysmond health --listen 127.0.0.1:9001
  sysmond health --addr-file /run/sysmon/address

Asked is /readyz of the address that the server's own settings say: give this
command the same flags, variables or file. A server that listens on every
address is asked on loopback. It has to answer within 5 seconds.
Exit status: 0 it is well, 1 it is not, 2 wrong usage or configuration.";

pub(crate) const CHECK_CONFIG: &str = "\
Examples:
  sysmond check-config                              what standalone would run on
  sysmond check-config agent --config /etc/sysmon/sysmon.toml
  sysmond check-config aggregator --value data_dir  one value, for a script

Exit status: 0 all is right, 2 something is wrong.";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  source <(sysmond completions bash)       in this shell; in ~/.bashrc for all
  sysmond completions bash > ~/.local/share/bash-completion/completions/sysmond
  sysmond completions zsh > ~/.zfunc/_sysmond
  sysmond completions fish > ~/.config/fish/completions/sysmond.fish

zsh wants fpath+=(~/.zfunc) before compinit in ~/.zshrc.";

pub(crate) const MAN: &str = "\
Examples:
  sysmond man | man -l -
  sysmond man agent | man -l -
  sysmond man --output /usr/local/share/man/man1";
