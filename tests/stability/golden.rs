//! Files that hold what was written once, compared with what is written now.

use std::path::PathBuf;

use defect_host_tests::root;
use defect_plugin_api::VERSION;
use similar::TextDiff;

/// Set to `1`, a test writes its files anew instead of comparing them.
const RENEW: &str = "RENEW_STABILITY";

/// The files of one test, what does not fit among them, and what to do about it.
pub(crate) struct Golden {
    folder: &'static str,
    compared: Vec<String>,
    differences: Vec<String>,
}

impl Golden {
    /// The files of `tests/stability/<folder>`.
    pub(crate) fn new(folder: &'static str) -> Self {
        Self { folder, compared: Vec::new(), differences: Vec::new() }
    }

    /// Compares a text with a file, and gives what the file holds.
    pub(crate) fn compare(&mut self, name: &str, written: &str) -> String {
        let path = self.path().join(name);
        if std::env::var(RENEW).is_ok_and(|value| value == "1") {
            std::fs::create_dir_all(self.path()).unwrap();
            std::fs::write(&path, written).unwrap();
        }
        self.compared.push(name.to_owned());
        let shown = format!("tests/stability/{}/{name}", self.folder);
        match std::fs::read_to_string(&path) {
            Ok(kept) if kept == written => kept,
            Ok(kept) => {
                let difference = TextDiff::from_lines(kept.as_str(), written);
                let difference = difference.unified_diff().header(&shown, "what is written now").to_string();
                self.differences.push(difference);
                kept
            }
            Err(error) => {
                self.differences.push(format!("{shown} cannot be read: {error}\n"));
                written.to_owned()
            }
        }
    }

    /// Adds something that does not fit; of what a file holds, that it is not understood.
    pub(crate) fn blame(&mut self, what: String) {
        self.differences.push(what);
    }

    /// Ends the test: fails with `advice` when something differs, or when a file is there that nothing
    /// is compared with any more.
    pub(crate) fn finish(mut self, advice: &str) {
        for entry in std::fs::read_dir(self.path()).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !self.compared.contains(&name) {
                let shown = format!("tests/stability/{}/{name}", self.folder);
                self.differences.push(format!("{shown} is there, but nothing writes it any more\n"));
            }
        }
        assert!(
            self.differences.is_empty(),
            "\n\n{}\n{advice}\nthen renew the files:\n\n    {RENEW}=1 cargo test -p defect-host-tests --test stability\n\n",
            self.differences.join("\n")
        );
    }

    fn path(&self) -> PathBuf {
        root().join("tests/stability").join(self.folder)
    }
}

/// `1.1.0` as its numbers.
pub(crate) fn version() -> [u64; 3] {
    let numbers: Vec<u64> = VERSION.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// What to do about frames that differ.
pub(crate) fn advice() -> String {
    let [major, minor, _] = version();
    let (next_minor, next_major) = (minor + 1, major + 1);
    format!(
        "What crosses the boundary in JSON has changed. Hosts and plugins of plugin-api {major} that are there write \
         and read what the files hold.\n\n\
         If that is not meant, undo it.\n\n\
         If something was only added (an operation, or a key that may be absent and that readers ignore):\n\
         - in plugin-api/Cargo.toml, raise the minor version: {VERSION} becomes {major}.{next_minor}.0\n\
         - in plugin-api/src/boundary.rs, add to the history of what crosses in JSON: `- {major}.{next_minor}: what was added.`\n\
         - for an operation, add its request to `request` and its answer to `understand`, in tests/stability/operations.rs;\n\n\
         If something was renamed, removed or means something else, old plugins and hosts break: raise the major \
         version to {next_major}.0.0 and add `- {next_major}.0: …` there;\n"
    )
}

/// A frame as text.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
