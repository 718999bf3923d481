use anyhow::{Result, bail};

use crate::shell::{self, cargo, find, say};
use crate::{adf_schema, deny, jira_contract, package, python};

/// Everything that has to be right before a change lands.
pub(crate) fn run() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    // With all features: what they leave out is compiled for the tests.
    let features = ["--all-features", "--locked", "--", "-D", "warnings"];
    shell::run(cargo(&["clippy", "--workspace", "--all-targets"]).args(features))?;
    python::install()?;
    package::check()?;
    shell::run(&mut cargo(&["test", "--workspace", "--locked"]))?;
    isolated()?;
    adf_schema::check()?;
    jira_contract::check(None)?;
    let mut documents = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--all-features"]);
    shell::run(documents.env("RUSTDOCFLAGS", "-D warnings"))?;
    deny::check()?;
    say("all right");
    Ok(())
}

/// The end-to-end tests again, with each plugin in a process of its own: what a caller sees stays the same.
/// Without one in which all calls time out at once, of which here the first ends the others; and without those of
/// terminals, connections, documents and new crates, which would only take their minutes once more.
fn isolated() -> Result<()> {
    let mut tests = cargo(&["test", "--package", "defect-host-tests", "--test", "it", "--locked", "--"]);
    let same = ["configuring::", "guide_quick_start::", "operations::", "proxies::", "readme::", "scaffold::", "tls::"];
    for skipped in ["when_all_calls_hang"].into_iter().chain(same) {
        tests.args(["--skip", skipped]);
    }
    shell::run(tests.env("DEFECT_HOST_ISOLATION", "process"))
}

/// The end-to-end crash test with more rounds than CI has time for.
pub(crate) fn crash(rounds: u32) -> Result<()> {
    let mut test = cargo(&["test", "--package", "defect-host-tests", "--test", "it", "--locked", "crash"]);
    shell::run(test.env("DEFECT_HOST_CRASH_ROUNDS", rounds.to_string()))
}

/// The tests of the traces. CI only compiles them: the feature's dependencies change the features of what nearly all
/// others are built on (syn), so that a program with it is built from scratch, which takes four minutes on two cores.
pub(crate) fn traces() -> Result<()> {
    let mut tests = cargo(&["test", "--package", "defect-host-tests", "--features", "otel", "--test", "traces"]);
    shell::run(tests.arg("--locked"))
}

/// What valgrind ends with, at the first wrong access, instead of with the program's own exit code.
const VALGRIND: &str = "valgrind -q --error-exitcode=99 --exit-on-first-error=yes";

/// The plugin API's tests, and some of the host's that load a plugin, call it, and in which it logs and
/// panics: where the unsafe lines are. Takes minutes, so CI does not run it.
pub(crate) fn memcheck() -> Result<()> {
    if find("valgrind").is_none() {
        bail!("valgrind is missing: `apt install valgrind` installs it (Debian)");
    }
    let runner = format!("target.'cfg(all())'.runner = '{VALGRIND}'");
    let mut own = cargo(&["test", "--config", &runner, "--package", "defect-plugin-api", "--lib", "--locked", "--"]);
    // Without those that run commands: valgrind starts programs in its own way.
    shell::run(own.args(["export::", "list::", "panics::", "model::"]))?;
    // One after the other: under valgrind each takes a core for long.
    let mut tests = cargo(&["test", "--package", "defect-host-tests", "--test", "it", "--locked", "--"]);
    tests.args(["--test-threads=1", "logs::a_plugins", "panics::a_panic_before"]);
    shell::run(tests.env("DEFECT_HOST_UNDER", VALGRIND))
}
