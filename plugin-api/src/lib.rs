//! What a defect tracker plugin implements, and what crosses between it and the host.
//!
//! A plugin is a crate of type `cdylib` with one type that implements [`DefectClient`]:
//!
//! ```
//! use defect_plugin_api::model::*;
//! use defect_plugin_api::{ClientError, DefectClient, DefectList};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct EmptyConfig {
//!     /// The name that users see.
//!     name: String,
//! }
//!
//! struct EmptyDefectClient(EmptyConfig);
//!
//! impl DefectClient for EmptyDefectClient {
//!     type Config = EmptyConfig;
//!
//!     fn new(config: EmptyConfig) -> Result<Self, ClientError> {
//!         Ok(Self(config))
//!     }
//!     fn get_settings(&self) -> Result<Settings, ClientError> {
//!         Ok(Settings { name: self.0.name.clone(), description: "nothing".to_owned(), readonly: true })
//!     }
//!     fn check_login(&self, _: Option<&str>) -> Result<bool, ClientError> {
//!         Ok(true)
//!     }
//!     fn get_projects(&self) -> Result<Vec<String>, ClientError> {
//!         Ok(Vec::new())
//!     }
//!     fn get_control_fields(&self, _: Option<&str>) -> Result<ControlFields, ClientError> {
//!         Ok(ControlFields::new())
//!     }
//!     fn get_defects(&self, _: &str, _: &SyncContext) -> Result<DefectList, ClientError> {
//!         Ok(ProtocolledDefectSet::default().into())
//!     }
//!     fn get_defects_batch(&self, _: &str, _: &[String], _: &SyncContext) -> Result<DefectList, ClientError> {
//!         Ok(ProtocolledDefectSet::default().into())
//!     }
//!     fn get_defect_extended(&self, _: &str, id: &str, _: &SyncContext) -> Result<DefectWithAttributes, ClientError> {
//!         Err(ClientError::not_found(format!("no defect `{id}`")))
//!     }
//!     fn create_defect(&self, _: &str, _: &Defect, _: &SyncContext) -> Result<ProtocolledString, ClientError> {
//!         Err(ClientError::forbidden("this tracker is read-only"))
//!     }
//!     fn update_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
//!         Err(ClientError::forbidden("this tracker is read-only"))
//!     }
//!     fn delete_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
//!         Err(ClientError::forbidden("this tracker is read-only"))
//!     }
//! }
//!
//! defect_plugin_api::export_client!(EmptyDefectClient);
//! # fn main() {}
//! ```
//!
//! Log with the ordinary `tracing` macros: the events appear in the host's log under the target
//! `plugin::<crate name>`, with their level, their fields and the id of the request. Spans are not
//! passed on.
//!
//! The two faces of this crate: authors see [`DefectClient`] and the plain types of [`model`]; what
//! crosses to the host is [`boundary`], of fixed shape, so that neither a new operation nor a new
//! field of a model makes an older plugin or an older host unusable.

// Code from the documents names the crate as plugins do.
#[cfg(test)]
extern crate self as defect_plugin_api;

pub mod boundary;
mod client;
pub mod config;
// Also in this crate's own unit tests, so that they need no feature.
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod dispatch;
mod error;
mod export;
mod host_log;
mod list;
pub mod model;
mod operation;
mod panics;
mod sync_command;

pub use client::DefectClient;
pub use config::{PhaseCommands, ProjectOverrides, SyncCommandConfig, SyncPhase};
pub use error::{ClientError, FieldError};
pub use list::{DefectList, ListProtocol, ListedDefects, ListedSuccesses};
pub use operation::{Operation, Request};
pub use sync_command::{run_sync_command, unusable_sync_commands};

#[doc(hidden)]
pub use export::__private;

/// The version of this API. Plugins and hosts of the same major version understand each other.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
