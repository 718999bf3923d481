//! Opens a library and makes clients from it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use abi_stable::library::{AbiHeaderRef, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use abi_stable::std_types::{RResult, RSlice, RStr};
use defect_plugin_api::ClientError;
use defect_plugin_api::boundary::{
    DEFECT_CLIENT, Description, Export, RawClientBox, RawError, RawErrorKind, RawLog, RawModule_Ref,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{self, Client};
use super::log_bridge;
use super::process::{Isolation, Process, Recipe, Supervised};

/// Why a library that looked right could not be used.
#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
pub enum LoadError {
    /// The operating system's loader refuses it.
    #[error("the library `{}` cannot be opened: {reason}", path.display())]
    NotOpened {
        /// The library.
        path: PathBuf,
        /// The loader's own words.
        reason: String,
    },
    /// Its boundary differs from this host's.
    #[error("the plugin `{}` does not fit this host (plugin-api {}): {reason}", path.display(), defect_plugin_api::VERSION)]
    Incompatible {
        /// The library.
        path: PathBuf,
        /// What differs, in a sentence.
        reason: String,
        /// abi_stable's own report, of up to thousands of lines.
        report: String,
    },
    /// Its description cannot be had or read.
    #[error("the plugin `{}` does not say what it holds: {reason}", path.display())]
    NoDescription {
        /// The library.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The plugin panicked while the client was made.
    #[error("the plugin `{}` failed while `{class}` was made: {reason}", path.display())]
    Panicked {
        /// The library.
        path: PathBuf,
        /// The client's class.
        class: String,
        /// The panic's place and text.
        reason: String,
    },
    /// The plugin's process is of no use.
    #[error("the plugin `{}` cannot be run in a process of its own: {reason}", path.display())]
    Process {
        /// The library.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The client refuses its configuration or cannot start.
    #[error("`{class}` cannot start: {error}")]
    Refused {
        /// The client's class.
        class: String,
        /// What the plugin says, with the fields at fault.
        error: ClientError,
    },
}

impl LoadError {
    fn log_report(&self) {
        if let Self::Incompatible { path, report, .. } = self {
            tracing::debug!("the layout report of `{}`: {report}", path.display());
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotOpened { .. } => {
                "a library that it needs may be missing, or it was built for a newer system: `ldd` shows which"
            }
            Self::Incompatible { .. } => {
                "rebuild the plugin with this host's version of defect-plugin-api, or install the host that it was built for"
            }
            Self::NoDescription { .. } | Self::Panicked { .. } => "report it to the plugin's author",
            Self::Process { .. } => {
                "when it needs more time or memory, raise `call_timeout` or `isolation_memory`; else report it to the plugin's author"
            }
            Self::Refused { error: ClientError::InvalidInput { .. }, .. } => "correct the plugin's configuration",
            Self::Refused { .. } => "the plugin says what it lacks: provide that, and start again",
        }
    }
}

/// An open library. It stays open until the process ends: its threads and thread-locals may be in
/// use for as long, so there is no closing (and no `Drop`).
pub struct Library {
    path: PathBuf,
    home: Home,
    description: Description,
}

/// Where a library is open.
enum Home {
    Here(RawModule_Ref),
    /// The process is there until a client is made in it.
    Process {
        process: Mutex<Option<Process>>,
        isolation: Isolation,
    },
}

impl Library {
    /// Opens the library, which runs code of its own: look at its bytes first, with
    /// [`inspect`](crate::inspect).
    ///
    /// # Errors
    /// See [`LoadError`]; abi_stable's full report of a difference goes to the debug log.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        Self::open_with_log(path, log_bridge::raw_log()).inspect_err(LoadError::log_report)
    }

    /// As [`Library::open`]; what the library logs goes there.
    pub(super) fn open_with_log(path: &Path, log: RawLog) -> Result<Self, LoadError> {
        let module = open_module(path)?;
        (module.connect())(log);
        let description =
            description(module).map_err(|reason| LoadError::NoDescription { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), home: Home::Here(module), description })
    }

    /// Opens the library in a process of its own, where its code can do no harm to this one.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn open_isolated(path: &Path, isolation: Isolation) -> Result<Self, LoadError> {
        let (process, description) = Process::start(path, &isolation).inspect_err(LoadError::log_report)?;
        let home = Home::Process { process: Mutex::new(Some(process)), isolation };
        Ok(Self { path: path.to_owned(), home, description })
    }

    pub(super) fn description(&self) -> &Description {
        &self.description
    }

    /// The plugin's crate name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.plugin
    }

    /// The plugin's own version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.description.version
    }

    /// The version of the plugin API that it was built with.
    #[must_use]
    pub fn api_version(&self) -> &str {
        &self.description.api_version
    }

    /// The compiler that it was built with, as `rustc --version` says it; `None` before plugin-api 1.1.
    #[must_use]
    pub fn rustc(&self) -> Option<&str> {
        self.description.rustc.as_deref()
    }

    /// The target that it was built for; `None` before plugin-api 1.1.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.description.target.as_deref()
    }

    /// The names of the clients in it.
    #[must_use]
    pub fn classes(&self) -> Vec<String> {
        self.clients().map(|export| export.class.clone()).collect()
    }

    /// JSON Schema of a client's configuration; `None` when there is no such class.
    #[must_use]
    pub fn config_schema(&self, class: &str) -> Option<&Value> {
        self.client(class).map(|export| &export.config_schema)
    }

    /// The names of the operations that a client can be asked; none when there is no such class.
    #[must_use]
    pub fn operations(&self, class: &str) -> &[String] {
        self.client(class).map_or(&[], |export| &export.operations)
    }

    /// Makes a client from its configuration. Blocks for as long as the plugin's constructor does. A
    /// library in a process of its own makes one client.
    ///
    /// # Errors
    /// [`LoadError::Panicked`], [`LoadError::Refused`] and [`LoadError::Process`].
    pub fn create(&self, class: &str, config: &Value) -> Result<Client, LoadError> {
        let home = match &self.home {
            Home::Here(module) => client::Home::Here(self.create_here(*module, class, config)?),
            Home::Process { process, isolation } => {
                client::Home::Process(self.create_isolated(process, isolation, class, config)?)
            }
        };
        let operations = self.operations(class).to_vec();
        Ok(Client::new(self.name().to_owned(), class.to_owned(), operations, home))
    }

    fn create_here(&self, module: RawModule_Ref, class: &str, config: &Value) -> Result<RawClientBox, LoadError> {
        let config = config.to_string();
        let made = (module.create())(RStr::from(class), RSlice::from_slice(config.as_bytes()));
        made.into_result().map_err(|error| self.create_error(class, error))
    }

    fn create_isolated(
        &self,
        process: &Mutex<Option<Process>>,
        isolation: &Isolation,
        class: &str,
        config: &Value,
    ) -> Result<Supervised, LoadError> {
        let not_run = |reason: String| LoadError::Process { path: self.path.clone(), reason };
        let process = process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let process = process.ok_or_else(|| not_run("its process has a client already".to_owned()))?;
        process.create(&self.path, class, config, isolation.patience)?;
        let recipe = Recipe {
            plugin: self.name().to_owned(),
            library: self.path.clone(),
            class: class.to_owned(),
            config: config.clone(),
            isolation: isolation.clone(),
        };
        Supervised::new(recipe, process).map_err(|error| not_run(error.to_string()))
    }

    fn create_error(&self, class: &str, error: RawError) -> LoadError {
        let class = class.to_owned();
        if error.kind == RawErrorKind::PANICKED {
            LoadError::Panicked { path: self.path.clone(), class, reason: error.message.into() }
        } else {
            LoadError::Refused { class, error: error.into() }
        }
    }

    /// What the library exports of the kinds that this host knows.
    fn clients(&self) -> impl Iterator<Item = &Export> {
        self.description.exports.iter().filter(|export| export.kind == DEFECT_CLIENT)
    }

    fn client(&self, class: &str) -> Option<&Export> {
        self.clients().find(|export| export.class == class)
    }
}

