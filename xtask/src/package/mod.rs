//! `cargo xtask package`: a tarball and a Debian package, the same bytes each time.

mod build;
mod debian;
mod folder;
mod libraries;
mod licences;
mod sbom;
mod tarball;
mod verify;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, Package};

use self::build::Built;
use self::folder::{DATA, Folder};
use crate::shell::{find, root, say};

pub(crate) use verify::{check, debian_packages, two_revisions, verify};

/// How to package.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The revision of the Debian package of this version
    #[arg(long, default_value_t = 1)]
    revision: u32,
    /// Make the last commit's packages in two clones in different folders, and compare their bytes. Takes two
    /// release builds
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.verify {
        return verify();
    }
    let metadata = build::metadata()?;
    let built = build::build(&metadata)?;
    let folder = metadata.target_directory.join("dist");
    let made = make(&metadata, &built, arguments.revision, time()?, folder.as_std_path())?;
    made.iter().for_each(|package| say(&format!("made {}", package.display())));
    Ok(())
}

/// Packs what was built: the tarball, then the Debian package. `time` is that of everything in them.
fn make(metadata: &Metadata, built: &Built, revision: u32, time: u64, into: &Path) -> Result<[PathBuf; 2]> {
    if let Some(missing) = missing_program() {
        bail!("`{missing}` is missing: the packages are made with Debian's dpkg and GNU's tools");
    }
    let contents = Contents::collect(metadata, built, time)?;
    Ok([tarball::make(&contents, into)?, debian::make(&contents, revision, into)?])
}

/// The first program that is not here of those that pack.
fn missing_program() -> Option<&'static str> {
    ["date", "dpkg-deb", "gzip", "md5sum", "strip", "tar"].into_iter().find(|program| find(program).is_none())
}

/// What both packages have.
struct Contents<'a> {
    root: PathBuf,
    built: &'a Built,
    /// The program's version.
    version: String,
    /// The target that it is built for.
    target: String,
    /// The time of everything in the packages, in seconds since 1970.
    time: u64,
    /// The licences of others' code in it.
    licences: String,
    /// The bill of materials.
    sbom: String,
}

impl<'a> Contents<'a> {
    fn collect(metadata: &Metadata, built: &'a Built, time: u64) -> Result<Self> {
        let shipped = build::shipped(metadata);
        let host = shipped.iter().find(|package| *package.name == "defect-host").context("the host is shipped")?;
        let version = host.version.to_string();
        let compiled = compiled(metadata, built, &shipped)?;
        let (own, others): (Vec<&Package>, Vec<&Package>) =
            compiled.into_iter().partition(|package| package.source.is_none());
        Ok(Self {
            root: root(),
            built,
            target: build::target()?,
            time,
            licences: licences::text(&others)?,
            sbom: serde_json::to_string_pretty(&sbom::document(metadata, &own, &others, &version)?)? + "\n",
            version,
        })
    }

    /// The plugins' libraries.
    fn plugins(&self, folder: &Folder, to: &str) -> Result<()> {
        for plugin in &self.built.plugins {
            let name = plugin.file_name().unwrap_or_default().to_string_lossy();
            folder.copy(plugin, &format!("{to}/{name}"), DATA)?;
        }
        Ok(())
    }

    /// systemd's units.
    fn units(&self, folder: &Folder, to: &str) -> Result<()> {
        self.all_of("packaging/systemd", folder, to)
    }

    /// The documents, with the folder `docs` that they link each other by.
    fn documents(&self, folder: &Folder, to: &str) -> Result<()> {
        for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
            folder.copy(&self.root.join(name), &format!("{to}/{name}"), DATA)?;
        }
        self.all_of("docs", folder, &format!("{to}/docs"))?;
        folder.write(&format!("{to}/THIRD-PARTY-LICENCES.txt"), &self.licences, DATA)?;
        folder.write(&format!("{to}/defect-host.cdx.json"), &self.sbom, DATA)
    }

    fn all_of(&self, from: &str, folder: &Folder, to: &str) -> Result<()> {
        let from = self.root.join(from);
        for file in fs::read_dir(&from).with_context(|| format!("`{}` cannot be read", from.display()))? {
            let file = file?;
            folder.copy(&file.path(), &format!("{to}/{}", file.file_name().to_string_lossy()), DATA)?;
        }
        Ok(())
    }

    /// The manual pages, as the program writes them.
    fn manual(&self, folder: &Folder, to: &str) -> Result<()> {
        let made = tempfile::tempdir()?;
        self.ask(&["man-pages", &made.path().to_string_lossy()])?;
        for page in fs::read_dir(made.path())? {
            let page = page?;
            folder.copy(&page.path(), &format!("{to}/{}", page.file_name().to_string_lossy()), DATA)?;
        }
        Ok(())
    }

    /// The completions of a shell, as the program writes them.
    fn completions(&self, shell: &str) -> Result<Vec<u8>> {
        self.ask(&["completions", shell])
    }

    /// What the program prints.
    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let said = Command::new(&self.built.program).args(arguments).output()?;
        if !said.status.success() {
            bail!("`defect-host {}` failed with {}", arguments.join(" "), said.status);
        }
        Ok(said.stdout)
    }
}

/// What the build compiled of what the shipped packages need, sorted: what tests or build scripts need is not in it.
fn compiled<'a>(metadata: &'a Metadata, built: &Built, shipped: &[&Package]) -> Result<Vec<&'a Package>> {
    let nodes = &metadata.resolve.as_ref().context("cargo says no dependencies")?.nodes;
    let mut found = BTreeSet::new();
    let mut todo: Vec<_> = shipped.iter().map(|package| &package.id).collect();
    while let Some(id) = todo.pop() {
        // The dependencies are those of the whole workspace, which may switch more features on.
        if !built.compiled.contains(id) || !found.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| node.id == *id).context("each package has its dependencies")?;
        todo.extend(node.deps.iter().filter(|dependency| sbom::is_normal(dependency)).map(|found| &found.pkg));
    }
    let mut packages: Vec<_> = metadata.packages.iter().filter(|package| found.contains(&package.id)).collect();
    packages.sort_by_key(|package| (&package.name, &package.version));
    Ok(packages)
}

/// The licence as SPDX has it; old packages write `/` for `OR`.
fn expression(package: &Package) -> Result<String> {
    let licence = package.license.as_ref().with_context(|| format!("`{}` says no licence", package.name))?;
    Ok(licence.replace('/', " OR "))
}

/// `SOURCE_DATE_EPOCH`, else the last commit's time.
fn time() -> Result<u64> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return time.parse().with_context(|| format!("SOURCE_DATE_EPOCH is no number of seconds: `{time}`"));
    }
    let said = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()).output();
    let said = said.ok().filter(|said| said.status.success());
    let said = said.context("outside of a git repository, SOURCE_DATE_EPOCH has to say the packages' time")?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().parse()?)
}
