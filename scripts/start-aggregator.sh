#!/usr/bin/env bash
# Starts the aggregator in the background: port 9000 of every address. Arguments go to `sysmond aggregator`.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/start.sh" aggregator "$@"
