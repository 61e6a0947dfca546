#!/usr/bin/env bash
# Runs the parts of the trial inside the container, one after another; scripts/trial.sh starts it.
set -u
rm -f /trial/verdict
verdict=passed
while read -r part; do
    printf '\n--- %s\n' "$part"
    if bash -eu "/deploy/trial/$part.sh"; then
        printf -- '--- %s: passed\n' "$part"
    else
        verdict=failed
        printf -- '--- %s: FAILED\n' "$part"
        journalctl --no-pager --quiet --lines=60 --unit='sysmond-*' --unit=nginx
    fi
done </trial/parts
printf '%s\n' "$verdict" >/trial/verdict
