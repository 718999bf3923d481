//! The Python service that `defect-host` replaces, to compare with.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::artifacts::artifacts;
use crate::client::Client;
use crate::host::{CREDENTIALS, HostFolder};

/// How long the start may take. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program of the virtual environment that `cargo xtask python` makes.
///
/// # Panics
/// When it was not made.
#[must_use]
pub fn python_tool(name: &str) -> PathBuf {
    let folder = artifacts().target().join("python");
    // Written when everything else is there.
    assert!(folder.join("complete").is_file(), "the Python service is not installed: run `cargo xtask python`");
    folder.join("bin").join(name)
}

/// The Python service, running in a folder. Ended by SIGKILL when dropped.
pub struct PythonService {
    child: Child,
    client: Client,
    folder: HostFolder,
}

impl PythonService {
    /// Starts it with the `config.toml` of the folder, on a free port, and waits until it serves.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(folder: HostFolder) -> Self {
        loop {
            let port = free_port();
            match spawn(&folder, port) {
                Ok(child) => {
                    let client = Client::new(&format!("http://127.0.0.1:{port}"), Some(CREDENTIALS));
                    return Self { child, client, folder };
                }
                // It was free when it was looked for.
                Err(complaint) if complaint.to_lowercase().contains("address already in use") => {}
                Err(complaint) => panic!("the Python service does not start:\n{complaint}"),
            }
        }
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
}

impl Drop for PythonService {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

fn spawn(folder: &HostFolder, port: u16) -> Result<Child, String> {
    let mut child = Command::new(python_tool("testbench-defect-service"))
        .args(["start", "--port", &port.to_string()])
        .current_dir(folder.path())
        .env_clear()
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the Python service can be started");
    let (stdout, stderr) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    let (sender, lines) = mpsc::channel();
    for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
        let sender = sender.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                // Nobody listens any more once it runs; it is read on all the same, so that no pipe fills.
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
    }
    drop(sender);
    let mut said = Vec::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        if line.contains("Worker ready") {
            return Ok(child);
        }
        said.push(line);
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(said.join("\n"))
}
