//! `defect-host plugins new`: writes a plugin's crate and says what to type next.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::super::terminal::Terminal;
use crate::cli::NewPlugin;
use crate::platform::Platform;
use crate::scaffold::{self, Api, NameError, PluginName, ScaffoldError};

/// Why there is no new crate.
#[derive(Debug, thiserror::Error)]
enum NewPluginError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Scaffold(#[from] ScaffoldError),
}

impl NewPluginError {
    fn hint(&self) -> String {
        match self {
            Self::Name(error) => error.hint(),
            Self::Scaffold(error) => error.hint(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Scaffold(ScaffoldError::Write { .. }) => super::super::EXIT_FAILED,
            _ => super::super::EXIT_WRONG,
        }
    }
}

pub(super) fn run(arguments: &NewPlugin, terminal: &Terminal) -> ExitCode {
    match write(arguments) {
        Ok((name, folder)) => {
            terminal.say(next_steps(&name, &folder));
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal.complain(format_args!("error: {error}\n\nhint: {}", error.hint()));
            ExitCode::from(error.exit_code())
        }
    }
}

fn write(arguments: &NewPlugin) -> Result<(PluginName, PathBuf), NewPluginError> {
    let name: PluginName = arguments.name.parse()?;
    let folder = arguments.dir.clone().unwrap_or_else(|| arguments.name.clone().into());
    let api = arguments.api.as_deref().map_or(Ok(Api::Embedded), Api::of_checkout)?;
    scaffold::write_crate(&name, &folder, &api)?;
    Ok((name, folder))
}

fn next_steps(name: &PluginName, folder: &Path) -> String {
    let library = Platform::current().library_file_name(&name.crate_name());
    format!(
        "wrote `{folder}`: a plugin with the class `{class}`; its tracker is to be written in `src/lib.rs`

next:
  cd '{folder}'
  cargo test
  cargo build --release
  mkdir -p plugins
  cp target/release/{library} plugins/
  defect-host set-credentials --username me
  defect-host check
  defect-host start",
        folder = folder.display(),
        class = name.class(),
    )
}
