use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{run, target};

/// What the tests compare with and are run by, and what knows whether a bill of materials is one, from PyPI.
const PACKAGES: [&str; 5] = [
    "testbench-defect-service[jira]==0.3.0",
    "jira==3.10.5",
    "schemathesis==4.32.5",
    "oauthlib[signedtoken]==4.0.1",
    "cyclonedx-python-lib[json-validation]==11.12.0",
];

/// Makes `target/python`, a virtual environment with [`PACKAGES`], unless it is there.
pub(crate) fn install() -> Result<()> {
    let folder = target()?.join("python");
    // Written last: an environment that is half made is made anew.
    let complete = folder.join("complete");
    if std::fs::read_to_string(&complete).is_ok_and(|made| made == PACKAGES.join("\n")) {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("the tests need Python 3.10 or newer with venv (Debian: apt install python3-venv)")?;
    let pip = folder.join("bin/pip");
    run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
    std::fs::write(complete, PACKAGES.join("\n"))?;
    Ok(())
}
