# A whole example: an aggregator behind nginx, and an agent on the same host.
#     puppet apply --modulepath deploy/puppet deploy/puppet/site.pp
class { 'sysmon':
  package_source  => '/trial/sysmon.deb',
  aggregator_url  => 'http://127.0.0.1:9000',
  tags            => { 'role' => 'monitor', 'motto' => 'a "quote" and a \\' },
  listen          => '127.0.0.1:9000',
  allowed_hosts   => ['sysmon.example.org'],
  trusted_proxies => ['127.0.0.1'],
}

class { 'sysmon::token':
  # From a store of secrets, in earnest.
  value => Sensitive(file('/etc/machine-id')[0, 32]),
}

class { 'sysmon::nginx':
  server_name => 'sysmon.example.org',
}

include sysmon::aggregator
include sysmon::agent
