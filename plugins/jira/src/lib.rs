//! Defects in Jira: Cloud by REST v3, Data Center by REST v2.

mod adf;
mod api;
mod auth;
mod client;
mod config;
mod jql;
mod mapping;
mod model;
mod transport;

pub use client::JiraDefectClient;
pub use config::{AuthType, JiraConfig, ProjectConfig};

defect_plugin_api::export_client!(JiraDefectClient);
