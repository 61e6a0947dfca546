# nginx in front of the aggregator of this host.
#
# @param server_name Under which browsers and agents reach it.
class sysmon::nginx (
  Pattern[/\A[A-Za-z0-9._-]+\z/] $server_name,
) {
  # The file that sysmon's own tests run, with another name in it.
  $site = regsubst(file('sysmon/nginx.conf'), 'server_name sysmon\.example\.org;', "server_name ${server_name};")

  package { 'nginx-light':
    ensure => present,
  }

  file { '/etc/nginx/sites-available/sysmon.conf':
    ensure  => file,
    content => $site,
    require => Package['nginx-light'],
    notify  => Service['nginx'],
  }

  file { '/etc/nginx/sites-enabled/sysmon.conf':
    ensure  => link,
    target  => '../sites-available/sysmon.conf',
    require => File['/etc/nginx/sites-available/sysmon.conf'],
    notify  => Service['nginx'],
  }

  file { '/etc/nginx/sites-enabled/default':
    ensure  => absent,
    require => Package['nginx-light'],
    notify  => Service['nginx'],
  }

  service { 'nginx':
    ensure  => running,
    enable  => true,
    restart => '/usr/sbin/nginx -t && /usr/bin/systemctl reload nginx',
  }
}
