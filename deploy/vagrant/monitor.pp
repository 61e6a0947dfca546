# The machine `monitor`: the aggregator behind nginx, and an agent.
class { 'sysmon':
  package_source  => '/root/sysmon.deb',
  aggregator_url  => 'http://127.0.0.1:9000',
  listen          => '127.0.0.1:9000',
  allowed_hosts   => ['monitor'],
  trusted_proxies => ['127.0.0.1'],
}
class { 'sysmon::token':
  value => Sensitive(strip(file('/root/sysmon-token'))),
}
class { 'sysmon::nginx':
  server_name => 'monitor',
}
include sysmon::aggregator
include sysmon::agent
