//! `defect-host`: see [`defect_host`].

use std::process::ExitCode;

use clap::Parser;
use defect_host::cli::{Cli, Command};
use defect_host::service_manager::ServiceManager;

fn main() -> ExitCode {
    // SAFETY: there is no other thread yet.
    let manager = unsafe { ServiceManager::take_from_environment() };
    let cli = Cli::parse();
    #[cfg(windows)]
    let cli = defect_host::commands::service::in_its_folder(cli);
    // It has the host's environment, but for what it shall not have.
    if matches!(cli.command, Command::PluginProcess(_)) {
        return defect_host::commands::run(cli, manager);
    }
    // Here, before any other thread: it changes the process' environment, which a plugin reads too. A
    // variable that is set already wins; a missing file is the usual case.
    let dotenv = dotenvy::from_path(".env");
    if let Err(error) = dotenv
        && !error.not_found()
    {
        // Without the error's own words: they quote the line, which may hold a secret.
        defect_host::commands::complain("error: `.env` in the working directory cannot be read: correct or remove it");
        return ExitCode::from(2);
    }
    #[cfg(windows)]
    if matches!(cli.command, Command::Service(_)) {
        return defect_host::commands::service::run(cli);
    }
    defect_host::commands::run(cli, manager)
}
