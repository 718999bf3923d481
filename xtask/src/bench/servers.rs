//! The programs that are compared: each in a folder of its own, on a free loopback port, ended with the
//! value that stands for it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::data;
use super::load::Connection;
use super::reaper::{Reaper, signal_group};
use super::requests;

/// How long a server may take to start. Only a broken one takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a server may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(15);

/// Programs, where they are there.
pub(crate) struct Programs {
    pub(crate) host: PathBuf,
    pub(crate) bare_axum: PathBuf,
    pub(crate) jira_fake: PathBuf,
    pub(crate) python: Option<PathBuf>,
    pub(crate) nginx: Option<PathBuf>,
    pub(crate) strace: Option<PathBuf>,
}

impl Programs {
    /// What is missing, and how to get it.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let found = [
            (&self.python, "the Python service is missing: `cargo xtask python` installs it"),
            (&self.nginx, "nginx is missing: `apt install nginx-light` installs it (Debian)"),
            (&self.strace, "strace is missing: `apt install strace` installs it (Debian)"),
        ];
        found.into_iter().filter(|(program, _)| program.is_none()).map(|(_, hint)| hint).collect()
    }
}

/// A server that can be started, again and again, over the same data.
pub(crate) struct Service {
    name: String,
    folder: PathBuf,
    program: PathBuf,
    arguments: Vec<String>,
    /// Answered with 200 once it is ready.
    ready_path: &'static str,
    reaper: Arc<Reaper>,
}

/// What an argument is replaced with when the server starts.
pub(crate) const PORT: &str = "{port}";
/// nginx's configuration before it has a port.
const TEMPLATE: &str = "nginx.conf.template";

/// The tables of both services' configurations. The credentials are the demo's, known to everybody; both
/// programs are to keep idle connections, so that none is made anew while something is measured.
const CONFIG: &str = r#"[testbench-defect-service]
client_class = "JsonlDefectClient"
host = "127.0.0.1"
password_hash = "cf3227446204f92c2301993452643d08eb31d7920b87a8d0c0bef6d7bd45d0e4"
salt = "XR8Mjnq5QyaxwNno96ZbTA=="

[testbench-defect-service.server]
keep_alive_timeout = 120

[testbench-defect-service.client_config]
defects_path = "data"
attributes = ["title", "status", "priority", "Component"]

[testbench-defect-service.client_config.control_fields]
status = ["new", "in progress", "resolved", "closed"]

[testbench-defect-service.client_config.commands.presync]
manual = "{hook}"
"#;

/// What a synchronisation of type `manual` waits for.
pub(crate) const HOOK: Duration = Duration::from_secs(2);

/// The folder in which everything is made, and who cleans up.
pub(crate) struct Workshop {
    pub(crate) folder: PathBuf,
    pub(crate) programs: Programs,
    pub(crate) reaper: Arc<Reaper>,
}

impl Workshop {
    /// Ours, with so many defects.
    pub(crate) fn host(&self, name: &str, defects: u64) -> Result<Service> {
        let logging = "\n[testbench-defect-service.logging.console]\nlog_level = \"WARNING\"\n";
        let arguments = ["start", "--config", "config.toml", "--port", PORT];
        self.defect_service(name, defects, &self.programs.host, logging, &arguments, "/readyz")
    }

    /// Ours as [`Workshop::host`] has it, with the plugin in a process of its own.
    pub(crate) fn isolated_host(&self, name: &str, defects: u64) -> Result<Service> {
        let service = self.host(name, defects)?;
        let config = service.folder.join("config.toml");
        let class = "client_class = \"JsonlDefectClient\"\n";
        let text = fs::read_to_string(&config)?.replace(class, &format!("{class}isolation = \"process\"\n"));
        fs::write(&config, text)?;
        Ok(service)
    }

