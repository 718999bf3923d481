//! What the program does, one module a command.

mod check;
mod completions;
mod configure;
mod man_pages;
mod plugin_process;
mod plugins;
mod prepare;
mod prose;
mod secret_input;
#[cfg(windows)]
pub mod service;
mod set_credentials;
mod start;
mod terminal;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::service_manager::ServiceManager;
use terminal::Terminal;

/// The configuration, the plugin or the command line is wrong.
const EXIT_WRONG: u8 = 2;
/// Something failed while running.
const EXIT_FAILED: u8 = 1;

/// Runs the command and says what went wrong. Only the service has to do with `manager`.
#[must_use]
pub fn run(cli: Cli, manager: ServiceManager) -> ExitCode {
    let terminal = Terminal::of_the_process();
    match cli.command {
        Command::Start(arguments) => start::run(&arguments, manager, &terminal),
        #[cfg(windows)]
        Command::Service(arguments) => start::run(&arguments, manager, &terminal),
        Command::Check(arguments) => check::run(&arguments, &terminal),
        Command::Init { file } => configure::init(&file, &terminal),
        Command::Configure(arguments) => configure::configure(&arguments, &terminal),
        Command::SetCredentials(arguments) => set_credentials::run(arguments, &terminal),
        Command::Plugins(arguments) => plugins::run(&arguments, &terminal),
        Command::PluginProcess(arguments) => plugin_process::run(&arguments, &terminal),
        Command::Completions { shell } => completions::run(shell),
        Command::ManPages { folder } => man_pages::run(&folder, &terminal),
    }
}

/// Says what is wrong before there is a command.
pub fn complain(text: &str) {
    Terminal::of_the_process().complain(text);
}
