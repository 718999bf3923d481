use anyhow::Result;

use crate::python;
use crate::shell::{self, cargo, say};

/// Everything that has to be right before a change lands.
pub(crate) fn run() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    shell::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    shell::run(&mut cargo(&["build", "--release", "--workspace", "--locked"]))?;
    python::install()?;
    shell::run(&mut cargo(&["test", "--workspace", "--locked"]))?;
    shell::run(cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    say("all right");
    Ok(())
}

/// The end-to-end crash test with more rounds than CI has time for.
pub(crate) fn crash(rounds: u32) -> Result<()> {
    let mut test = cargo(&["test", "--package", "defect-host-tests", "--test", "it", "--locked", "crash"]);
    shell::run(test.env("DEFECT_HOST_CRASH_ROUNDS", rounds.to_string()))
}
