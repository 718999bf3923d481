//! Embeds the sources of the plugin API, for `defect-host plugins new`.
//!
//! Whatever lies in its folder is taken along, so that a new file needs no mention here. (The crate
//! `include_dir` does that too, but does not notice a new file on stable Rust, and takes `target` along.)

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What cargo makes in a crate's folder.
const MADE: [&str; 2] = ["target", "Cargo.lock"];

/// Relative to this crate, here and in what is generated: the workspace may be moved or copied together with
/// what was built in it.
const API: &str = "../plugin-api";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={API}");
    let mut files = Vec::new();
    list(Path::new(API), &mut files)?;
    files.sort();

    let mut source = String::from("&[\n");
    for file in &files {
        let parts: Vec<_> = file.strip_prefix(API)?.iter().map(|part| part.to_string_lossy()).collect();
        let path = parts.join("/");
        let place = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/{API}/{path}"));
        writeln!(source, "    File {{ path: {path:?}, content: include_bytes!({place}) }},")?;
    }
    source.push_str("]\n");
    fs::write(Path::new(&std::env::var("OUT_DIR")?).join("plugin_api.rs"), source)?;
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || MADE.contains(&name.as_ref()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
