//! From the command line, the environment and the files to one checked configuration.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    document::{Document, Files, Format, Section},
    fault::{Fault, FaultKind, Faults, Severity},
    path::KeyPath,
    report::{Point, Reporter},
    schema::nearest,
    secret::Secret,
    service::{IsolationMode, ServiceConfig},
    validate::check,
};

/// The table of a configuration file that is the service's; other tools may have theirs beside it.
pub const SECTION: &str = "testbench-defect-service";

/// The table in [`SECTION`] that is the client's.
pub const CLIENT_TABLE: &str = "client_config";

/// The keys that name a file which must exist, with their flags.
const FILES: [(&str, &str); 4] = [
    ("client_config_path", "--client-config"),
    ("ssl_cert", "--ssl-cert"),
    ("ssl_key", "--ssl-key"),
    ("ssl_ca_cert", "--ssl-ca-cert"),
];

/// What the command line says in place of the file. `None` and an empty text leave the file's value.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--client-class`
    pub client_class: Option<String>,
    /// `--client-config`
    pub client_config: Option<PathBuf>,
    /// `--host`
    pub host: Option<String>,
    /// `--port`
    pub port: Option<u16>,
    /// `--dev`: sets `debug`.
    pub dev: bool,
    /// `--ssl-cert`
    pub ssl_cert: Option<PathBuf>,
    /// `--ssl-key`
    pub ssl_key: Option<PathBuf>,
    /// `--ssl-ca-cert`
    pub ssl_ca_cert: Option<PathBuf>,
}

impl Overrides {
    /// The file given for one of [`FILES`].
    fn file(&self, key: &str) -> Option<&Path> {
        let given = match key {
            "client_config_path" => &self.client_config,
            "ssl_cert" => &self.ssl_cert,
            "ssl_key" => &self.ssl_key,
            _ => &self.ssl_ca_cert,
        };
        given.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    fn apply(&self, service: &mut ServiceConfig) {
        fn replace<T: Clone>(value: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *value = given;
            }
        }
        let text = |given: &Option<String>| given.clone().filter(|text| !text.is_empty());
        let file = |key| self.file(key).map(|path| Some(path.to_owned()));
        replace(&mut service.client_class, text(&self.client_class));
        replace(&mut service.host, text(&self.host));
        replace(&mut service.port, self.port);
        replace(&mut service.client_config_path, file("client_config_path"));
        replace(&mut service.ssl_cert, file("ssl_cert"));
        replace(&mut service.ssl_key, file("ssl_key"));
        replace(&mut service.ssl_ca_cert, file("ssl_ca_cert"));
        service.debug |= self.dev;
    }
}

/// A configuration that the service can start from.
#[derive(Debug)]
pub struct LoadedConfig {
    /// The service's own values, all checked.
    pub service: ServiceConfig,
    /// The client's values, to be checked by [`validate_client`](super::validate_client).
    pub client: Section,
    /// What stands in the file and has no effect; may be empty.
    pub warnings: Faults,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read the configuration file `{}`: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// A file is not text.
    #[error("the configuration file `{}` is not UTF-8: line {line} holds other bytes", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first wrong byte, from 1.
        line: usize,
    },
    /// A file is neither TOML nor properties.
    #[error("{0}")]
    Syntax(Faults),
    /// The file has no table for the service.
    #[error("the configuration file `{}` has no table `[{SECTION}]`", path.display())]
    NoSection {
        /// The file.
        path: PathBuf,
        /// The table that is most likely meant.
        nearest: Option<String>,
    },
    /// The service's table is at fault.
    #[error("{0}")]
    Faults(Faults),
    /// A file named on the command line does not exist.
    #[error("the file `{}` given by `{flag}` {problem}", path.display())]
    MissingFile {
        /// The flag, with its dashes.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// `does not exist` or `is a folder`.
        problem: &'static str,
    },
    /// The client's file, named on the command line, is of no format that is known.
    #[error("the client's configuration file `{}` is neither `.toml` nor `.properties`", path.display())]
    ClientFormat {
        /// The file.
        path: PathBuf,
    },
}

