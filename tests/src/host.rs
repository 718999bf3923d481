//! Runs the binary in a folder of its own.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use crate::artifacts::artifacts;
use crate::client::Client;
use crate::lines::Lines;
use crate::masked::masked;

/// User name and password of every host that [`HostFolder`] configures.
pub const CREDENTIALS: (&str, &str) = ("tester", "correct horse");
/// Their hash and salt, made by the Python service's `set-credentials`, as environment variables.
pub const STORED: [(&str, &str); 2] = [
    ("PASSWORD_HASH", "69e31d7b5d839c0a45ebeadae0b73c95638dd2de4a4d428a67500496065f883a"),
    ("SALT", "oheoUGwLn1lDpDfXlZLavA=="),
];

/// A folder with a configuration, ready to run the binary in.
pub struct HostFolder {
    path: PathBuf,
    // Removed when it is dropped.
    _folder: TempDir,
}

/// What a run of the binary printed, and how it ended.
#[derive(Debug)]
#[must_use]
pub struct Cli {
    /// The exit status; see [`Cli::code`].
    pub status: ExitStatus,
    /// Standard output; what differs from run to run is replaced, see [`masked`].
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Cli {
    /// The exit code; `None` when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl HostFolder {
    /// A folder whose `config.toml` has the credentials, port 0 and what is given: `service` goes into
    /// `[testbench-defect-service]`, `client_config` into its table of that name.
    #[must_use]
    pub fn new(service: &str, client_config: &str) -> Self {
        let folder = Self::with_config("");
        folder.configure(service, client_config);
        folder
    }

    /// A folder whose host runs the faulty plugin, configured like this.
    #[must_use]
    pub fn faulty(client_config: &str) -> Self {
        Self::faulty_with("", client_config)
    }

    /// As [`HostFolder::faulty`], with further keys of the service.
    #[must_use]
    pub fn faulty_with(service: &str, client_config: &str) -> Self {
        Self::new(&format!("client_class = \"FaultyDefectClient\"\n{service}"), client_config)
    }

    /// A folder whose `config.toml` is this text.
    #[must_use]
    pub fn with_config(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("config.toml"), text).expect("the configuration can be written");
        Self { path: folder.path().to_owned(), _folder: folder }
    }

    /// From now on, the folder of this name in it.
    #[must_use]
    pub fn enter(mut self, name: &str) -> Self {
        self.path.push(name);
        self
    }

    /// Writes `config.toml` anew, as [`HostFolder::new`] does.
    pub fn configure(&self, service: &str, client_config: &str) {
        // `cargo xtask check` runs the tests with the plugins in processes of their own, too. In an empty line, so
        // that all lines keep their numbers.
        let has_tables = service.lines().any(|line| line.trim_start().starts_with('['));
        let isolation = match std::env::var("DEFECT_HOST_ISOLATION") {
            Ok(isolation) if !service.contains("isolation =") && !has_tables => {
                format!("isolation = \"{isolation}\"")
            }
            _ => String::new(),
        };
        let [(_, hash), (_, salt)] = STORED;
        let text = format!(
            "[testbench-defect-service]\nport = 0\npassword_hash = \"{hash}\"\nsalt = \"{salt}\"\n{service}\n{isolation}\n\
             [testbench-defect-service.client_config]\n{client_config}\n"
        );
        std::fs::write(self.path().join("config.toml"), text).expect("the configuration can be written");
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in it, with the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// Reads a file in it.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        let path = self.path().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The binary in this folder, its environment cleared but for `environment`.
    #[must_use]
    pub fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        // `cargo xtask memcheck` runs it under valgrind.
        let under = std::env::var("DEFECT_HOST_UNDER").unwrap_or_default();
        let mut words = under.split_whitespace().map(Path::new).chain([artifacts().host.as_path()]);
        let mut command = Command::new(words.next().expect("the host's own path at least"));
        command.args(words).args(arguments).current_dir(self.path()).env_clear().envs(environment.iter().copied());
        command
    }

    /// As [`HostFolder::command`], with a listening socket that is handed over as systemd does it.
    #[must_use]
    pub fn command_on(&self, socket: impl Into<OwnedFd>, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        // The shell becomes the binary, so that `LISTEN_PID` is the binary's number.
        let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec \"$@\"";
        let binary = self.command(arguments, environment);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(binary.get_program()).args(binary.get_args());
        command.current_dir(self.path()).env_clear().envs(environment.iter().copied()).stdin(socket.into());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Cli {
        self.run_with(arguments, &[])
    }

    /// Runs the binary to its end with these environment variables.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Cli {
        self.run_command(self.command(arguments, environment), Some(""))
    }

