//! `defect-host service`: `start`, for the Service Control Manager of Windows.

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::service_manager::run_as_service;

/// Makes the folder of the configuration file the working directory: a service begins in one of the system's,
/// where nothing that a relative path could mean is.
#[must_use]
pub fn in_its_folder(mut cli: Cli) -> Cli {
    if let Command::Service(arguments) = &mut cli.command
        && let Ok(config) = std::path::absolute(&arguments.file.config)
    {
        // A folder that is not there is told as what it means for the file.
        let _ = config.parent().map(std::env::set_current_dir);
        arguments.file.config = config;
    }
    cli
}

/// Runs until the service is stopped. How it went is told to who started it.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let outcome = run_as_service(|manager| {
        let _ = super::run(cli, manager);
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&format!(
                "error: the Service Control Manager has not started this process: {error}\n\n\
                 hint: use `start` in a console; docs/operations.md says how to make a service of it"
            ));
            ExitCode::from(super::EXIT_WRONG)
        }
    }
}