impl ConfigError {
    /// What to do, if the message does not say it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { reason, .. } if reason.kind() == io::ErrorKind::NotFound => {
                Some("create the file, or name another with `--config`".to_owned())
            }
            Self::Read { .. } => Some("give the user that runs the service the right to read it".to_owned()),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8".to_owned()),
            Self::NoSection { nearest: Some(nearest), .. } => {
                Some(format!("rename the table `[{nearest}]`, or name another file with `--config`"))
            }
            Self::NoSection { nearest: None, .. } => {
                Some(format!("add the table `[{SECTION}]`, or name another file with `--config`"))
            }
            Self::MissingFile { flag, .. } => Some(format!("give `{flag}` an existing file")),
            Self::ClientFormat { .. } => {
                Some("rename the file to `.toml` or `.properties`, by what it holds".to_owned())
            }
            Self::Syntax(_) | Self::Faults(_) => None,
        }
    }

    /// The whole error for a person, with its hint; ANSI colours if `color`.
    pub fn render(&self, color: bool) -> String {
        match (self, self.hint()) {
            (Self::Syntax(faults) | Self::Faults(faults), _) => faults.render(color),
            (_, Some(hint)) => format!("error: {self}\n\nhint: {hint}"),
            (_, None) => format!("error: {self}"),
        }
    }
}

/// Reads the configuration file at `path` and finds the client's configuration.
///
/// The command line wins over the file, the file over the defaults. The environment, looked up with
/// `env`, gives PASSWORD_HASH and SALT where the file has none. Relative paths are kept as they are:
/// they mean the working directory.
///
/// # Errors
/// See [`ConfigError`]; all faults in the service's table come together.
pub fn load(
    path: &Path,
    overrides: &Overrides,
    env: impl Fn(&str) -> Option<String>,
) -> Result<LoadedConfig, ConfigError> {
    load_from(&|path| std::fs::read(path), path, overrides, env)
}

/// As [`load`], from files that may be elsewhere than on the disk: a draft, for example.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    files: &Files<'_>,
    path: &Path,
    overrides: &Overrides,
    env: impl Fn(&str) -> Option<String>,
) -> Result<LoadedConfig, ConfigError> {
    let document = Arc::new(Document::read_from(files, path, Format::Toml)?);
    if document.value().get(SECTION).is_none() {
        let tables: Vec<_> = document.value().as_object().into_iter().flatten().collect();
        let tables: Vec<_> = tables.iter().map(|(name, _)| name.as_str()).collect();
        return Err(ConfigError::NoSection {
            path: path.to_owned(),
            nearest: nearest(SECTION, &tables).map(str::to_owned),
        });
    }
    let section = Section::new(Arc::clone(&document), KeyPath::from_iter([SECTION]));
    let schema = schemars::schema_for!(ServiceConfig).to_value();
    let mut service = read_service(&section, &schema, overrides)?;
    overrides.apply(&mut service);
    let stand_in = |secret: &mut Option<Secret>, name| {
        if secret.as_ref().is_none_or(|secret| secret.expose().is_empty()) {
            *secret = env(name).filter(|text| !text.is_empty()).map(Secret::from);
        }
    };
    stand_in(&mut service.password_hash, "PASSWORD_HASH");
    stand_in(&mut service.salt, "SALT");
    let client = match &service.client_config_path {
        Some(path) => read_client(files, path)?,
        None => Section::new(document, KeyPath::from_iter([SECTION, CLIENT_TABLE])),
    };
    let warnings = Faults::new(Severity::Warning, unused(&section, &schema, &service));
    Ok(LoadedConfig { service, client, warnings })
}

fn read_service(section: &Section, schema: &Value, overrides: &Overrides) -> Result<ServiceConfig, ConfigError> {
    let (value, mut faults) = check(section, schema);
    let reporter = Reporter::of(section, schema);
    for (key, flag) in FILES {
        if let Some(path) = overrides.file(key) {
            if let Some(problem) = file_problem(path) {
                return Err(ConfigError::MissingFile { flag, path: path.to_owned(), problem });
            }
        } else if let Some(path) = value.get(key).and_then(Value::as_str)
            && let Some(problem) = file_problem(Path::new(path))
        {
            let message = format!("the file that `{key}` names {problem}");
            faults.push(Fault {
                expected: Some("an existing file".to_owned()),
                help: Some("a relative path starts at the working directory".to_owned()),
                ..reporter.fault(FaultKind::MissingFile, KeyPath::from_iter([key]), Point::Value, message)
            });
        } else if key == "client_config_path"
            && let Some(path) = value.get(key).and_then(Value::as_str)
            && Format::of(Path::new(path)).is_none()
        {
            let message = format!("the file that `{key}` names is of no known format");
            faults.push(Fault {
                expected: Some("a name that ends in `.toml` or `.properties`".to_owned()),
                help: Some("rename the file by what it holds".to_owned()),
                ..reporter.fault(FaultKind::Pattern, KeyPath::from_iter([key]), Point::Value, message)
            });
        }
    }
    faults.extend(incomplete(&value, overrides, &reporter));
    if !faults.is_empty() {
        return Err(ConfigError::Faults(Faults::new(Severity::Error, faults)));
    }
    serde_json::from_value(value).map_err(|error| {
        let whole = (String::new(), error.to_string());
        ConfigError::Faults(Faults::from_fields(section, schema, &[whole]))
    })
}

