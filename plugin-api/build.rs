//! Records what builds this crate. A plugin's own compiler builds it, so that is what the plugin is
//! made by and for, and its description can say so.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Cargo runs this again for another compiler. What cannot be told is left out: no reason to fail.
    let version = env::var_os("RUSTC").and_then(|rustc| Command::new(rustc).arg("--version").output().ok());
    if let Some(version) = version.filter(|output| output.status.success()) {
        let version = String::from_utf8_lossy(&version.stdout);
        println!("cargo::rustc-env=DEFECT_PLUGIN_API_RUSTC={}", version.lines().next().unwrap_or_default().trim());
    }
    if let Ok(target) = env::var("TARGET") {
        println!("cargo::rustc-env=DEFECT_PLUGIN_API_TARGET={target}");
    }
}
