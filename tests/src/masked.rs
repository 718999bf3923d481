//! Makes what the program prints the same on every machine, for snapshots.

use std::path::Path;

use crate::artifacts::{artifacts, root};

/// The text with `[folder]` for the test's folder, `[program]` for the program's own, `[root]` for the
/// workspace, `[sha256]` for hashes, `[version]` for the program's version and `[line]` for lines of Rust.
#[must_use]
pub fn masked(text: &str, folder: &Path) -> String {
    let program = artifacts().host.parent().unwrap_or(folder);
    let mut text = text.to_owned();
    for (path, name) in [(folder, "[folder]"), (program, "[program]"), (&root(), "[root]")] {
        text = text.replace(&*path.to_string_lossy(), name);
    }
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    let hashes: Vec<String> = words.filter(|word| word.len() == 64).map(str::to_owned).collect();
    for hash in &hashes {
        text = text.replace(hash, "[sha256]");
    }
    if let Some((before, rest)) = text.split_once(".rs:") {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        text = format!("{before}.rs:[line]: {}", after.trim_start());
    }
    text.replace(&format!("defect-host {}", env!("CARGO_PKG_VERSION")), "defect-host [version]")
        .replace(&format!("_client {}", env!("CARGO_PKG_VERSION")), "_client [version]")
}