fn open_module(path: &Path) -> Result<RawModule_Ref, LoadError> {
    let not_opened = |error: libloading::Error| {
        // Its own text is only `dlopen failed`; the loader's words are the source.
        let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        LoadError::NotOpened { path: path.to_owned(), reason }
    };
    // SAFETY: opening runs the library's constructors. Its bytes were inspected: it exports a plugin's
    // symbols and is whole; who may write to it was checked. Nothing more can be known from outside.
    let library = unsafe { libloading::Library::new(path) }.map_err(not_opened)?;
    // SAFETY: a plugin's symbol of this name is an abi_stable header, which starts with a magic text
    // that `upgrade` compares first.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes()) };
    let header = header.map(|symbol| *symbol).map_err(not_opened)?;
    // Not `RootModule::load_from_file`: it keeps one module per type and would give the first
    // library's for every other one.
    std::mem::forget(library);
    header.upgrade().and_then(|header| header.init_root_module::<RawModule_Ref>()).map_err(|error| {
        LoadError::Incompatible { path: path.to_owned(), reason: in_a_sentence(&error), report: error.to_string() }
    })
}

/// What a person needs of it.
fn in_a_sentence(error: &LibraryError) -> String {
    match error {
        LibraryError::IncompatibleVersionNumber { actual_version, .. } => {
            format!("it was built for plugin-api {actual_version}")
        }
        LibraryError::AbiInstability(_) => {
            "its boundary types have another layout, although the version is the same; the debug log has the report"
                .to_owned()
        }
        LibraryError::InvalidAbiHeader(_) => "it was built with another version of abi_stable".to_owned(),
        other => other.to_string().lines().find(|line| !line.trim().is_empty()).unwrap_or("unknown").trim().to_owned(),
    }
}

fn description(module: RawModule_Ref) -> Result<Description, String> {
    match (module.describe())() {
        RResult::ROk(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        RResult::RErr(error) => Err(error.message.into()),
    }
}
