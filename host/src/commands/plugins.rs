//! `defect-host plugins`: what is found where, and why some of it cannot be loaded.

use std::path::Path;
use std::process::ExitCode;

use super::prepare::{PrepareError, find, look_at, plugin_directories};
use super::terminal::Terminal;
use crate::cli::{self, ConfigFile, PluginsCommand};
use crate::config::{self, Overrides, ServiceConfig};
use crate::platform::Platform;
use crate::plugin::Library;
use crate::resolve::{Disk, list_candidates};

pub(super) fn run(arguments: &cli::Plugins, terminal: &Terminal) -> ExitCode {
    let outcome = match &arguments.command {
        None => list(&arguments.file, terminal),
        Some(PluginsCommand::Schema { class, file }) => schema(class, file, terminal),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.complain(error.render(terminal.color));
            ExitCode::from(super::EXIT_WRONG)
        }
    }
}

/// The service's configuration for its plugin directories. These commands help to write it, so one
/// that is missing is as good as an empty one.
fn service_config(file: &ConfigFile) -> Result<ServiceConfig, PrepareError> {
    if !file.config.exists() {
        return Ok(ServiceConfig::default());
    }
    Ok(config::load(&file.config, &Overrides::default(), |_| None)?.service)
}

fn list(file: &ConfigFile, terminal: &Terminal) -> Result<(), PrepareError> {
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
    match Library::open(library) {
        Ok(library) => format!(
            "  class    {}\n  plugin   {} {} (plugin-api {})\n  sha256   {}",
            library.classes().join(", "),
            library.name(),
            library.version(),
            library.api_version(),
            inspection.sha256
        ),
        Err(error) => format!("  not loadable: {error}\n  hint: {}", error.hint()),
    }
}

fn schema(class: &str, file: &ConfigFile, terminal: &Terminal) -> Result<(), PrepareError> {
    let found = find(class, &service_config(file)?, Some(&file.config))?;
    terminal.say(format_args!("{:#}", found.schema()?));
    Ok(())
}
