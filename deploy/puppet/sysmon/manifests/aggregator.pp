# The aggregator of a fleet. With sysmon::token it takes that token; without, it makes its own in
# /var/lib/sysmon/token at its first start.
class sysmon::aggregator {
  include sysmon

  service { 'sysmond-aggregator':
    ensure    => running,
    enable    => true,
    subscribe => [Package['sysmon'], File['/etc/sysmon/sysmon.toml']],
  }

  if defined(Class['sysmon::token']) {
    file { '/etc/systemd/system/sysmond-aggregator.service.d':
      ensure => directory,
    }
    -> file { '/etc/systemd/system/sysmond-aggregator.service.d/token.conf':
      ensure  => file,
      content => "[Service]\nLoadCredential=token:/etc/sysmon/token\n",
    }
    ~> Service['sysmond-aggregator']
    Class['sysmon::token'] ~> Service['sysmond-aggregator']
  }
}
