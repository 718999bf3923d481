use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;

use super::terminal::Terminal;
use crate::cli::Cli;

/// Writes a page for the program and one for each of its commands into a folder.
pub(super) fn run(folder: &Path, terminal: &Terminal) -> ExitCode {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.complain(format_args!("error: `{}` cannot be written: {error}", folder.display()));
            ExitCode::from(super::EXIT_FAILED)
        }
    }
}
