use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{self, cargo, root, target};

/// Builds everything and serves a copy of the demo data, so that the original stays as it is.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    shell::run(&mut cargo(&["build", "--release", "--workspace"]))?;
    let root = root();
    let target = target()?;
    let folder = &target.join("demo");
    fs::create_dir_all(folder)?;
    fs::copy(root.join("config.toml"), folder.join("config.toml"))?;
    let data = Path::new("plugins/jsonl/demo");
    if !folder.join(data).exists() {
        copy_folder(&root.join(data), &folder.join(data)).context("the demo data cannot be copied")?;
    }
    let mut host = Command::new(target.join("release/defect-host"));
    shell::run(host.arg("start").args(arguments).current_dir(folder))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
