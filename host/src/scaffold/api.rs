//! Where the written crate has the plugin API from.

use std::path::{Path, PathBuf};

use super::{File, ScaffoldError};

/// The folder of the embedded sources in the written crate.
pub(super) const FOLDER: &str = "defect-plugin-api";

/// The crate's name, and its folder in a checkout.
const PACKAGE: &str = "defect-plugin-api";
const FOLDER_IN_CHECKOUT: &str = "plugin-api";

/// The sources that this program was built from, see `build.rs`.
const SOURCES: &[File] = include!(concat!(env!("OUT_DIR"), "/plugin_api.rs"));

/// Where the written crate has the plugin API from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// From a folder in the crate, which the program writes.
    Embedded,
    /// From a checkout of defect-host.
    Checkout {
        /// The folder of the plugin API, absolute.
        path: PathBuf,
        /// Its version.
        version: String,
    },
}

/// How the written crate speaks of the plugin API.
pub(super) struct Dependency {
    /// The line before it in `Cargo.toml`.
    pub(super) comment: &'static str,
    /// Its value in `Cargo.toml`.
    pub(super) value: String,
    /// The same among the dependencies of its tests.
    pub(super) value_for_tests: String,
    /// Its line in the README's table of files.
    pub(super) row: &'static str,
}

impl Api {
    /// The sources at `path`: the folder of the plugin API, or the checkout that it is in.
    ///
    /// # Errors
    /// They are not there, or of another major version than this host.
    pub fn of_checkout(path: &Path) -> Result<Self, ScaffoldError> {
        let not_there = || ScaffoldError::NotTheApi(path.to_owned());
        let folders = [path.to_owned(), path.join(FOLDER_IN_CHECKOUT)];
        let found = folders.iter().find_map(|folder| Some((folder.canonicalize().ok()?, version_in(folder)?)));
        let (path, version) = found.ok_or_else(not_there)?;
        let expected = defect_plugin_api::VERSION;
        if version.split('.').next() != expected.split('.').next() {
            return Err(ScaffoldError::ApiVersion { path, found: version, expected });
        }
        // `Cargo.toml` is UTF-8.
        if path.to_str().is_none() {
            return Err(not_there());
        }
        Ok(Self::Checkout { path, version })
    }

    /// What is written beside the crate's own files.
    pub(super) fn files(&self) -> &'static [File] {
        match self {
            Self::Embedded => SOURCES,
            Self::Checkout { .. } => &[],
        }
    }

    pub(super) fn dependency(&self) -> Dependency {
        let (version, path, comment, row) = match self {
            Self::Embedded => (
                defect_plugin_api::VERSION,
                FOLDER.into(),
                "# Its sources lie beside, as the host that wrote this has them: leave them as they are.",
                "| `defect-plugin-api/` | the plugin API, of the host's version: leave this as it is |\n",
            ),
            Self::Checkout { path, version } => (
                version.as_str(),
                path.to_string_lossy(),
                "# From a checkout of defect-host, as `--api` named it. Its major version has to be the host's.",
                "",
            ),
        };
        let path = toml::Value::from(path.into_owned());
        let value = format!("version = \"{version}\", path = {path}");
        let value_for_tests = format!("{{ {value}, features = [\"conformance\"] }}");
        Dependency { comment, value: format!("{{ {value} }}"), value_for_tests, row }
    }
}

/// The version of the plugin API in this folder, if it is there.
fn version_in(folder: &Path) -> Option<String> {
    let manifest: toml::Table = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?.parse().ok()?;
    let package = manifest.get("package")?;
    let is_api = package.get("name")?.as_str()? == PACKAGE;
    is_api.then(|| package.get("version")?.as_str().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn a_checkout_is_found_by_its_own_folder_and_by_that_of_the_api() {
        let expected = Api::Checkout {
            path: workspace().join("plugin-api").canonicalize().unwrap(),
            version: defect_plugin_api::VERSION.to_owned(),
        };
        for path in [workspace(), workspace().join("plugin-api")] {
            assert_eq!(Api::of_checkout(&path).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_not_the_api_or_of_another_major_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let said = |manifest: &str| {
            std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
            let error = Api::of_checkout(folder.path()).unwrap_err();
            format!("{error}\nhint: {}", error.hint())
                .replace(&folder.path().canonicalize().unwrap().display().to_string(), "[folder]")
                .replace(defect_plugin_api::VERSION, "[version]")
        };
        insta::assert_snapshot!(said("[package]\nname = \"other\"\nversion = \"1.0.0\""), @"
        `[folder]` does not hold the sources of defect-plugin-api
        hint: let `--api` name the folder `plugin-api` of a checkout of defect-host, or leave it out: the program brings the sources along
        ");
        insta::assert_snapshot!(said("[package]\nname = \"defect-plugin-api\"\nversion = \"9.1.0\""), @"
        `[folder]` holds plugin-api 9.1.0, this host speaks [version]
        hint: check the version of this host out, or leave `--api` out: the program brings the sources of its own version along
        ");
        assert!(matches!(Api::of_checkout(Path::new("/nowhere")), Err(ScaffoldError::NotTheApi(_))));
    }

    #[test]
    fn the_api_inherits_nothing_and_has_the_workspaces_values() {
        let read =
            |path: &str| -> toml::Table { std::fs::read_to_string(workspace().join(path)).unwrap().parse().unwrap() };
        let (api, workspace) = (read("plugin-api/Cargo.toml"), read("Cargo.toml"));
        for key in ["edition", "rust-version", "license", "publish"] {
            assert_eq!(api["package"][key], workspace["workspace"]["package"][key], "{key}");
        }
        assert_eq!(api["lints"], workspace["workspace"]["lints"]);
        assert!(!toml::to_string(&api).unwrap().contains("workspace"), "it has to build alone");
    }
}
