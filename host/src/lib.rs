//! The host: resolves `client_class` to a library, loads it, validates its configuration and serves
//! the defect API through it. The stages do not know each other; `commands` joins them.

pub mod cli;
pub mod commands;
pub mod config;
pub mod credentials;
pub mod edit;
mod hidden;
pub mod inspect;
pub mod logging;
pub mod platform;
pub mod plugin;
pub mod resolve;
pub mod scaffold;
pub mod serve;
pub mod service_manager;
#[cfg_attr(not(feature = "otel"), path = "telemetry/off.rs")]
mod telemetry;
