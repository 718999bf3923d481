//! From the command line to a client that is ready to serve: the stages, joined.

use std::fmt::Write as _;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use defect_plugin_api::boundary;
use serde_json::Value;

use crate::cli::Start;
use crate::config::{self, ConfigError, Faults, IsolationMode, LoadedConfig, Overrides, Section, ServiceConfig};
use crate::credentials::{Pepper, PepperError, Verifier, VerifierError};
use crate::hidden;
use crate::inspect::{self, Expectations, InspectError, Inspection, PermissionsError, PinError};
use crate::platform::Platform;
use crate::plugin::process::Isolation;
use crate::plugin::{Client, Library, LoadError};
use crate::resolve::{
    self, ClassError, DirectorySources, Disk, Place, Places, PluginDirectory, ResolveError, Resolved, Search,
};

/// The user name and the password of the demo configuration that is shipped.
const DEMO_USER: (&str, &str) = ("demo", "demo");

/// What a library's file must show before it is opened.
const EXPECTATIONS: Expectations<'static> = Expectations {
    loader_symbol: boundary::LOADER_SYMBOL,
    version_symbol: boundary::VERSION_SYMBOL,
    api_version: defect_plugin_api::VERSION,
};

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("{error}; looked for{}", Places(.searched))]
    Permissions { error: PermissionsError, searched: Vec<Place> },
    #[error("{error}; looked for{}", Places(.searched))]
    Inspect { error: InspectError, searched: Vec<Place> },
    #[error(transparent)]
    Pin(#[from] PinError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("`{}`: {error}", library.display())]
    Class { library: PathBuf, error: ClassError },
    #[error("{0}")]
    ClientConfig(Faults),
    #[error("`{class}` of `{}` has no configuration schema", library.display())]
    NoSchema { library: PathBuf, class: String },
    #[error("there are no credentials: `password_hash` and `salt` are not set in `{}`", .0.display())]
    NoCredentials(PathBuf),
    #[error("the credentials cannot be used: {0}")]
    Credentials(#[from] VerifierError),
    #[error("the environment variable PASSWORD_PEPPER cannot be used: {0}")]
    Pepper(#[from] PepperError),
    #[error("the demo's password is known to everybody, and `host` is `{host}`, which others can reach")]
    DemoCredentials { host: String },
    #[error("`isolation_memory` has an effect on Linux only")]
    MemoryLimit,
    #[error("the program's own file cannot be found, and `isolation` is `process`: {0}")]
    OwnProgram(std::io::Error),
    #[error("the working directory cannot be read: {0}")]
    WorkingDirectory(std::io::Error),
}

impl PrepareError {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Resolve(error) => Some(error.hint()),
            Self::Permissions { error, .. } => Some(error.hint()),
            Self::Inspect { error, .. } => Some(error.hint()),
            Self::Pin(error) => Some(error.hint()),
            Self::Load(error) => Some(error.hint().to_owned()),
            Self::Class { error, .. } => Some(error.hint()),
            Self::ClientConfig(_) => None,
            Self::NoSchema { .. } => Some("report it to the plugin's author".to_owned()),
            Self::NoCredentials(_) => Some("store some with `defect-host set-credentials`".to_owned()),
            Self::Credentials(error) => error.hint().map(str::to_owned),
            Self::Pepper(_) => Some("it has to be base64".to_owned()),
            Self::DemoCredentials { .. } => {
                Some("store others with `defect-host set-credentials`, or keep `host` at 127.0.0.1".to_owned())
            }
            Self::MemoryLimit => Some("remove it".to_owned()),
            Self::OwnProgram(_) => Some("start the program by its full path".to_owned()),
            Self::WorkingDirectory(_) => Some("start the program in a folder that exists".to_owned()),
        }
    }

    /// The whole error for a person.
    pub(super) fn render(&self, color: bool) -> String {
        match self {
            Self::Config(error) => error.render(color),
            Self::ClientConfig(faults) => faults.render(color),
            other => {
                let mut text = format!("error: {other}");
                if let Some(hint) = other.hint() {
                    let _ = write!(text, "\n\nhint: {hint}");
                }
                text
            }
        }
    }
}

impl Start {
    fn overrides(&self) -> Overrides {
        Overrides {
            client_class: self.client_class.clone(),
            client_config: self.client_config.clone(),
            host: self.host.clone(),
            port: self.port,
            dev: self.dev,
            ssl_cert: self.ssl_cert.clone(),
            ssl_key: self.ssl_key.clone(),
            ssl_ca_cert: self.ssl_ca_cert.clone(),
        }
    }

