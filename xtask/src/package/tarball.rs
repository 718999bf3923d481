//! The tarball, for every other Linux.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::Contents;
use super::folder::{DATA, Folder, PROGRAM};
use crate::shell::run;

/// Where the configuration that is packaged has its data, and what it is in a tarball: the working directory's.
const DATA_FOLDERS: [&str; 2] = ["\"/var/lib/defect-host/defects\"", "\"defects\""];

pub(super) fn make(contents: &Contents<'_>, into: &Path) -> Result<PathBuf> {
    let name = format!("defect-host-{}-{}", contents.version, contents.target);
    let folder = Folder::new(into.join("tarball"))?;

    folder.copy(&contents.built.program, &format!("{name}/defect-host"), PROGRAM)?;
    contents.plugins(&folder, &format!("{name}/plugins"))?;
    let config = std::fs::read_to_string(contents.root.join("packaging/config.toml"))?;
    ensure!(config.contains(DATA_FOLDERS[0]), "`packaging/config.toml` has no {}", DATA_FOLDERS[0]);
    folder.write(&format!("{name}/config.toml"), config.replace(DATA_FOLDERS[0], DATA_FOLDERS[1]), DATA)?;
    contents.units(&folder, &format!("{name}/systemd"))?;
    contents.documents(&folder, &name)?;
    folder.copy(&contents.root.join("LICENSE"), &format!("{name}/LICENSE"), DATA)?;
    contents.manual(&folder, &format!("{name}/man/man1"))?;
    for (shell, file) in [("bash", "defect-host.bash"), ("zsh", "_defect-host"), ("fish", "defect-host.fish")] {
        folder.write(&format!("{name}/completions/{file}"), contents.completions(shell)?, DATA)?;
    }

    let tarball = into.join(format!("{name}.tar.gz"));
    run(Command::new("tar")
        .args(["--format=ustar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{}", contents.time))
        .args(["--use-compress-program=gzip -9n", "--create", "--file"])
        .args([tarball.as_os_str(), "--directory".as_ref(), folder.path().as_os_str(), name.as_ref()]))?;
    Ok(tarball)
}
