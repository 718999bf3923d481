//! The release build that is packaged: without a trace of the folder that it was made in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::{CrateType, Message, Metadata, MetadataCommand, Package, PackageId};

use crate::shell::{self, cargo, root, say};

/// What is built of the workspace: the program and the reference plugins.
pub(super) struct Built {
    pub(super) program: PathBuf,
    pub(super) plugins: Vec<PathBuf>,
    /// All packages that were compiled.
    pub(super) compiled: BTreeSet<PackageId>,
}

/// The whole workspace with its dependencies.
pub(super) fn metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(root()).other_options(["--locked".to_owned(), "--filter-platform".to_owned(), target()?]);
    command.exec().context("cargo does not say what the workspace is made of")
}

/// The target that rustc builds for here.
pub(super) fn target() -> Result<String> {
    let said = std::process::Command::new("rustc").args(["--version", "--verbose"]).output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).with_context(|| format!("rustc does not say its target: {said}"))
}

/// The packages that are shipped.
pub(super) fn shipped(metadata: &Metadata) -> Vec<&Package> {
    let plugins = metadata.workspace_root.join("plugins");
    let is_shipped = |package: &&Package| *package.name == "defect-host" || package.manifest_path.starts_with(&plugins);
    metadata.workspace_packages().into_iter().filter(is_shipped).collect()
}

/// Builds them.
pub(super) fn build(metadata: &Metadata) -> Result<Built> {
    // So that all sources are where `remapped` looks.
    shell::run(&mut cargo(&["fetch", "--locked"]))?;
    let mut build = cargo(&["build", "--release", "--locked", "--message-format=json-render-diagnostics"]);
    for package in shipped(metadata) {
        build.args(["--package", &package.name]);
    }
    // Replaces what the environment and cargo's configuration have: they would be in the result.
    build.env("CARGO_ENCODED_RUSTFLAGS", remapped(metadata)?.join("\u{1f}"));
    // Of its own: other flags would build all of `target/release` anew, each time.
    build.arg("--target-dir").arg(metadata.target_directory.join("dist/build"));
    say("==> cargo build --release, for packages");
    let built = build.stdout(Stdio::piped()).spawn()?.wait_with_output()?;
    if !built.status.success() {
        bail!("the release build failed with {}", built.status);
    }
    let (mut program, mut plugins, mut compiled) = (None, vec![], BTreeSet::new());
    for message in Message::parse_stream(built.stdout.as_slice()) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        compiled.insert(artifact.package_id);
        if let Some(executable) = artifact.executable {
            program = Some(executable.into());
        } else if artifact.target.crate_types.contains(&CrateType::CDyLib) {
            plugins.extend(artifact.filenames.into_iter().next().map(PathBuf::from));
        }
    }
    plugins.sort();
    Ok(Built { program: program.context("cargo built no program")?, plugins, compiled })
}

/// Flags by which no folder of this machine gets into the binaries, where panics name their file.
fn remapped(metadata: &Metadata) -> Result<Vec<String>> {
    let flag = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![
        flag(metadata.workspace_root.as_std_path(), "/defect-host"),
        flag(metadata.target_directory.as_std_path(), "/defect-host/target"),
    ];
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("there is no CARGO_HOME")?;
    // One folder for each registry, named after its address.
    for registry in std::fs::read_dir(home.join("registry/src"))? {
        flags.push(flag(&registry?.path(), "/registry"));
    }
    Ok(flags)
}
