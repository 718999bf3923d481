//! The licences of what is compiled into the binaries, as they ask for: with every copy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Package;

/// What the files with a package's terms are called, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// A text for people: each package with its licence, then every text once, with whom it belongs to.
pub(super) fn text(packages: &[&Package]) -> Result<String> {
    let mut text = String::from(
        "What is compiled into defect-host and its plugins, besides their own code. Rust's standard library comes with\n\
         rustc: MIT OR Apache-2.0, https://github.com/rust-lang/rust\n\n",
    );
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        let licence = super::expression(package)?;
        let source = package.repository.as_deref().unwrap_or("https://crates.io");
        writeln!(text, "{name}: {licence}, {source}")?;
        let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
        for terms in terms(folder.as_std_path())? {
            owners.entry(terms).or_default().push(name.clone());
        }
    }
    for (terms, owners) in owners {
        write!(text, "\n{}\n{}\n\n{}\n", "=".repeat(100), owners.join(", "), terms.trim_end())?;
    }
    Ok(text)
}

/// The texts in a package's folder.
fn terms(folder: &Path) -> Result<Vec<String>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let is_named = |file: &fs::DirEntry| {
        let name = file.file_name().to_string_lossy().to_uppercase();
        NAMES.iter().any(|begin| name.starts_with(begin)) && file.path().is_file()
    };
    let texts = files.iter().filter(|file| is_named(file)).map(|file| {
        let text = fs::read(file.path()).with_context(|| format!("`{}` cannot be read", file.path().display()))?;
        Ok(String::from_utf8_lossy(&text).replace('\r', ""))
    });
    texts.collect()
}
