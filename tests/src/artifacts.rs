//! The program and the plugins' libraries, as cargo builds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// What `cargo build --workspace` made.
pub struct Artifacts {
    /// The binary `defect-host`.
    pub host: PathBuf,
    libraries: BTreeMap<String, PathBuf>,
}

impl Artifacts {
    /// The library of a plugin by its crate name, such as `jsonl_defect_client`.
    ///
    /// # Panics
    /// When there is no such plugin.
    #[must_use]
    pub fn library(&self, name: &str) -> &Path {
        &self.libraries[name]
    }

    /// Cargo's target folder.
    ///
    /// # Panics
    /// When the binary is in none.
    #[must_use]
    pub fn target(&self) -> &Path {
        self.host.parent().and_then(Path::parent).expect("the binary is in target/debug")
    }
}

/// The workspace's root, as cargo says it: the path of the time when this was compiled may be gone, when
/// the workspace was moved since.
///
/// # Panics
/// When it is gone.
#[must_use]
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("..").canonicalize().expect("the workspace is there")
}

/// Cargo, without what the cargo that runs this test says of its package: ring's build asks for that, so that ring and all
/// that uses it would be built anew here, and once more by the next cargo outside.
fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
        cargo.env_remove(name);
    }
    cargo
}

/// Builds the workspace, once per process: `cargo test` makes neither the binary nor libraries that
/// nothing links. Together with a test, so that dependencies have the features that `cargo test --workspace` gave them
/// and need not be built once more. The paths are those that cargo reports, not guesses.
///
/// # Panics
/// When it cannot be built.
pub fn artifacts() -> &'static Artifacts {
    static BUILT: OnceLock<Artifacts> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = cargo()
            .args(["build", "--workspace", "--lib", "--bins", "--test=it", "--message-format=json", "--quiet"])
            .args(cfg!(feature = "otel").then_some("--all-features"))
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo can be started");
        assert!(built.status.success(), "`cargo build --workspace` failed");
        let mut artifacts = Artifacts { host: PathBuf::new(), libraries: BTreeMap::new() };
        for line in String::from_utf8_lossy(&built.stdout).lines() {
            let message: Value = serde_json::from_str(line).expect("cargo's messages are JSON");
            let target = &message["target"];
            let name = target["name"].as_str().unwrap_or_default();
            if message["executable"].is_string() && name == "defect-host" {
                artifacts.host = message["executable"].as_str().unwrap_or_default().into();
            }
            if target["crate_types"].as_array().is_some_and(|types| types.contains(&Value::from("cdylib"))) {
                let library = message["filenames"].as_array().and_then(|files| files.first()?.as_str());
                artifacts.libraries.insert(name.to_owned(), library.unwrap_or_default().into());
            }
        }
        artifacts
    })
}

/// The library of a plugin whose panics abort: `cargo build` makes one whose panics unwind.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn aborting_library() -> PathBuf {
    artifacts();
    let built = cargo()
        .args(["rustc", "--package", "aborting-defect-client", "--message-format=json", "--quiet"])
        .args(["--", "-C", "panic=abort"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(built.status.success(), "the aborting plugin cannot be built");
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let mut messages =
        messages.lines().map(|line| serde_json::from_str::<Value>(line).expect("cargo's messages are JSON"));
    let library = messages.find(|message| message["target"]["name"] == "aborting_defect_client");
    let library = library.and_then(|message| Some(PathBuf::from(message["filenames"].get(0)?.as_str()?)));
    library.expect("cargo says where the library is")
}

/// The version of the plugin API here.
///
/// # Panics
/// When its manifest says none.
#[must_use]
pub fn api_version() -> String {
    let manifest = std::fs::read_to_string(root().join("plugin-api/Cargo.toml")).expect("the manifest is there");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.expect("the manifest has a version").to_owned()
}

/// Where in a library's bytes the version is that the host reads before it opens the library.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn version_symbol(library: &[u8]) -> usize {
    let mut symbol = api_version().into_bytes();
    symbol.resize(32, 0);
    library.windows(32).position(|window| window == symbol).expect("the library has the symbol")
}
