//! `defect-host plugins schema`: the configuration as JSON Schema.

use super::super::prepare::{PrepareError, find};
use super::super::terminal::Terminal;
use super::service_config;
use crate::cli::ConfigFile;

pub(super) fn schema(class: &str, file: &ConfigFile, terminal: &Terminal) -> Result<(), PrepareError> {
    let found = find(class, &service_config(file)?, Some(&file.config))?;
    terminal.say(format_args!("{:#}", found.schema()?));
    Ok(())
}
