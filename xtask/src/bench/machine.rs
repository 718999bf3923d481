//! What the numbers were measured on and with.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::series::{Series, time};
use super::servers::Programs;
use crate::shell::root;

/// Facts, by name.
pub(crate) fn facts(programs: &Programs, folder: &Path) -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let commit = said("git", &["describe", "--always", "--dirty", "--abbrev=12"]);
    let python = programs.python.as_deref().and_then(Path::parent);
    let python = python.map_or_else(
        || "not installed".to_owned(),
        |bin| {
            let package = "import importlib.metadata as m, platform as p; \
                       print('testbench-defect-service', m.version('testbench-defect-service'), \
                       'on Python', p.python_version())";
            said(&bin.join("python").to_string_lossy(), &["-c", package])
        },
    );
    let version = |program: Option<&Path>, argument: &str| {
        program.map_or_else(|| "not installed".to_owned(), |path| said(&path.to_string_lossy(), &[argument]))
    };
    vec![
        ("date", said("date", &["-u", "+%F"])),
        ("commit", commit),
        ("processor", in_file("/proc/cpuinfo", "model name")),
        ("cores", cores.to_string()),
        ("memory", memory()),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("file system of target/", file_system(folder)),
        ("appending 700 bytes and fdatasync there", show_sync(folder)),
        ("load average before the run", read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")),
        ("Rust", said("rustc", &["--version"])),
        ("Python service", python),
        ("nginx (Debian: nginx-light)", version(programs.nginx.as_deref(), "-v")),
        ("strace (Debian: strace)", version(programs.strace.as_deref(), "--version")),
    ]
}

/// The first line that a program says; nginx says its version on standard error.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let Ok(output) = output else { return "unknown".to_owned() };
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().unwrap_or("unknown").trim().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn in_file(path: &str, key: &str) -> String {
    let text = read(path);
    let value = text.lines().find_map(|line| line.split_once(':').filter(|(name, _)| name.trim() == key));
    value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

fn memory() -> String {
    let total = in_file("/proc/meminfo", "MemTotal");
    let kib = total.strip_suffix(" kB").and_then(|kib| kib.parse::<f64>().ok());
    kib.map_or(total, |kib| format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}

/// The type of the file system that holds a folder: of all mount points above it, the longest.
fn file_system(folder: &Path) -> String {
    let mounts = read("/proc/self/mounts");
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    // Of two at the same place the later one covers the other.
    mounts.max_by_key(|(length, _)| *length).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}

/// The floor under every acknowledged write: nothing that syncs can be faster alone.
fn show_sync(folder: &Path) -> String {
    sync_times(&folder.join("sync-floor"))
        .map_or_else(|error| error.to_string(), |times| Series::from(times).show(time))
}

fn sync_times(path: &Path) -> Result<Vec<f64>> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        file.write_all(&[b'x'; 700])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64());
    }
    fs::remove_file(path)?;
    Ok(times)
}
