//! The configuration: read from a file, checked, and every fault shown where it stands.
//!
//! [`load`] reads the service's own table and finds the client's. The client's values can only be
//! checked once its plugin has handed over a JSON Schema: that is [`validate_client`].
//!
//! Nothing here prints, and no message, `Debug` output or displayed line holds a secret.

mod answer;
mod document;
mod fault;
mod form;
mod guess;
mod keys;
mod known_secrets;
mod lenient;
mod load;
mod mask;
mod parse;
mod path;
mod report;
mod schema;
mod secret;
mod service;
mod validate;

#[cfg(test)]
mod tests;

pub use answer::{faults_at, sound_part, typed_value};
pub use document::{Document, Files, Format, Section};
pub use fault::{Fault, FaultKind, Faults, Place, Severity};
pub use keys::{Hints, Key, Shape, keys};
pub use known_secrets::known_secrets;
pub use load::{CLIENT_TABLE, ConfigError, LoadedConfig, Overrides, SECTION, load, load_from};
pub use mask::without_secrets;
pub use path::KeyPath;
pub(crate) use secret::MASK;
pub use secret::Secret;
pub use service::{
    ConsoleLog, FileLog, IsolationMode, LogFormat, LogLevel, LoggingConfig, ServerConfig, ServiceConfig, Table,
};
pub use validate::validate_client;
