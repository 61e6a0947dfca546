#!/usr/bin/env bash
# Looks at what scripts/release.sh made besides the .deb: the RPM's contents and its installation into an empty root,
# the image's description, and the static program in a root that has nothing else.
#
#     scripts/release-check.sh target/dist
set -euo pipefail

dist=$(realpath "${1:?the folder of the release}")
work=$(mktemp --directory --tmpdir="$dist/..")
trap 'rm -rf "$work"' EXIT
image=$(find "$dist" -name 'sysmon-*-oci.tar') package=$(find "$dist" -name 'sysmon-*.rpm')

printf '==> %s\n' "$image"
# The name under which an engine loads it, which compose.yaml asks for.
tar --extract --to-stdout --file "$image" index.json | grep -q '"org.opencontainers.image.ref.name":"sysmon:'
skopeo inspect --config "oci-archive:$image" >"$work/config.json"
python3 - "$work/config.json" <<'PYTHON'
import json, sys
config = json.load(open(sys.argv[1]))["config"]
expected = {"User": "65532:65532", "Entrypoint": ["/usr/bin/sysmond"], "Cmd": ["aggregator"]}
found = {key: config.get(key) for key in expected}
assert found == expected, found
assert "/data" in config["Volumes"] and "9000/tcp" in config["ExposedPorts"], config
PYTHON
# The image's own files as a root, and its own user: what an engine would run, but for the namespaces.
skopeo copy --quiet "oci-archive:$image" "dir:$work/image"
mkdir "$work/root"
python3 -c 'import json, sys; [print(layer["digest"][7:]) for layer in json.load(open(sys.argv[1]))["layers"]]' \
    "$work/image/manifest.json" | while read -r layer; do
    tar --extract --directory "$work/root" --file "$work/image/$layer"
done
# What an engine gives to every container, of what is used.
mkdir -p "$work/root/dev"
mknod -m 666 "$work/root/dev/random" c 1 8
mknod -m 666 "$work/root/dev/urandom" c 1 9
in_image=(env --ignore-environment PATH=/usr/sbin HOME=/data SYSMON_DATA_DIR=/data
    chroot --userspec=65532:65532 "$work/root" /usr/bin/sysmond)
"${in_image[@]}" --version
"${in_image[@]}" aggregator --listen 127.0.0.1:0 --addr-file /data/address 2>"$work/log" &
server=$!
for _ in {1..200}; do if [[ -s $work/root/data/address ]]; then break; fi; sleep 0.1; done
python3 -c 'import sys, urllib.request; print(urllib.request.urlopen("http://" + sys.argv[1] + "/readyz").status)' \
    "$(cat "$work/root/data/address")" || { cat "$work/log"; exit 1; }
# The health check of compose.yaml; there the address is the default one.
"${in_image[@]}" health --addr-file /data/address
# A server that stands still is not well, though its database can be read.
kill -STOP "$server"
if "${in_image[@]}" health --addr-file /data/address 2>/dev/null; then printf 'it stands, and is well\n'; exit 1; fi
kill -CONT "$server"
# A name is looked up without a library of the system's: /etc/hosts has it.
printf '127.0.0.1 a-name-of-the-test\n' >"$work/root/etc/hosts"
SYSMON_TOKEN=a-token-of-the-test timeout 3 chroot --userspec=65532:65532 "$work/root" /usr/bin/sysmond agent \
    --data-dir /data/agent --aggregator "http://a-name-of-the-test:1" 2>"$work/agent" || true
grep -q 'refused' "$work/agent" || { printf 'the name was not found:\n'; cat "$work/agent"; exit 1; }
kill "$server"
wait "$server"

printf '==> %s\n' "$package"
rpm --query --package --list "$package" >"$work/files"
for file in /usr/bin/sysmond /usr/lib/systemd/system/sysmond-agent.service /etc/sysmon/sysmon.toml \
    /usr/lib/sysusers.d/sysmon.conf /usr/share/man/man1/sysmond.1.gz /usr/share/doc/sysmon/README \
    /usr/share/doc/sysmon/examples/nginx.conf /usr/share/doc/sysmon/decisions/README.md; do
    grep -qxF "$file" "$work/files" || { printf '%s is not in the package\n' "$file"; exit 1; }
done
grep -qxF /etc/sysmon/sysmon.toml <(rpm --query --package --configfiles "$package")
# Debian has no RPM of the libraries: what the package needs is not asked for here.
rpm --root "$work/rpm" --initdb
rpm --root "$work/rpm" --install --nodeps --noscripts "$package"
rpm --root "$work/rpm" --verify --nodeps sysmon
rpm --root "$work/rpm" --erase --noscripts sysmon
if [[ -e $work/rpm/usr/bin/sysmond ]]; then printf 'the program stayed\n'; exit 1; fi
