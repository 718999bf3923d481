//! What ships, compiled for Windows.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{find, root, run, target};

const TARGET: &str = "x86_64-pc-windows-gnu";
const PACKAGES: [&str; 4] = ["defect-plugin-api", "defect-host", "jsonl-defect-client", "jira-defect-client"];

/// Debian's compiler and its sources of the standard library, which is compiled from these for Windows: so it needs
/// no rustup and none of its servers. The program of the same name that comes first in `PATH` is another one.
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const STANDARD_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/std";

/// What is missing here for it, as Debian 12 names it.
fn missing() -> Vec<&'static str> {
    let is_there = |path| Path::new(path).exists();
    let needed = [
        ("cargo-web", is_there(CARGO)),
        ("rustc-web", is_there(RUSTC)),
        ("rust-web-src", is_there(STANDARD_LIBRARY)),
        ("gcc-mingw-w64-x86-64", find("x86_64-w64-mingw32-gcc").is_some()),
    ];
    needed.into_iter().filter(|(_, is_there)| !is_there).map(|(package, _)| package).collect()
}

/// Checks it, or builds it: then the program and the plugins are in `target/windows`.
pub(crate) fn compile(build: bool) -> Result<()> {
    let missing = missing();
    if !missing.is_empty() {
        bail!("programs are missing: `apt install {}` installs them (Debian 12)", missing.join(" "));
    }
    let mut cargo = Command::new(CARGO);
    cargo.args([if build { "build" } else { "check" }, "--locked", "-Zbuild-std=std,panic_unwind"]);
    cargo.args(["--target", TARGET, "--target-dir"]).arg(target()?.join("windows"));
    cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    cargo.args(build.then_some("--release"));
    // A standard library of one's own is something that only unstable compilers offer.
    cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-D warnings");
    // It leads to the libraries of the compiler that compiled this.
    run(cargo.current_dir(root()).env_remove("LD_LIBRARY_PATH"))
}
