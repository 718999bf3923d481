use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{self, cargo, find, say};
use crate::{adf_schema, deny, jira_contract, package, python};

/// Everything that has to be right before a change lands.
pub(crate) fn run() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    // With all features: what they leave out is compiled for the tests.
    let features = ["--all-features", "--locked", "--", "-D", "warnings"];
    shell::run(cargo(&["clippy", "--workspace", "--all-targets"]).args(features))?;
    // And the host as it is shipped.
    shell::run(&mut cargo(&["clippy", "--package", "defect-host", "--locked", "--", "-D", "warnings"]))?;
    python::install()?;
    package::check()?;
    shell::run(&mut tests(&[]))?;
    isolated()?;
    adf_schema::check()?;
    jira_contract::check(None)?;
    let mut documents = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--all-features"]);
    shell::run(documents.env("RUSTDOCFLAGS", "-D warnings"))?;
    deny::check()?;
    say("all right");
    Ok(())
}

/// Tests of the workspace, such as those of `--test it`. Always of all of it and with all features, so that whatever is
/// run here shares what is built: for a package alone, dependencies lose the features that others want of them.
pub(crate) fn tests(which: &[&str]) -> Command {
    let mut tests = cargo(&["test", "--workspace", "--all-features", "--locked"]);
    tests.args(which);
    tests
}

/// The end-to-end tests again, with each plugin in a process of its own: what a caller sees stays the same.
/// Without one in which all calls time out at once, of which here the first ends the others; and without those of
/// terminals, connections, documents and new crates, which would only take their minutes once more.
fn isolated() -> Result<()> {
    let mut tests = tests(&["--test", "it", "--"]);
    let terminals = ["configuring::"];
    let connections = ["http2::", "overload::", "prometheus::", "proxies::", "tls::"];
    let documents = ["guide_quick_start::", "operations::", "readme::", "scaffold::"];
    let same = [&terminals[..], &connections, &documents].concat();
    for skipped in ["when_all_calls_hang"].into_iter().chain(same) {
        tests.args(["--skip", skipped]);
    }
    shell::run(tests.env("DEFECT_HOST_ISOLATION", "process"))
}

/// The end-to-end crash test with more rounds than CI has time for.
pub(crate) fn crash(rounds: u32) -> Result<()> {
    let mut test = tests(&["--test", "it", "crash"]);
    shell::run(test.env("DEFECT_HOST_CRASH_ROUNDS", rounds.to_string()))
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
    let mut tests = tests(&["--test", "it", "--"]);
    tests.args(["--test-threads=1", "logs::a_plugins", "panics::a_panic_before"]);
    shell::run(tests.env("DEFECT_HOST_UNDER", VALGRIND))
}
