use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{cargo, find, run, say, target};

/// The last one for Node 20.
const PRISM: &str = "@stoplight/prism-cli@5.14.2";

/// Holds the fake Jira, the requests of a client and `contract.json`, by which all tests check what the plugin sends,
/// against Atlassian's OpenAPI documents.
///
/// The documents are Atlassian's and in no package that has current ones, so somebody has to have them.
/// Without a folder this says so, and is no failure.
pub(crate) fn check(documents: Option<PathBuf>) -> Result<()> {
    let Some(documents) = documents.or_else(|| std::env::var_os("JIRA_DOCUMENTS").map(PathBuf::from)) else {
        say("skipped: no folder with Atlassian's OpenAPI documents is named; nothing was held against them");
        return Ok(());
    };
    let files =
        ["make_mock_spec.py", "cloud-v3.trimmed.openapi.json", "dc-v2.trimmed.openapi.json", "adf-full.schema.json"];
    for file in files {
        if !documents.join(file).is_file() {
            bail!("`{}` has no `{file}`; it takes {}", documents.display(), files.join(", "));
        }
    }
    let prism = prism()?;
    let mut test = cargo(&["test", "--package", "jira-fake", "--test", "contract", "--test", "contract_file"]);
    test.args(["--locked", "--", "--ignored"]);
    run(test.env("JIRA_DOCUMENTS", documents.canonicalize()?).env("JIRA_PRISM", prism))
}

/// Installs prism under `target/`, unless it is there.
fn prism() -> Result<PathBuf> {
    let folder = target()?.join("prism");
    let program = folder.join("node_modules/.bin/prism");
    let complete = folder.join("complete");
    if std::fs::read_to_string(&complete).is_ok_and(|made| made == PRISM) {
        return Ok(program);
    }
    if find("npm").is_none() {
        bail!("npm is missing: `apt install npm` installs it (Debian); it takes Node 18.20 or newer");
    }
    make(&folder)?;
    std::fs::write(complete, PRISM)?;
    Ok(program)
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    // Otherwise npm looks for a package above, and installs there.
    std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
    run(Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel", "error", PRISM])
        .current_dir(folder))
}
