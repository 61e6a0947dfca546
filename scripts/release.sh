#!/usr/bin/env bash
# Makes what is given to users, in target/dist: binary (static too), .deb, .rpm, OCI image, SBOM, SHA256SUMS.
#
#     scripts/release.sh                 build, and make all of it
#     scripts/release.sh --twice         the same, then build again in another folder: every bit has to be equal
#     scripts/release.sh deb rpm         only these: static, deb, rpm, oci, sbom
#     SYSMOND_BIN=… scripts/release.sh   package this build instead of making one
#
# The same commit gives the same bits: times are the commit's, and no path of the building machine is in the program.
# Needs cargo-deb and cargo-cyclonedx in target/tools/bin (scripts/test.sh puts them there), rpmbuild, buildah and
# skopeo.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
package=$root/target/package dist=${SYSMON_DIST:-$root/target/dist}
tools=${SYSMON_TOOLS:-$root/target/tools}/bin
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
triple=$(rustc -vV | sed -n 's/^host: //p')
name=sysmon-$version-$triple

fail() {
    printf 'release.sh: %s\n' "$1" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || [[ -x $tools/$1 ]] || fail "$1 is missing: scripts/test.sh tools installs it"
}

# Builds in a folder of its own, since these flags are not those of a developer's build. The linker's flag makes the
# program static, and is given to the last step alone: nothing else is compiled twice. Nothing that is compiled asks for
# the time, and where SOURCE_DATE_EPOCH is another than before all C would be compiled anew.
build() {
    local home=${CARGO_HOME:-$HOME/.cargo} sysroot
    sysroot=$(rustc --print sysroot)
    export CARGO_TARGET_DIR=$package/build CARGO_INCREMENTAL=0
    export RUSTFLAGS="-Csymbol-mangling-version=v0 --remap-path-prefix=$root=/sysmon \
--remap-path-prefix=$home=/cargo --remap-path-prefix=$sysroot=/rust"
    export CFLAGS="-ffile-prefix-map=$home=/cargo -ffile-prefix-map=$root=/sysmon"
    env --unset=SOURCE_DATE_EPOCH cargo build --release --locked --package sysmond
    cp "$CARGO_TARGET_DIR/release/sysmond" "$package/sysmond"
    build_static
    unset CARGO_TARGET_DIR RUSTFLAGS CFLAGS
}

build_static() {
    env --unset=SOURCE_DATE_EPOCH \
        cargo rustc --release --locked --package sysmond --bin sysmond -- -C target-feature=+crt-static
    cp "${CARGO_TARGET_DIR:-target}/release/sysmond" "$package/sysmond-static"
    if readelf --program-headers "$package/sysmond-static" | grep INTERP >/dev/null; then
        fail 'the static program asks for a loader'
    fi
    # The folder of builds holds the usual program again, for whoever runs it from there. As another file: this one is
    # also Cargo's own, under another name.
    rm "${CARGO_TARGET_DIR:-target}/release/sysmond"
    cp "$package/sysmond" "${CARGO_TARGET_DIR:-target}/release/sysmond"
}

