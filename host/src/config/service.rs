//! The keys of `[testbench-defect-service]`, with their defaults.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use axum::http::HeaderName;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{form, secret::Secret};

/// How the service runs: the table `[testbench-defect-service]`.
///
/// Paths are relative to the working directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceConfig {
    /// The plugin's class: `MyDefectClient`, or one of several in a library as `libmy_company.so::MyDefectClient`.
    /// Default: `testbench_defect_service.clients.JsonlDefectClient`.
    pub client_class: String,
    /// A separate file with the client's configuration, `.toml` or `.properties`; then
    /// `client_config` is ignored. Default: none.
    pub client_config_path: Option<PathBuf>,
    /// The client's configuration, see below; the client checks its keys. Default: none.
    // Nothing in it is shown with the service's own faults: which keys are secret, the client knows.
    #[schemars(extend("writeOnly" = true))]
    pub client_config: Option<Table>,
    /// The host name or IP address to listen on. Default: `127.0.0.1`.
    #[schemars(extend("ask" = 1))]
    pub host: String,
    /// The TCP port to listen on; 0 takes any free one. Default: 8030.
    #[schemars(extend("ask" = 2))]
    pub port: u16,
    /// Log more, for the search of a fault. Default: false.
    pub debug: bool,
    /// The hash of the callers' user name and password, in hex, as `defect-host set-credentials` writes it.
    /// Default: the environment variable `PASSWORD_HASH`.
    #[schemars(extend("text_form" = "password-hash"))]
    pub password_hash: Option<Secret>,
    /// The salt of `password_hash`, in base64. Default: the environment variable `SALT`.
    #[schemars(extend("text_form" = "salt"))]
    pub salt: Option<Secret>,
    /// The PEM file with the certificate chain for HTTPS; read again when it changes. Default: none, plain HTTP.
    pub ssl_cert: Option<PathBuf>,
    /// The PEM file with the private key of `ssl_cert`. Default: none.
    pub ssl_key: Option<PathBuf>,
    /// The PEM file with the CA that must have signed a caller's certificate.
    /// Default: none, callers need no certificate.
    pub ssl_ca_cert: Option<PathBuf>,
    /// The number of proxies in front of the service whose `X-Forwarded-For` entries are trusted.
    /// Default: none.
    pub proxies_count: Option<u8>,
    /// The request header with the caller's address, such as `X-Real-IP`. Default: none.
    #[serde(deserialize_with = "form::header_name")]
    #[schemars(with = "Option<String>", extend("text_form" = "header"))]
    pub real_ip_header: Option<HeaderName>,
    /// The secret that a trusted proxy puts into the `Forwarded` header. Default: none.
    pub forwarded_secret: Option<Secret>,
    /// The IP address and port where `/metrics` is served, without credentials, such as `127.0.0.1:9464`.
    /// Default: none, no metrics are served.
    #[schemars(with = "Option<String>", extend("text_form" = "socket-address"))]
    pub metrics_addr: Option<SocketAddr>,
    /// The proxies whose `X-Forwarded-For` and `real_ip_header` are believed: addresses and networks, as in
    /// `["192.0.2.7", "10.1.0.0/16"]`.
    /// Default: this machine and the private networks.
    #[serde(deserialize_with = "form::networks")]
    #[schemars(with = "Vec<String>", extend("items" = { "type": "string", "text_form": "network" }))]
    pub trusted_proxies: Vec<IpNet>,
    /// Where log lines go and how they look.
    pub logging: LoggingConfig,
    /// How connections are served.
    pub server: ServerConfig,
    /// Folders to search for client libraries, before all others. Default: none.
    pub plugin_dirs: Vec<PathBuf>,
    /// How long one call of the client may take, in seconds, fractions allowed; a longer one is answered with 504.
    /// Default: 60.
    #[serde(deserialize_with = "seconds")]
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0, "default" = 60))]
    pub call_timeout: Duration,
    /// Where the client's library runs, see below. Default: `none`.
    pub isolation: IsolationMode,
    /// With `isolation = "process"`: how much memory the data of the client's process may take, in MiB; with
    /// more it is ended and started again. Only on Linux. Default: any.
    #[schemars(range(min = 16, max = 1_048_576))]
    pub isolation_memory: Option<u64>,
    /// Load a library even if other users can write to it or to its folder. Default: false.
    pub allow_insecure_plugins: bool,
    /// The SHA-256 of the client's library, 64 hex digits; another library is refused.
    /// Default: none, any library.
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub client_sha256: Option<String>,
}

