//! Builds the faulty plugin against another version of the plugin API: a copy of both, edited.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::artifacts::{artifacts, root};

/// Where the plugin's sources are in the workspace.
pub const PLUGIN: &str = "tests/plugins/faulty";

/// A copy of the sources, changed file by file.
pub struct Skewed {
    name: &'static str,
    folder: PathBuf,
    edits: Vec<(String, String, String)>,
}

impl Skewed {
    /// An unchanged copy, whose library is called `<name>_defect_client`.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let skewed = Self { name, folder: artifacts().target().join("skew").join(name), edits: Vec::new() };
        let members =
            r#"members = ["host", "plugin-api", "plugins/*", "tests", "tests/fakes/*", "tests/plugins/*", "xtask"]"#;
        let manifest = format!("{PLUGIN}/Cargo.toml");
        skewed
            .edit("Cargo.toml", members, &format!(r#"members = ["{name}-api", "{PLUGIN}"]"#))
            .edit(&manifest, "name = \"faulty-defect-client\"", &format!("name = \"{name}-defect-client\""))
            .edit(&manifest, "path = \"../../../plugin-api\"", &format!("path = \"../../../{name}-api\""))
    }

    /// Replaces a text that stands once in a file.
    #[must_use]
    pub fn edit(mut self, file: &str, old: &str, new: &str) -> Self {
        self.edits.push((file.to_owned(), old.to_owned(), new.to_owned()));
        self
    }

    /// Replaces what begins and ends with these texts, each standing once.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn cut(self, file: &str, begin: &str, end: &str) -> Self {
        let text = std::fs::read_to_string(root().join(file)).expect("the source is there");
        let from = text.find(begin).unwrap_or_else(|| panic!("{file} has no `{begin}`"));
        let length = text[from..].find(end).unwrap_or_else(|| panic!("{file} has no `{end}` after `{begin}`"));
        let whole = text[from..from + length + end.len()].to_owned();
        self.edit(file, &whole, "")
    }

    /// Builds the library and gives its path.
    ///
    /// # Panics
    /// When an edit does not apply, or the build fails.
    #[must_use]
    pub fn build(self) -> PathBuf {
        self.copy(Path::new("Cargo.toml"));
        self.copy(Path::new("Cargo.lock"));
        for folder in ["plugin-api", PLUGIN] {
            self.copy(&Path::new(folder).join("Cargo.toml"));
            if root().join(folder).join("build.rs").exists() {
                self.copy(&Path::new(folder).join("build.rs"));
            }
            self.copy_all(&Path::new(folder).join("src"));
        }
        for (file, ..) in &self.edits {
            assert!(self.copied(Path::new(file)).exists(), "{file} was edited but not copied");
        }
        // Offline: everything is there, the workspace itself was built before.
        let target = self.folder.with_file_name("target");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet", "--target-dir"])
            .arg(&target)
            .current_dir(&self.folder)
            .stderr(Stdio::inherit())
            .status()
            .expect("cargo can be started");
        assert!(built.success(), "the {} plugin does not build", self.name);
        let name =
            format!("{}{}_defect_client{}", std::env::consts::DLL_PREFIX, self.name, std::env::consts::DLL_SUFFIX);
        target.join("debug").join(name)
    }

    fn copy_all(&self, folder: &Path) {
        for entry in std::fs::read_dir(root().join(folder)).expect("the sources are there") {
            let entry = entry.expect("the folder can be read");
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() { self.copy_all(&path) } else { self.copy(&path) }
        }
    }

    /// Where the copy of a file is. The copies share the folder that cargo builds in, and cargo tells
    /// packages apart by their place in the workspace: so each copy of the API has one of its own.
    fn copied(&self, file: &Path) -> PathBuf {
        match file.strip_prefix("plugin-api") {
            Ok(rest) => self.folder.join(format!("{}-api", self.name)).join(rest),
            Err(_) => self.folder.join(file),
        }
    }

    /// Leaves a file that is right already alone, so that cargo need not build it again.
    fn copy(&self, file: &Path) {
        let mut text = std::fs::read_to_string(root().join(file)).expect("the source is there");
        for (_, old, new) in self.edits.iter().filter(|(edited, ..)| Path::new(edited) == file) {
            assert_eq!(text.matches(old).count(), 1, "{} has this not just once:\n{old}", file.display());
            text = text.replace(old, new);
        }
        let to = self.copied(file);
        // Cargo itself shortens the lock file.
        let lock = file == Path::new("Cargo.lock") && to.exists();
        if !lock && std::fs::read_to_string(&to).ok().as_ref() != Some(&text) {
            std::fs::create_dir_all(to.parent().expect("it is in a folder")).expect("the folder can be made");
            std::fs::write(&to, text).expect("the copy can be written");
        }
    }
}
