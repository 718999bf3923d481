use anyhow::Result;

use crate::shell::{cargo, root, run, say, target};

/// From crates.io: what PyPI has is too old for cargo's present package ids.
const VERSION: &str = "0.20.2";

/// Holds the dependencies against `deny.toml`.
pub(crate) fn check() -> Result<()> {
    let tool = target()?.join("cargo-deny");
    let program = tool.join("bin/cargo-deny");
    // Says that this version is there already, when it is. Unoptimised, it compiles in a third of the time, and runs
    // three seconds. Its only feature is for authorities of the system, which fetching the advisories by git needs not.
    let mut install = cargo(&["install", "cargo-deny", "--version", VERSION, "--locked", "--debug", "--quiet"]);
    run(install.arg("--no-default-features").arg("--root").arg(&tool))?;
    // It asks for the sources of all platforms.
    run(&mut cargo(&["fetch", "--locked"]))?;
    let deny = |arguments: &[&str]| {
        let mut deny = std::process::Command::new(&program);
        deny.args(arguments).current_dir(root()).env("GIT_TERMINAL_PROMPT", "0");
        deny
    };
    run(&mut deny(&["--offline", "check", "licenses", "bans", "sources"]))?;
    // A repository of GitHub, which not every machine reaches.
    match run(&mut deny(&["fetch", "db"])) {
        Ok(()) => run(&mut deny(&["--offline", "check", "advisories"])),
        Err(error) => {
            say(&format!("skipped: the advisories are not checked, their database cannot be fetched here: {error}"));
            Ok(())
        }
    }
}