/// Who may be a proxy of the operator's own when nothing is said of it: nobody from the internet.
const PRIVATE_NETWORKS: [IpNet; 7] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10)),
];

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            client_class: "testbench_defect_service.clients.JsonlDefectClient".to_owned(),
            client_config_path: None,
            client_config: None,
            host: "127.0.0.1".to_owned(),
            port: 8030,
            debug: false,
            password_hash: None,
            salt: None,
            ssl_cert: None,
            ssl_key: None,
            ssl_ca_cert: None,
            proxies_count: None,
            real_ip_header: None,
            forwarded_secret: None,
            metrics_addr: None,
            trusted_proxies: PRIVATE_NETWORKS.to_vec(),
            logging: LoggingConfig::default(),
            server: ServerConfig::default(),
            plugin_dirs: vec![],
            call_timeout: Duration::from_secs(60),
            isolation: IsolationMode::None,
            isolation_memory: None,
            allow_insecure_plugins: false,
            client_sha256: None,
        }
    }
}

/// Where the client's library runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IsolationMode {
    /// In the service's own process, which a crash of it ends.
    #[default]
    None,
    /// In a process of its own, which is started again when it crashes or hangs.
    Process,
}

/// A number of seconds; one beyond all clocks is the longest time there is.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// A table of any keys. `Debug` does not show them: they may hold secrets.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Table(pub Map<String, Value>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} keys)", self.0.len())
    }
}

/// Where log lines go: the table `[testbench-defect-service.logging]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoggingConfig {
    /// Log lines on the console.
    pub console: ConsoleLog,
    /// Log lines in a file. Default: none, no file is written.
    pub file: Option<FileLog>,
}

/// Log lines on the console: the table `[testbench-defect-service.logging.console]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleLog {
    /// The least severe lines that appear. Default: `INFO`.
    pub log_level: LogLevel,
    /// How a line looks, as a format of Python's `logging`.
    /// Default: `%(asctime)s %(levelname)8s: %(message)s`.
    #[schemars(extend("text_form" = "log-format"))]
    pub log_format: String,
    /// Whether a line is a text, as `log_format` has it, or a JSON object. Default: `text`.
    pub format: LogFormat,
}

impl Default for ConsoleLog {
    fn default() -> Self {
        Self {
            log_level: LogLevel::default(),
            log_format: "%(asctime)s %(levelname)8s: %(message)s".to_owned(),
            format: LogFormat::default(),
        }
    }
}

/// Log lines in a file: the table `[testbench-defect-service.logging.file]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileLog {
    /// The least severe lines that appear. Default: `INFO`.
    pub log_level: LogLevel,
    /// How a line looks, as a format of Python's `logging`.
    /// Default: `%(asctime)s - %(levelname)8s - %(name)s - %(message)s`.
    #[schemars(extend("text_form" = "log-format"))]
    pub log_format: String,
    /// Whether a line is a text, as `log_format` has it, or a JSON object. Default: `text`.
    pub format: LogFormat,
    /// The file. Default: `testbench-defect-service.log`.
    pub file_path: PathBuf,
}

impl Default for FileLog {
    fn default() -> Self {
        Self {
            log_level: LogLevel::default(),
            log_format: "%(asctime)s - %(levelname)8s - %(name)s - %(message)s".to_owned(),
            format: LogFormat::default(),
            file_path: PathBuf::from("testbench-defect-service.log"),
        }
    }
}

/// What a log line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A text in the format of `log_format`.
    #[default]
    Text,
    /// A JSON object, for programs that read logs; `log_format` is ignored.
    Json,
}

/// How severe a log line is, by Python's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Everything, for the search of a fault.
    Debug,
    /// What the service does.
    #[default]
    Info,
    /// Something is odd, but served.
    Warning,
    /// A request failed, and somebody must act.
    Error,
    /// The service cannot go on.
    Critical,
}

/// How connections are served: the table `[testbench-defect-service.server]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// How long an idle connection stays open, and how long a request's head may take, in seconds. Default: 5.
    #[schemars(range(min = 1, max = 120))]
    pub keep_alive_timeout: u64,
    /// Known from the Python service and without effect: there is always one process. Default: true.
    pub single_process: bool,
    /// Known from the Python service and without effect: arguments for its web server. Default: none.
    pub run_kwargs: Table,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { keep_alive_timeout: 5, single_process: true, run_kwargs: Table::default() }
    }
}
