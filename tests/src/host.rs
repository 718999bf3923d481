//! Runs the binary in a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::artifacts::artifacts;
use crate::client::Client;

/// User name and password of every host that [`HostFolder`] configures.
pub const CREDENTIALS: (&str, &str) = ("tester", "correct horse");
/// Their hash and salt, made by the Python service's `set-credentials`.
const STORED: &str = "password_hash = \"69e31d7b5d839c0a45ebeadae0b73c95638dd2de4a4d428a67500496065f883a\"\nsalt = \"oheoUGwLn1lDpDfXlZLavA==\"\n";

/// How long anything may take that a test waits for. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, ready to run the binary in.
pub struct HostFolder {
    folder: TempDir,
}

/// What a run of the binary printed, and how it ended.
#[derive(Debug)]
#[must_use]
pub struct Cli {
    /// The exit status; see [`Cli::code`].
    pub status: ExitStatus,
    /// Standard output, the folder's path replaced with `[folder]`.
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

    /// A folder whose `config.toml` is this text.
    #[must_use]
    pub fn with_config(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("config.toml"), text).expect("the configuration can be written");
        Self { folder }
    }

    /// Writes `config.toml` anew, as [`HostFolder::new`] does.
    pub fn configure(&self, service: &str, client_config: &str) {
        let text = format!(
            "[testbench-defect-service]\nport = 0\n{STORED}{service}\n\n\
             [testbench-defect-service.client_config]\n{client_config}\n"
        );
        std::fs::write(self.path().join("config.toml"), text).expect("the configuration can be written");
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
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
        let mut command = Command::new(&artifacts().host);
        command.args(arguments).current_dir(self.path()).env_clear().envs(environment.iter().copied());
        command.stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Cli {
        self.run_with(arguments, &[])
    }

    /// Runs the binary to its end with these environment variables.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Cli {
        let output = self.command(arguments, environment).output().expect("the binary can be started");
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.replace(&*self.path().to_string_lossy(), "[folder]")
        };
        Cli { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Starts the service and waits until it listens.
    #[must_use]
    pub fn start(self) -> TestHost {
        TestHost::start(self, &[], &[])
    }

    /// Starts the service with further arguments and environment variables.
    #[must_use]
    pub fn start_with(self, arguments: &[&str], environment: &[(&str, &str)]) -> TestHost {
        TestHost::start(self, arguments, environment)
    }
}

/// A running service. Ended by SIGKILL when dropped.
pub struct TestHost {
    folder: HostFolder,
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    client: Client,
}

/// The lines that the service has printed so far.
#[derive(Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

impl Log {
    fn read(&self, stream: impl std::io::Read) {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).0.push(line);
            self.grown.notify_all();
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.grown.notify_all();
    }

    /// The first line that fulfils the condition, waited for.
    fn wait_for(&self, what: &str, condition: impl Fn(&str) -> bool) -> Result<String, String> {
        let begun = Instant::now();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = lines.0.iter().find(|line| condition(line)) {
                return Ok(line.clone());
            }
            if lines.1 || begun.elapsed() > PATIENCE {
                return Err(format!("no line with {what} in:\n{}", lines.0.join("\n")));
            }
            lines = self.grown.wait_timeout(lines, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl TestHost {
    fn start(folder: HostFolder, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = folder.command(&[&["start"], arguments].concat(), environment);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary can be started");
        let log = Arc::new(Log::default());
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || log.read(stdout)
        });
        let address = log.wait_for("its address", |line| line.contains("listening on ")).unwrap_or_else(|error| {
            let mut complaint = String::new();
            let _ = std::io::Read::read_to_string(&mut { stderr }, &mut complaint);
            panic!("the host does not start: {error}\n{complaint}")
        });
        let base = address.split("listening on ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let client = Client::new(base, Some(CREDENTIALS));
        Self { folder, child, log, reader: Some(reader), client }
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

    /// The process' id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log that contains the text, and gives it.
    ///
    /// # Panics
    /// When the line does not come.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.log.wait_for(text, |line| line.contains(text)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// All lines of the log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lines.lock().unwrap_or_else(PoisonError::into_inner).0.join("\n")
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal {name} is sent");
    }

    /// Waits until the process has ended.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn wait(&mut self) -> ExitStatus {
        // The reader ends when the process does, so nothing is polled.
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.child.wait().expect("it is our child")
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
