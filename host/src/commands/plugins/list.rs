//! `defect-host plugins`: the libraries in the plugin directories, and why some cannot be loaded.

use std::path::Path;

use super::super::prepare::{PrepareError, look_at, open, plugin_directories};
use super::super::terminal::Terminal;
use super::service_config;
use crate::cli::ConfigFile;
use crate::config::ServiceConfig;
use crate::platform::Platform;
use crate::resolve::{Disk, list_candidates};

pub(super) fn list(file: &ConfigFile, terminal: &Terminal) -> Result<(), PrepareError> {
    let service = service_config(file)?;
    let (_, directories) = plugin_directories(&service, Some(&file.config))?;
    let candidates = list_candidates(&directories, Platform::current(), &Disk);
    terminal.say("searched, in this order:");
    for directory in &directories {
        terminal.say(format_args!("  {} ({})", directory.path.display(), directory.origin));
    }
    if candidates.is_empty() {
        terminal.say("\nno library found: put one into one of these folders");
    }
    for candidate in &candidates {
        terminal.say(format_args!("\n{}", candidate.path.display()));
        terminal.say(describe(&candidate.path, &service));
    }
    Ok(())
}

/// What a library is, or why it cannot be loaded.
fn describe(library: &Path, service: &ServiceConfig) -> String {
    let inspection = match look_at(library, service.allow_insecure_plugins) {
        Ok(inspection) => inspection,
        Err(unfit) => return format!("  not loadable: {unfit}\n  hint: {}", unfit.hint()),
    };
    match open(library, service) {
        Ok(library) => format!(
            "  class    {}\n  plugin   {} {} (plugin-api {})\n  sha256   {}",
            library.classes().join(", "),
            library.name(),
            library.version(),
            library.api_version(),
            inspection.sha256
        ),
        Err(error) => format!("  not loadable: {error}\n  hint: {}", error.hint().unwrap_or_default()),
    }
}
