# Every other machine: an agent alone.
class { 'sysmon':
  package_source => '/root/sysmon.deb',
  aggregator_url => 'http://192.168.56.10',
}
class { 'sysmon::token':
  value => Sensitive(strip(file('/root/sysmon-token'))),
}
include sysmon::agent
