# The secret that agents show to the aggregator, in /etc/sysmon/token; systemd hands it to the services. Declare it before
# sysmon::agent and sysmon::aggregator.
#
# @param value At least 16 printable characters; from Hiera's eyaml or another store of secrets.
class sysmon::token (
  Sensitive[String[16]] $value,
) {
  include sysmon

  file { '/etc/sysmon/token':
    ensure    => file,
    owner     => 'root',
    group     => 'root',
    mode      => '0600',
    content   => Sensitive("${value.unwrap}\n"),
    show_diff => false,
    require   => Package['sysmon'],
  }
}
