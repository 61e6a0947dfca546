//! The program that `bench/run` and `bench/record` start.

fn main() -> anyhow::Result<()> {
    sysmond_bench::run()
}
