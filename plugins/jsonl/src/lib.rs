//! A defect client over JSON Lines files: one folder per project, one defect per line.
//!
//! Everything that touches the disk goes through [`store`]; what a line means is in [`line`]; the
//! rest turns both into the answers of the defect API.

mod config;
mod fields;
mod line;
mod project;
mod store;
mod warnings;

pub use config::{JsonlConfig, ProjectConfig};