/// Keys that say nothing without others, wherever those are given.
fn incomplete(value: &Value, overrides: &Overrides, reporter: &Reporter<'_>) -> Vec<Fault> {
    let given = |key| value.get(key).is_some() || overrides.file(key).is_some();
    let missing = |key: &str, needed: &str, message: String, help: &str| Fault {
        path: KeyPath::from_iter([needed]),
        help: Some(help.to_owned()),
        ..reporter.fault(FaultKind::MissingKey, KeyPath::from_iter([key]), Point::Key, message)
    };
    let half = |key, needed| {
        let message = format!("`{key}` is set without `{needed}`: HTTPS needs both");
        missing(key, needed, message, "set both for HTTPS, or none for HTTP")
    };
    match (given("ssl_cert"), given("ssl_key")) {
        (true, false) => vec![half("ssl_cert", "ssl_key")],
        (false, true) => vec![half("ssl_key", "ssl_cert")],
        (false, false) if given("ssl_ca_cert") => {
            let message = "`ssl_ca_cert` is set without `ssl_cert` and `ssl_key`: over HTTP no caller's certificate is \
                           checked";
            vec![missing("ssl_ca_cert", "ssl_cert", message.to_owned(), "set those two as well, or remove it")]
        }
        _ => vec![],
    }
}

fn file_problem(path: &Path) -> Option<&'static str> {
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some("cannot be reached"),
        Err(_) => Some("does not exist"),
        Ok(metadata) if metadata.is_dir() => Some("is a folder"),
        Ok(_) => None,
    }
}

/// The client's own file: its keys at top level, or in the table that a service's file has for them.
fn read_client(files: &Files<'_>, path: &Path) -> Result<Section, ConfigError> {
    let format = Format::of(path).ok_or_else(|| ConfigError::ClientFormat { path: path.to_owned() })?;
    let document = Arc::new(Document::read_from(files, path, format)?);
    let table = KeyPath::from_iter([SECTION, CLIENT_TABLE]);
    if document.get(&table).is_some() {
        Ok(Section::new(document, table))
    } else {
        Ok(Section::new(document, KeyPath::default()).without(SECTION))
    }
}

/// What the file says for nothing.
fn unused(section: &Section, schema: &Value, service: &ServiceConfig) -> Vec<Fault> {
    let reporter = Reporter::of(section, schema);
    let warning = |path: KeyPath, why: &str| {
        let message = format!("`{path}` has no effect: {why}");
        reporter.fault(FaultKind::Unused, path, Point::Key, message)
    };
    let mut warnings = vec![];
    if section.value().pointer("/server/single_process").is_some() {
        let path = KeyPath::from_iter(["server", "single_process"]);
        warnings.push(warning(path, "there is always one process"));
    }
    if !service.server.run_kwargs.0.is_empty() {
        let path = KeyPath::from_iter(["server", "run_kwargs"]);
        warnings.push(warning(path, "its arguments were for the Python service's web server"));
    }
    let inline = service.client_config.as_ref().is_some_and(|table| !table.0.is_empty());
    if inline && service.client_config_path.as_deref().is_some_and(|path| path != section.document().path()) {
        let path = KeyPath::from_iter([CLIENT_TABLE]);
        warnings.push(warning(path, "the client's configuration is in a separate file"));
    }
    if service.isolation_memory.is_some() && service.isolation == IsolationMode::None {
        let path = KeyPath::from_iter(["isolation_memory"]);
        warnings.push(warning(path, "only a plugin with `isolation = \"process\"` can be limited"));
    }
    warnings
}
