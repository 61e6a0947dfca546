# The package and its settings.
#
# @param package_source  A .deb on the host; without one the package comes from the host's own sources.
# @param package_ensure  What Puppet's `package` takes: present, latest, absent.
# @param aggregator_url  Where the agent of this host pushes: http://monitor.example.org:9000
# @param tags            Labels of this host, such as { 'role' => 'web-server' }.
# @param listen          Where an aggregator listens.
# @param allowed_hosts   Names under which an aggregator may be reached.
# @param trusted_proxies Addresses whose X-Forwarded-For an aggregator believes.
class sysmon (
  Optional[Pattern[/\A\//]] $package_source = undef,
  String $package_ensure = 'present',
  Optional[Pattern[/\Ahttps?:\/\//]] $aggregator_url = undef,
  Hash[String, String] $tags = {},
  String $listen = '[::]:9000',
  Array[String] $allowed_hosts = [],
  Array[String] $trusted_proxies = [],
) {
  $provider = $package_source ? {
    undef   => undef,
    default => 'dpkg',
  }

  package { 'sysmon':
    ensure   => $package_ensure,
    source   => $package_source,
    provider => $provider,
  }

  file { '/etc/sysmon/sysmon.toml':
    ensure       => file,
    owner        => 'root',
    group        => 'root',
    mode         => '0644',
    content      => epp('sysmon/sysmon.toml.epp', {
        'aggregator_url'  => $aggregator_url,
        'tags'            => $tags,
        'listen'          => $listen,
        'allowed_hosts'   => $allowed_hosts,
        'trusted_proxies' => $trusted_proxies,
    }),
    # What it would refuse never takes the place of what works.
    validate_cmd => '/usr/bin/sysmond check-config --data-dir /var/lib/sysmon --config % aggregator',
    require      => Package['sysmon'],
  }
}
