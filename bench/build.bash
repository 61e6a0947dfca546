# Sourced: builds the program that measures, and says in $bench where it is. BENCH_PROFILE names the profile; the gate,
# for which figures mean nothing, takes dev and is spared an optimised build.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
profile=${BENCH_PROFILE:-release}
cargo build --quiet --profile "$profile" --locked --manifest-path "$root/bench/Cargo.toml"
bench=$CARGO_TARGET_DIR/${profile/#dev/debug}/sysmond-bench
