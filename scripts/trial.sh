#!/usr/bin/env bash
# Tries the packages and what deploys them on a Debian of its own: a system in a container with its own systemd, made
# below target/roots, booted, and thrown away. Needs root, mmdebstrap and systemd-container.
#
#     scripts/trial.sh DEB OLDER_DEB     all parts of deploy/trial
#     scripts/trial.sh DEB OLDER_DEB puppet
#     scripts/trial.sh --base            make that Debian only: the one part that fetches anything
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
roots=$root/target/roots base=$root/target/roots/base
# What a plain server has, and what the recipes are run and checked with.
packages=systemd-sysv,dbus,python3,python3-apt,man-db,nginx-light,puppet,ansible-core,ca-certificates

make_base() {
    if [[ $(cat "$roots/base.packages" 2>/dev/null) == "$packages" ]]; then return; fi
    rm -rf "$base"
    mkdir -p "$roots"
    # Of the sources that this machine has.
    find /etc/apt -name '*.sources' -exec sed '/^ *#/d' {} + >"$roots/debian.sources"
    mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='Acquire::Languages "none"' \
        --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io bookworm "$base" "$roots/debian.sources"
    # Each boot is a new machine.
    : >"$base/etc/machine-id"
    printf '%s\n' "$packages" >"$roots/base.packages"
}

# The container sees no network but its own, and its changes are gone with it. As on any machine, who may not set the
# clock may ask how it is kept.
boot() {
    local trial=$1
    timeout --kill-after=10 600 systemd-nspawn --quiet --directory="$base" --boot --volatile=overlay \
        --private-network --register=no --keep-unit --machine="sysmon-trial-$$" --console=read-only \
        --system-call-filter='adjtimex clock_adjtime' \
        --bind="$trial:/trial" --bind-ro="$root/deploy:/deploy" \
        systemd.unit=trial.target systemd.show_status=no >"$trial/console" 2>&1 </dev/null || true
}

if [[ ${1:-} == --base ]]; then
    make_base
    exit
fi
deb=$(realpath "${1:?the package}") older=$(realpath "${2:?an older version of it}")
shift 2
(($#)) || set -- package puppet ansible
make_base
trial=$(mktemp --directory --tmpdir="$root/target")
trap 'rm -rf "$trial"' EXIT
cp "$deb" "$trial/sysmon.deb"
cp "$older" "$trial/older.deb"
printf '%s\n' "$@" >"$trial/parts"
mkdir -p "$base/etc/systemd/system"
cp "$root"/deploy/trial/trial.{service,target} "$base/etc/systemd/system/"
boot "$trial"
cat "$trial/log" 2>/dev/null || cat "$trial/console"
[[ $(cat "$trial/verdict" 2>/dev/null) == passed ]]
