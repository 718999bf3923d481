//! Runs the commands that an operator attached to a synchronisation.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::config::{PhaseCommands, SyncPhase};
use crate::model::{Protocol, ProtocolCode};

const RUNNABLE: [&str; 3] = ["sh", "bat", "exe"];

/// Why a sync command did not do its work.
#[derive(Debug, thiserror::Error)]
enum SyncCommandError {
    #[error("the command `{}` is not run: only .sh, .bat and .exe files are; rename or wrap it", .0.display())]
    NotRunnable(PathBuf),
    #[error("the command `{}` is not there; correct its path in `commands`", .0.display())]
    Missing(PathBuf),
    #[error("the command `{}` could not be started: {source}; is it executable?", path.display())]
    NotStarted { path: PathBuf, source: std::io::Error },
    #[error("the command `{}` failed with {status}; see its own output", path.display())]
    Failed { path: PathBuf, status: ExitStatus },
}

/// Runs the command for this phase and type of synchronisation, with the arguments project and type,
/// and waits for it. Its output goes where the host's own goes.
///
/// No command configured: acknowledged with [`ProtocolCode::PublishSuccess`]. A command that fails: a
/// general error, [`ProtocolCode::PublishError`]. A command that cannot be run because it is missing
/// or of another kind: a general warning, so that the synchronisation itself goes on, as it does with
/// the reference service.
#[must_use]
pub fn run_sync_command(
    commands: Option<&PhaseCommands>,
    phase: SyncPhase,
    project: &str,
    sync_type: Option<&str>,
) -> Protocol {
    let sync_type = sync_type.unwrap_or_default();
    let phase_name = match phase {
        SyncPhase::Presync => "Presync",
        SyncPhase::Postsync => "Postsync",
    };
    let Some(command) = commands.and_then(|commands| commands.command(phase, sync_type)) else {
        let message = format!("{phase_name} hook acknowledged; no command configured");
        return Protocol::of_success(project, ProtocolCode::PublishSuccess, message);
    };
    match run(Path::new(command), project, sync_type) {
        Ok(()) => {
            tracing::info!(command, project, sync_type, "{phase_name} command ended well");
            let message = format!("{phase_name} hook `{command}` executed successfully");
            Protocol::of_success(project, ProtocolCode::PublishSuccess, message)
        }
        Err(error) => {
            tracing::error!(project, sync_type, "{phase_name}: {error}");
            let mut protocol = Protocol::default();
            match error {
                SyncCommandError::Failed { .. } | SyncCommandError::NotStarted { .. } => {
                    protocol.add_general_error(ProtocolCode::PublishError, format!("{phase_name}: {error}"));
                }
                SyncCommandError::NotRunnable(_) | SyncCommandError::Missing(_) => {
                    protocol.add_general_warning(ProtocolCode::PublishError, format!("{phase_name}: {error}"));
                }
            }
            protocol
        }
    }
}

/// What keeps the configured commands from being run now, a sentence each: for a constructor that
/// warns its operator before the first synchronisation does.
#[must_use]
pub fn unusable_sync_commands(commands: &PhaseCommands) -> Vec<String> {
    let faults = commands.iter().filter_map(|command| absolute_path(Path::new(command)).err());
    faults.map(|fault| fault.to_string()).collect()
}

/// Where the command is, if it is one that can be run.
fn absolute_path(command: &Path) -> Result<PathBuf, SyncCommandError> {
    let extension = command.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !RUNNABLE.iter().any(|runnable| extension.eq_ignore_ascii_case(runnable)) {
        return Err(SyncCommandError::NotRunnable(command.to_owned()));
    }
    // Absolute: a bare file name would be searched in PATH and not where the operator means it.
    let path = std::path::absolute(command).unwrap_or_else(|_| command.to_owned());
    if path.is_file() { Ok(path) } else { Err(SyncCommandError::Missing(path)) }
}

fn run(command: &Path, project: &str, sync_type: &str) -> Result<(), SyncCommandError> {
    let path = absolute_path(command)?;
    let status = Command::new(&path).args([project, sync_type]).stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(SyncCommandError::Failed { path, status }),
        Err(source) => Err(SyncCommandError::NotStarted { path, source }),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use super::*;
    use crate::config::SyncCommandConfig;

    /// One at a time: a child that another test forks while a script is still open for writing would
    /// make the script "busy".
    static ONE_SCRIPT: Mutex<()> = Mutex::new(());

    fn run_script(name: &str, script: &str, mode: u32) -> (Protocol, String) {
        let _one = ONE_SCRIPT.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let manual = Some(path.to_str().unwrap().to_owned());
        let commands =
            PhaseCommands { presync: Some(SyncCommandConfig { manual, ..Default::default() }), postsync: None };
        let protocol = run_sync_command(Some(&commands), SyncPhase::Presync, "Shop; rm -rf $HOME", Some("manual"));
        let written = std::fs::read_to_string(folder.path().join("out")).unwrap_or_default();
        (protocol, written)
    }

    #[test]
    fn a_command_gets_project_and_type_as_they_are() {
        let script = "#!/bin/sh\nprintf '%s|%s|%s' \"$#\" \"$1\" \"$2\" > \"$(dirname \"$0\")/out\"\n";
        let (protocol, written) = run_script("hook.sh", script, 0o755);
        assert_eq!(written, "2|Shop; rm -rf $HOME|manual");
        assert_eq!(protocol.successes["Shop; rm -rf $HOME"][0].code, ProtocolCode::PublishSuccess);
    }

    #[test]
    fn a_failing_command_is_an_error_with_its_exit_status() {
        let (protocol, _) = run_script("hook.sh", "#!/bin/sh\nexit 3\n", 0o755);
        assert_eq!(protocol.general_errors[0].code, ProtocolCode::PublishError);
        assert!(protocol.general_errors[0].message.contains("exit status: 3"), "{protocol:?}");
    }

    #[test]
    fn what_cannot_be_run_is_said_and_not_run() {
        let (protocol, written) = run_script("hook.py", "#!/bin/sh\necho x > \"$(dirname \"$0\")/out\"\n", 0o755);
        assert!(protocol.general_warnings[0].message.contains("only .sh, .bat and .exe"), "{protocol:?}");
        assert_eq!(written, "");
        let (protocol, _) = run_script("hook.sh", "#!/bin/sh\n", 0o644);
        assert!(protocol.general_errors[0].message.contains("could not be started"), "{protocol:?}");
    }

    #[test]
    fn commands_that_cannot_be_run_are_known_beforehand() {
        let manual = Some("hook.py".to_owned());
        let scheduled = Some("nowhere.sh".to_owned());
        let presync = Some(SyncCommandConfig { manual, scheduled, ..Default::default() });
        let faults = unusable_sync_commands(&PhaseCommands { presync, postsync: None });
        assert!(faults[0].contains("nowhere.sh` is not there"), "{faults:?}");
        assert!(faults[1].contains("hook.py` is not run"), "{faults:?}");
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn without_a_command_the_hook_is_acknowledged() {
        let protocol = run_sync_command(None, SyncPhase::Postsync, "Shop", None);
        assert_eq!(protocol.successes["Shop"][0].code, ProtocolCode::PublishSuccess);
    }
}
