#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a while. What it finds stays in fuzz/artifacts/, what it learns in
# fuzz/corpus/.
#
#     scripts/fuzz.sh [--seconds N] [TARGET…]     default: 60 seconds each, all targets
#
# libFuzzer with the stable compiler: coverage needs only an LLVM pass. Without the address sanitizer, which only
# nightly has: there is no unsafe code, so that what is looked for are panics, overflows and broken invariants.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seconds=60
if [[ ${1:-} == --seconds ]]; then
    seconds=$2
    shift 2
fi
cd "$root/fuzz"
targets=("$@")
if ((${#targets[@]} == 0)); then
    for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

host=$(rustc -vV | sed -n 's/^host: //p')
flags=(
    --cfg fuzzing
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/fuzz
# `--target` keeps the flags from build scripts and procedural macros.
RUSTFLAGS="${flags[*]}" cargo build --locked --target "$host"

for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    log=artifacts/$target.log
    words=()
    if [[ -f $target.dict ]]; then words=("-dict=$target.dict"); fi
    if ! "$CARGO_TARGET_DIR/$host/debug/$target" "corpus/$target" "seeds/$target" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=512 -artifact_prefix="artifacts/$target/" "${words[@]}" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        printf 'fuzz %s: failed; the whole output is in fuzz/%s\n' "$target" "$log" >&2
        exit 1
    fi
    printf 'fuzz %s: %s; %s\n' "$target" "$(grep '^Done ' "$log")" "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)"
done