    /// Ours as [`Workshop::host`] has it, under strace, which notes in `syncs` what is synced to disk.
    /// `--seccomp-bpf` leaves all other system calls alone.
    pub(crate) fn traced_host(&self, name: &str, defects: u64) -> Result<Option<Service>> {
        let Some(strace) = &self.programs.strace else { return Ok(None) };
        let mut service = self.host(name, defects)?;
        let trace = ["-f", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-o", "syncs", "--"].map(str::to_owned);
        let program = std::mem::replace(&mut service.program, strace.clone());
        service.arguments.insert(0, program.display().to_string());
        service.arguments.splice(0..0, trace);
        Ok(Some(service))
    }

    /// The Python service, with so many defects.
    pub(crate) fn python(&self, name: &str, defects: u64) -> Result<Option<Service>> {
        let Some(program) = &self.programs.python else { return Ok(None) };
        let logging = "\n[testbench-defect-service.logging.console]\nlog_level = \"ERROR\"\n\
                       \n[testbench-defect-service.logging.file]\nlog_level = \"ERROR\"\n";
        let arguments = ["start", "--config", "config.toml", "--port", PORT];
        self.defect_service(name, defects, program, logging, &arguments, "/settings").map(Some)
    }

    fn defect_service(
        &self,
        name: &str,
        defects: u64,
        program: &Path,
        logging: &str,
        arguments: &[&str],
        ready_path: &'static str,
    ) -> Result<Service> {
        let service = self.service(name, program, arguments, ready_path)?;
        // In full: the Python service looks for a bare name in PATH.
        let hook = service.folder.join("slow.sh");
        let config = CONFIG.replace("{hook}", &hook.to_string_lossy());
        fs::write(service.folder.join("config.toml"), format!("{config}{logging}"))?;
        fs::write(&hook, format!("#!/bin/sh\nexec sleep {}\n", HOOK.as_secs()))?;
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        data::make(&service.folder.join("data"), defects)?;
        Ok(service)
    }

    /// nginx, which serves the files of the folder `www` in its own.
    pub(crate) fn nginx(&self) -> Result<Option<Service>> {
        let Some(program) = &self.programs.nginx else { return Ok(None) };
        let arguments = ["-p", ".", "-e", "error.log", "-c", "nginx.conf", "-g", "daemon off; master_process off;"];
        let service = self.service("nginx", program, &arguments, "/ready")?;
        let folder = &service.folder;
        fs::create_dir_all(folder.join("www"))?;
        fs::write(folder.join("www/ready"), "ready\n")?;
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("  {kind}_temp_path temp_{kind};\n"))
            .collect();
        let config = format!(
            "worker_processes 1;\npid nginx.pid;\nevents {{ worker_connections 256; }}\nhttp {{\n{temp}  \
             access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_timeout 120;\n  \
             keepalive_requests 1000000;\n  default_type application/json;\n  server {{\n    \
             listen 127.0.0.1:{PORT};\n    root www;\n  }}\n}}\n"
        );
        // The port stands in this file and in no argument.
        fs::write(folder.join(TEMPLATE), config)?;
        Ok(Some(service))
    }

    /// An axum handler that answers with the bytes of these files.
    pub(crate) fn bare_axum(&self, settings: &[u8], projects: &[u8]) -> Result<Service> {
        let service =
            self.service("bare-axum", &self.programs.bare_axum, &[PORT, "settings", "projects"], "/settings")?;
        fs::write(service.folder.join("settings"), settings)?;
        fs::write(service.folder.join("projects"), projects)?;
        Ok(service)
    }

    /// A server that is this program in a new folder of its own.
    pub(crate) fn service(
        &self,
        name: &str,
        program: &Path,
        arguments: &[&str],
        ready_path: &'static str,
    ) -> Result<Service> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (program, reaper) = (program.to_owned(), Arc::clone(&self.reaper));
        Ok(Service { name: name.to_owned(), folder, program, arguments, ready_path, reaper })
    }
}

impl Service {
    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Server> {
        let port = free_port()?;
        let with_port = |text: &String| text.replace(PORT, &port.to_string());
        let template = self.folder.join(TEMPLATE);
        if template.exists() {
            fs::write(self.folder.join("nginx.conf"), with_port(&fs::read_to_string(template)?))?;
        }
        let log = self.folder.join("output.log");
        let out = File::create(&log)?;
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(with_port)).current_dir(&self.folder);
        // Nothing of ours changes what they do, such as `DEFECT_HOST_LOG`.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).process_group(0);
        let spawned = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be started", self.name))?;
        let group = child.id();
        let mut server = Server {
            name: self.name.clone(),
            child,
            port,
            ready_after: Duration::ZERO,
            spawned,
            reaper: Arc::clone(&self.reaper),
        };
        self.reaper.add(group)?;
        server.wait_until_ready(&requests::get(self.ready_path), &log)?;
        server.ready_after = spawned.elapsed();
        Ok(server)
    }
}

/// A port that nobody has, below those that the system gives to outgoing connections.
fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..5_000 {
        let port = 21_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("there is no free port")
}

/// A running server. Killed with everything that it started when dropped.
pub(crate) struct Server {
    name: String,
    child: Child,
    port: u16,
    /// When the process was made.
    pub(crate) spawned: Instant,
    /// From making the process to its first good answer.
    pub(crate) ready_after: Duration,
    reaper: Arc<Reaper>,
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self.port).with_context(|| self.name.clone())
    }

    /// The process; under strace that is strace.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_ready(&mut self, request: &[u8], log: &Path) -> Result<()> {
        while self.spawned.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(log).unwrap_or_default();
                bail!("{} ended with {status}:\n{log}", self.name);
            }
            if Connection::open(self.port).is_ok_and(|mut connection| connection.download(request).is_ok()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        bail!("{} is not ready after {} s", self.name, PATIENCE.as_secs())
    }

    /// Tells it to end and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        signal_group(self.child.id(), Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < FAREWELL {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("{} does not end within {} s of SIGTERM", self.name, FAREWELL.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = self.child.id();
        // Once it has ended the number may be another's.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            signal_group(group, Signal::KILL);
            let _ = self.child.wait();
        }
        self.reaper.release(group);
    }
}