# Manual pages, completions and Debian's changelog, written by the program itself.
stage() {
    rm -rf "$package/man" "$package/completions" "$package/crate"
    mkdir -p "$package/man" "$package/completions" "$package/crate/release"
    "$package/sysmond" man --output "$package/man"
    gzip --keep --no-name -9 "$package"/man/*.1
    "$package/sysmond" completions bash >"$package/completions/sysmond.bash"
    "$package/sysmond" completions zsh >"$package/completions/_sysmond"
    "$package/sysmond" completions fish >"$package/completions/sysmond.fish"
    printf 'sysmon (%s-1) unstable; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n -- %s  %s\n' \
        "$version" 'The sysmon authors <sysmon@sysmon.invalid>' "$(date -R -d "@$SOURCE_DATE_EPOCH")" \
        >"$package/changelog"
    # Where the packagers look for a built program.
    cp "$package/sysmond" "$package/crate/release/sysmond"
}

static() {
    # A name is asked of the system's resolver; where it cannot be loaded, files and DNS are asked.
    local folder=$package/$name
    rm -rf "$folder"
    mkdir -p "$folder"
    install -m 755 "$package/sysmond-static" "$folder/sysmond"
    cp -r LICENSE CHANGELOG.md docs deploy/systemd deploy/config deploy/nginx "$package/man" "$package/completions" \
        "$folder/"
    cp deploy/README.static "$folder/README"
    cp deploy/README.packages "$folder/NEXT-STEPS"
    rm "$folder"/man/*.gz
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
        --mode=go=rX,u+rw,a-s --directory "$package" "$name" | gzip --no-name -9 >"$dist/$name.tar.gz"
}

deb() {
    need cargo-deb
    # OLDER makes the same package under an older version, for the trial of an upgrade.
    CARGO_TARGET_DIR=$package/crate "$tools/cargo-deb" --no-build --no-strip --quiet --locked \
        --package sysmond --output "$dist/" ${OLDER:+--deb-version "$OLDER"}
}

rpm() {
    local setting settings=(
        "_topdir $package/rpm" "_rpmdir $dist" "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"
        "release_version $version" "source_root $root" "staged $package"
        'use_source_date_epoch_as_buildtime 1' '_buildhost localhost'
    )
    need rpmbuild
    for setting in "${settings[@]}"; do set -- "$@" --define "$setting"; done
    rpmbuild -bb --quiet "$@" deploy/rpm/sysmon.spec
}

oci() {
    need buildah
    local image=$dist/sysmon-$version-oci.tar
    rm -f "$image"
    BINARY=$package/sysmond-static IMAGE=$image VERSION=$version deploy/container/build.sh
}

sbom() {
    need cargo-cyclonedx
    # It writes one beside each crate's manifest.
    "$tools/cargo-cyclonedx" cyclonedx --manifest-path crates/sysmond/Cargo.toml --format json \
        --override-filename sysmon-sbom --quiet
    mv crates/sysmond/sysmon-sbom.json "$dist/$name.cdx.json"
    rm -f crates/*/sysmon-sbom.json
}

make_all() {
    local part
    rm -rf "$dist"
    mkdir -p "$dist" "$package"
    if [[ -n ${SYSMOND_BIN:-} ]]; then
        [[ -x $SYSMOND_BIN ]] || fail "SYSMOND_BIN: $SYSMOND_BIN is no program"
        cp "$SYSMOND_BIN" "$package/sysmond"
        if [[ " $* " =~ ' static '|' oci ' ]]; then build_static; fi
    else
        build
    fi
    stage
    for part in "$@"; do
        printf '==> %s\n' "$part"
        "$part"
    done
    (cd "$dist" && sha256sum -- * >SHA256SUMS)
    (cd "$dist" && ls -l)
}

# The same commit, cloned to another folder and built there.
compare() {
    local other
    other=$(mktemp --directory --tmpdir="$root/target")
    git clone --quiet --no-hardlinks "$root" "$other/a-longer-name"
    SYSMON_TOOLS=$(dirname "$tools") SYSMON_DIST=$other/dist "$other/a-longer-name/scripts/release.sh" "$@"
    diff "$dist/SHA256SUMS" "$other/dist/SHA256SUMS" || fail 'the second build differs: it is not reproducible'
    printf 'built twice, and every bit is equal\n'
    rm -rf "$other"
}

twice=
if [[ ${1:-} == --twice ]]; then
    twice=yes
    shift
fi
for part in "$@"; do
    [[ $part =~ ^(static|deb|rpm|oci|sbom)$ ]] || fail "there is no $part: static, deb, rpm, oci, sbom"
done
(($#)) || set -- static deb rpm oci sbom
if [[ -n $(git status --porcelain --untracked-files=no) ]]; then
    printf 'release.sh: not everything is committed: what is made here is of no commit\n' >&2
fi
make_all "$@"
if [[ -n $twice ]]; then compare "$@"; fi