    /// Runs the binary to its end with this on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Cli {
        self.run_command(self.command(arguments, &[]), Some(input))
    }

    /// Runs the binary to its end with a socket handed over.
    pub fn run_on(&self, socket: impl Into<OwnedFd>, arguments: &[&str]) -> Cli {
        self.run_command(self.command_on(socket, arguments, &[]), None)
    }

    fn run_command(&self, command: Command, input: Option<&str>) -> Cli {
        let mut process = Process::spawn(command, input);
        let status = process.wait();
        let text = |lines: &Lines| {
            let text = lines.text();
            masked(&if text.is_empty() { text } else { text + "\n" }, self.path())
        };
        Cli { status, stdout: text(&process.stdout), stderr: text(&process.stderr) }
    }

    /// Copies a plugin's library, such as `faulty_defect_client`, to this name in the folder.
    pub fn copy_library(&self, library: &str, name: &str) -> PathBuf {
        self.write(name, std::fs::read(artifacts().library(library)).expect("the library is built"))
    }

    /// Starts the service and waits until it listens.
    #[must_use]
    pub fn start(self) -> TestHost {
        self.start_with(&[], &[])
    }

    /// Starts the service with further arguments and environment variables.
    #[must_use]
    pub fn start_with(self, arguments: &[&str], environment: &[(&str, &str)]) -> TestHost {
        let command = self.command(&[&["start"], arguments].concat(), environment);
        TestHost::start(self, command, Some(""))
    }

    /// Starts the service on a socket that is handed over, and stays open here.
    #[must_use]
    pub fn start_on(self, socket: &TcpListener, environment: &[(&str, &str)]) -> TestHost {
        let socket = socket.try_clone().expect("the socket can be handed over");
        let command = self.command_on(socket, &["start"], environment);
        TestHost::start(self, command, None)
    }

    /// Starts the service by a command of its own.
    #[must_use]
    pub fn start_by(self, command: Command) -> TestHost {
        TestHost::start(self, command, Some(""))
    }
}

/// A run of the binary. Ended by SIGKILL when dropped.
struct Process {
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
}

impl Process {
    /// `input` is `None` when the command has a standard input already.
    fn spawn(mut command: Command, input: Option<&str>) -> Self {
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary can be started");
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // A program that reads no input has ended before it is written: no fault.
            let _ = stdin.write_all(input.as_bytes());
        }
        let stdout = Lines::of(child.stdout.take().expect("it is piped"));
        let stderr = Lines::of(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr }
    }

    fn wait(&mut self) -> ExitStatus {
        // They end when the process does, so nothing is polled.
        if let Err(error) = self.stdout.wait_for_end().and_then(|()| self.stderr.wait_for_end()) {
            panic!("the process does not end: {error}");
        }
        self.child.wait().expect("it is our child")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running service. Ended by SIGKILL when dropped.
pub struct TestHost {
    // Before the folder, so that it ends before that is removed.
    process: Process,
    client: Client,
    folder: HostFolder,
}

impl TestHost {
    /// Runs a command that starts the service, and waits until it listens. The folder is kept meanwhile.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn of(folder: HostFolder, command: Command) -> Self {
        Self::start(folder, command, Some(""))
    }

    fn start(folder: HostFolder, command: Command, input: Option<&str>) -> Self {
        let process = Process::spawn(command, input);
        let address =
            process.stdout.wait_for("its address", |line| line.contains("listening on ")).unwrap_or_else(|error| {
                panic!("the host does not start: {error}\n{}", process.stderr.text());
            });
        let base =
            address.split("listening on ").nth(1).and_then(|rest| rest.split([' ', '"']).next()).unwrap_or_default();
        let client = Client::new(base, Some(CREDENTIALS));
        Self { process, client, folder }
    }

    /// Calls the service with [`CREDENTIALS`].
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// `address:port` of the service.
    #[must_use]
    pub fn address(&self) -> &str {
        self.client.base().split("//").nth(1).unwrap_or_default()
    }

    /// The folder that it runs in.
    #[must_use]
    pub fn folder(&self) -> &HostFolder {
        &self.folder
    }

    /// Ends the process by SIGKILL and gives its folder back, to start in it again.
    #[must_use]
    pub fn into_folder(self) -> HostFolder {
        let Self { process, folder, .. } = self;
        drop(process);
        folder
    }

    /// The process' id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Waits for a line of the log that contains the text, and gives it.
    ///
    /// # Panics
    /// When the line does not come.
    pub fn wait_for_log(&self, text: &str) -> String {
        let found = self.process.stdout.wait_for(text, |line| line.contains(text));
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    /// All lines of the log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.stdout.text()
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.process.stderr.text()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal {name} is sent");
    }

    /// Waits until the process has ended.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }
}