    /// Reads the configuration as the command line has it.
    pub(super) fn load_config(&self) -> Result<LoadedConfig, PrepareError> {
        Ok(config::load(&self.file.config, &self.overrides(), environment)?)
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A client that is ready to serve, and where it comes from.
pub(super) struct Prepared {
    pub(super) client: Client,
    pub(super) library: Library,
    pub(super) resolved: Resolved,
    pub(super) inspection: Inspection,
    pub(super) verifier: Verifier,
}

/// Goes through all stages up to the client itself.
pub(super) fn prepare(config_file: &Path, config: &LoadedConfig) -> Result<Prepared, PrepareError> {
    let service = &config.service;
    let verifier = verifier(config_file, service)?;
    let Found { resolved, inspection, library, class } = find(&service.client_class, service, Some(config_file))?;
    let schema = schema(&library, &resolved, &class)?;
    let values = config::validate_client(&config.client, schema).map_err(PrepareError::ClientConfig)?;
    // Before the plugin's own code sees them.
    hidden::hide(config::known_secrets(&values, schema));
    let client = library.create(&class, &values).map_err(|error| at_its_lines(error, &config.client, schema))?;
    Ok(Prepared { client, resolved, inspection, verifier, library })
}

/// What a constructor refuses is shown where it stands in the file.
fn at_its_lines(error: LoadError, section: &Section, schema: &Value) -> PrepareError {
    match error {
        LoadError::Refused { error: defect_plugin_api::ClientError::InvalidInput { fields, .. }, .. }
            if !fields.is_empty() =>
        {
            let fields: Vec<_> =
                fields.into_iter().map(|field| (field.field.unwrap_or_default(), field.message)).collect();
            PrepareError::ClientConfig(Faults::from_fields(section, schema, &fields))
        }
        other => PrepareError::Load(other),
    }
}

/// A library that was found, looked at and opened, and the class that is meant.
pub(super) struct Found {
    pub(super) resolved: Resolved,
    pub(super) inspection: Inspection,
    pub(super) library: Library,
    pub(super) class: String,
}

impl Found {
    /// JSON Schema of the class' configuration.
    pub(super) fn schema(&self) -> Result<&Value, PrepareError> {
        schema(&self.library, &self.resolved, &self.class)
    }
}

fn schema<'a>(library: &'a Library, resolved: &Resolved, class: &str) -> Result<&'a Value, PrepareError> {
    library
        .config_schema(class)
        .ok_or_else(|| PrepareError::NoSchema { library: resolved.library.clone(), class: class.to_owned() })
}

/// Finds the library of a class, looks at it and opens it.
pub(super) fn find(
    client_class: &str,
    service: &ServiceConfig,
    config_file: Option<&Path>,
) -> Result<Found, PrepareError> {
    let resolved = locate(client_class, service, config_file)?;
    let (inspection, library) = open_as_configured(&resolved, service)?;
    let class = choose_class(&resolved, &library)?;
    Ok(Found { resolved, inspection, library, class })
}

/// Finds the library of a class.
pub(super) fn locate(
    client_class: &str,
    service: &ServiceConfig,
    config_file: Option<&Path>,
) -> Result<Resolved, PrepareError> {
    let (working_directory, directories) = plugin_directories(service, config_file)?;
    let search = Search {
        directories: &directories,
        working_directory: &working_directory,
        platform: Platform::current(),
        files: &Disk,
    };
    Ok(resolve::resolve(client_class, &search)?)
}

/// Looks at a library's bytes, owner and pin, and opens it.
pub(super) fn open_as_configured(
    resolved: &Resolved,
    service: &ServiceConfig,
) -> Result<(Inspection, Library), PrepareError> {
    let inspection = look_at(&resolved.library, service.allow_insecure_plugins).map_err(|error| error.of(resolved))?;
    if let Some(pin) = &service.client_sha256 {
        inspect::check_pin(&resolved.library, &inspection.sha256, pin)?;
    }
    Ok((inspection, open(&resolved.library, service)?))
}

/// The class that is meant, of those in the library.
pub(super) fn choose_class(resolved: &Resolved, library: &Library) -> Result<String, PrepareError> {
    resolve::choose_class(&resolved.class, &library.classes())
        .map_err(|error| PrepareError::Class { library: resolved.library.clone(), error })
}

