# A text as TOML has it: between quotes, with a backslash before a quote and a backslash. Control characters, which no
# setting has, are refused.
function sysmon::toml(Pattern[/\A[^[:cntrl:]]*\z/] $text) >> String {
  $escaped = regsubst($text, '(["\\\\])', '\\\\\\1', 'G')
  "\"${escaped}\""
}
