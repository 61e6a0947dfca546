# Collects on this host. Needs sysmon's aggregator_url, and sysmon::token.
class sysmon::agent {
  include sysmon

  unless $sysmon::aggregator_url {
    fail('sysmon::agent needs the parameter aggregator_url of the class sysmon')
  }

  service { 'sysmond-agent':
    ensure    => running,
    enable    => true,
    subscribe => [Package['sysmon'], File['/etc/sysmon/sysmon.toml'], Class['sysmon::token']],
  }
}