/// Opens a library that was looked at, where the configuration wants it.
pub(super) fn open(library: &Path, service: &ServiceConfig) -> Result<Library, PrepareError> {
    if service.isolation == IsolationMode::None {
        return Ok(Library::open(library)?);
    }
    if service.isolation_memory.is_some() && !cfg!(target_os = "linux") {
        return Err(PrepareError::MemoryLimit);
    }
    let mut arguments = vec!["plugin-process".to_owned()];
    arguments.extend(service.isolation_memory.map(|mebibytes| format!("--memory={mebibytes}")));
    arguments.push("--".to_owned());
    let (path, allow_insecure, pin) =
        (library.to_owned(), service.allow_insecure_plugins, service.client_sha256.clone());
    // The file may be another one by then.
    let vet = move || {
        let inspection = look_at(&path, allow_insecure).map_err(|error| error.to_string())?;
        let pinned = pin.as_ref().map_or(Ok(()), |pin| inspect::check_pin(&path, &inspection.sha256, pin));
        pinned.map_err(|error| error.to_string())
    };
    let isolation = Isolation {
        program: own_program().map_err(PrepareError::OwnProgram)?,
        arguments,
        withheld: vec!["PASSWORD_HASH", "SALT", "PASSWORD_PEPPER"],
        memory: service.isolation_memory,
        patience: service.call_timeout,
        vet: Arc::new(vet),
    };
    Ok(Library::open_isolated(library, isolation)?)
}

/// This very program, also when its file has been replaced by another version.
fn own_program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if cfg!(unix) && running.exists() { Ok(running) } else { std::env::current_exe() }
}

/// Why a library is not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Permissions(#[from] PermissionsError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
}

impl Unfit {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Permissions(error) => error.hint(),
            Self::Inspect(error) => error.hint(),
        }
    }

    /// The same, with where the library was looked for.
    pub(super) fn of(self, resolved: &Resolved) -> PrepareError {
        let searched = resolved.searched.clone();
        match self {
            Self::Permissions(error) => PrepareError::Permissions { error, searched },
            Self::Inspect(error) => PrepareError::Inspect { error, searched },
        }
    }
}

/// Looks at a library without opening it.
pub(super) fn look_at(library: &Path, allow_insecure: bool) -> Result<Inspection, Unfit> {
    if !allow_insecure {
        inspect::check_permissions(library, effective_user())?;
    }
    Ok(inspect::inspect(library, &EXPECTATIONS)?)
}

#[cfg(unix)]
fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Nothing is checked there.
#[cfg(not(unix))]
fn effective_user() -> u32 {
    0
}

/// The working directory and the plugin directories.
pub(super) fn plugin_directories(
    service: &ServiceConfig,
    config_file: Option<&Path>,
) -> Result<(PathBuf, Vec<PluginDirectory>), PrepareError> {
    let working_directory = std::env::current_dir().map_err(PrepareError::WorkingDirectory)?;
    let program = std::env::current_exe().ok();
    let from_environment = environment("DEFECT_HOST_PLUGIN_DIRS");
    let sources = DirectorySources {
        configured: &service.plugin_dirs,
        environment: from_environment.as_deref(),
        program: program.as_deref(),
        config_file,
        working_directory: &working_directory,
    };
    let directories = resolve::plugin_directories(&sources, Platform::current());
    Ok((working_directory, directories))
}

fn verifier(config_file: &Path, service: &ServiceConfig) -> Result<Verifier, PrepareError> {
    let (Some(hash), Some(salt)) = (&service.password_hash, &service.salt) else {
        return Err(PrepareError::NoCredentials(config_file.to_owned()));
    };
    let pepper = Pepper::from_env_value(environment("PASSWORD_PEPPER").as_deref())?;
    let verifier = Verifier::new(hash.expose(), salt.expose(), pepper)?;
    let (username, password) = DEMO_USER;
    if !is_loopback(&service.host) && verifier.verify(username, password) {
        return Err(PrepareError::DemoCredentials { host: service.host.clone() });
    }
    Ok(verifier)
}

/// Whether only this machine can reach the address. One that cannot be resolved fails later, when it
/// is bound.
fn is_loopback(host: &str) -> bool {
    (host, 0).to_socket_addrs().is_ok_and(|mut addresses| addresses.all(|address| address.ip().is_loopback()))
}
