//! `defect-host plugins`: what is found where, what it is, and what it can be configured with.

mod inspect;
mod key_table;
mod list;
mod new;
mod schema;
mod template;

use std::process::ExitCode;

use super::prepare::PrepareError;
use super::terminal::Terminal;
use crate::cli::{self, ConfigFile, PluginsCommand};
use crate::config::{self, Overrides, ServiceConfig};

pub(super) fn run(arguments: &cli::Plugins, terminal: &Terminal) -> ExitCode {
    let outcome = match &arguments.command {
        None => list::list(&arguments.file, terminal),
        Some(PluginsCommand::Schema { class, file }) => schema::schema(class, file, terminal),
        Some(PluginsCommand::Inspect { class, toml, file }) if *toml => inspect::to_paste(class, file, terminal),
        Some(PluginsCommand::Inspect { class, file, .. }) => inspect::inspect(class, file, terminal),
        Some(PluginsCommand::New(arguments)) => return new::run(arguments, terminal),
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
