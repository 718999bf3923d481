//! `defect-host check`: everything that `start` does up to the point where it would listen.

use std::process::ExitCode;

use super::start::{StartError, rehearse};
use super::terminal::Terminal;
use crate::cli::Start;

pub(super) fn run(arguments: &Start, terminal: &Terminal) -> ExitCode {
    match check(arguments, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.complain(error.render(terminal.color));
            ExitCode::from(error.exit_code())
        }
    }
}

fn check(arguments: &Start, terminal: &Terminal) -> Result<(), StartError> {
    let config = arguments.load_config()?;
    if !config.warnings.is_empty() {
        terminal.complain(format_args!("{}\n", config.warnings.render(terminal.color)));
    }
    let (prepared, warnings) = rehearse(&arguments.file.config, &config)?;
    for warning in warnings {
        terminal.complain(format_args!("warning: {warning}\n"));
    }
    let service = &config.service;
    let scheme = if service.ssl_cert.is_some() { "https" } else { "http" };
    terminal.say(format_args!("config    {}", arguments.file.config.display()));
    terminal.say(format_args!("client    {}", prepared.client.class()));
    terminal.say(format_args!("library   {}", prepared.resolved.library.display()));
    terminal.say(format_args!(
        "plugin    {} {} (plugin-api {})",
        prepared.library.name(),
        prepared.library.version(),
        prepared.library.api_version()
    ));
    terminal.say(format_args!("sha256    {}", prepared.inspection.sha256));
    for other in prepared.resolved.shadowed() {
        terminal.say(format_args!("shadowed  {other}"));
    }
    terminal.say(format_args!("settings  {}", config.client.document().path().display()));
    terminal.say(format_args!("address   {scheme}://{}:{}", service.host, service.port));
    terminal.say("all right");
    Ok(())
}
