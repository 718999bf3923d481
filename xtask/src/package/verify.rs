//! That the packages are the same bytes each time, and that dpkg installs, upgrades and removes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{build, make, missing_program};
use crate::check::tests;
use crate::shell::{root, run, say, target};

/// Any time: these packages are compared with each other and are for nobody.
const TIME: u64 = 1_700_000_000;

/// What CI does: one release build, packed twice and compared; a second revision; dpkg.
pub(crate) fn check() -> Result<()> {
    let metadata = build::metadata()?;
    let built = build::build(&metadata)?;
    if let Some(missing) = missing_program() {
        say(&format!("skipped: no packages are made and tested, since `{missing}` is missing"));
        return Ok(());
    }
    let folder = metadata.target_directory.join("dist").into_std_path_buf();
    let (first, again) = (folder.join("check"), folder.join("check-again"));
    same(&make(&metadata, &built, 1, TIME, &first)?, &make(&metadata, &built, 1, TIME, &again)?)?;
    make(&metadata, &built, 2, TIME, &first)?;
    let mut test = tests(&["--test", "packages", "--"]);
    test.arg("--ignored").env("DEFECT_HOST_PACKAGES", &first);
    if !rustix::process::geteuid().is_root() {
        say("skipped: the Debian package is not installed in a root of its own: that takes root");
        test.args(["--skip", "is_installed"]);
    }
    run(&mut test)
}

/// Builds the last commit in two clones of different names, which nothing in the packages may tell.
pub(crate) fn verify() -> Result<()> {
    let folder = target()?.join("dist/verify");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut packages = vec![];
    for name in ["one", "another-folder"] {
        let clone = folder.join(name);
        run(Command::new("git").args(["clone", "--quiet", "--no-hardlinks"]).arg(root()).arg(&clone))?;
        // In the clone, with its own target folder: what cargo told this process is about ours.
        let mut package = Command::new("cargo");
        package.args(["run", "--quiet", "--locked", "--package", "xtask", "--", "package"]).current_dir(&clone);
        run(package.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_TARGET_DIR"))?;
        packages.push(packages_in(&clone.join("target/dist"))?);
    }
    same(&packages[0], &packages[1])
}

/// The Debian packages of two revisions, of the sources as they are, for a test to install one over the other.
pub(crate) fn two_revisions(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let metadata = build::metadata()?;
    let built = build::build(&metadata)?;
    for revision in [1, 2] {
        make(&metadata, &built, revision, TIME, folder)?;
    }
    Ok(())
}

/// The Debian packages in a folder, by their names.
pub(crate) fn debian_packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = packages_in(folder)?;
    packages.retain(|package| package.extension() == Some("deb".as_ref()));
    Ok(packages)
}

fn packages_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder).with_context(|| format!("`{}` cannot be read", folder.display()))?;
    let files = files.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
    let mut packages: Vec<_> = files.into_iter().filter(|path| path.is_file()).collect();
    packages.sort();
    Ok(packages)
}

fn same(packages: &[PathBuf], others: &[PathBuf]) -> Result<()> {
    if packages.is_empty() || packages.len() != others.len() {
        bail!("{} and {} packages were made", packages.len(), others.len());
    }
    for (package, other) in packages.iter().zip(others) {
        if fs::read(package)? != fs::read(other)? {
            bail!("`{}` and `{}` are not the same bytes; diffoscope shows where", package.display(), other.display());
        }
        say(&format!("the same bytes twice: {}", package.display()));
    }
    Ok(())
}
