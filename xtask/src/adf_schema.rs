use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use crate::shell::{cargo, find, root, run, say, target};

/// The package with Atlassian's schema of rich text.
const PACKAGE: &str = "@atlaskit/adf-schema@57.7.22";
/// What npm calls its file.
const TARBALL: &str = "atlaskit-adf-schema-57.7.22.tgz";

/// Holds every document of the plugin's tests against Atlassian's whole schema, and the part of it that the
/// repository keeps against the same file: what is valid by the part is valid by the whole.
///
/// Without npm, or without its registry, this says so and is no failure: Debian's npm is 400 packages, which nobody
/// has to have, and the tests use the part.
pub(crate) fn check() -> Result<()> {
    if find("npm").is_none() {
        say(
            "skipped: npm is missing (Debian: `apt install npm`); rich text was held against the kept part of the schema",
        );
        return Ok(());
    }
    let folder = target()?.join("adf-schema");
    let schema = folder.join("package/dist/json-schema/v1/full.json");
    if !schema.is_file() {
        fs::create_dir_all(&folder)?;
        let mut pack = Command::new("npm");
        pack.args(["pack", "--silent", PACKAGE]).current_dir(&folder);
        if let Err(error) = run(&mut pack) {
            say(&format!("skipped: the package of the whole schema of rich text cannot be had: {error:#}"));
            return Ok(());
        }
        run(Command::new("tar").args(["-xzf", TARBALL, "package/dist/json-schema/v1/full.json"]).current_dir(&folder))?;
    }
    kept_part_is_a_part(&schema)?;
    let mut test = cargo(&["test", "--package", "jira-defect-client", "--lib", "--locked", "adf::"]);
    run(test.env("ADF_SCHEMA", schema))
}

fn kept_part_is_a_part(schema: &Path) -> Result<()> {
    let folder = root().join("plugins/jira/tests-data/adf");
    let trimmed = Command::new("python3")
        .arg(folder.join("trim.py"))
        .stdin(File::open(schema)?)
        .stdout(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    if !trimmed.status.success() {
        bail!("trim.py failed with {}", trimmed.status);
    }
    let kept = fs::read(folder.join("schema.json"))?;
    ensure!(
        trimmed.stdout == kept,
        "plugins/jira/tests-data/adf/schema.json is not the part of {PACKAGE}: see README.md"
    );
    Ok(())
}
