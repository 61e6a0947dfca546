//! Has the linker put what an agent runs together: see `agent-text.ld`.

use std::env;
use std::path::Path;

/// The list is of names that this target's compiler makes.
const TARGET: &str = "x86_64-unknown-linux-gnu";

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script everything by its environment")]
fn main() {
    println!("cargo:rerun-if-changed=agent-text.ld");
    println!("cargo:rerun-if-changed=build.rs");
    let of_cargo = |name: &str| env::var(name).unwrap_or_default();
    let folder = of_cargo("CARGO_MANIFEST_DIR");
    if of_cargo("TARGET") == TARGET && of_cargo("PROFILE") == "release" {
        let list = Path::new(&folder).join("agent-text.ld");
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", list.display());
    }
}
