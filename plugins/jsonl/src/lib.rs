//! A defect client over JSON Lines files: one folder per project, one defect per line.
//!
//! Everything that touches the disk goes through `store`; what a line means is in `line`; the
//! rest turns both into the answers of the defect API.

mod client;
mod config;
mod fields;
mod line;
mod listing;
mod project;
mod project_list;
mod store;
mod warnings;

pub use client::JsonlDefectClient;
pub use config::{JsonlConfig, ProjectConfig};

defect_plugin_api::export_client!(JsonlDefectClient);
