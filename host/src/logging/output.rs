//! The two places where log lines go.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::{io, sync::Arc};

use super::line_format::LineFormat;
use super::record::{Level, Record};
use super::rotating_file::RotatingFile;

/// Something that takes records, from several threads at once. Has no way to fail: a host that cannot
/// log goes on.
pub(super) trait Output: Send + Sync + 'static {
    fn write(&self, record: &Record<'_>);

    /// Whether a line shows an event's fields apart from its message.
    fn shows_fields(&self) -> bool;
}

/// Standard output.
pub(super) struct Console {
    format: LineFormat,
    colours: bool,
}

impl Console {
    pub(super) fn new(format: LineFormat, colours: bool) -> Self {
        Self { format, colours }
    }
}

impl Output for Console {
    fn write(&self, record: &Record<'_>) {
        let mut line = String::new();
        self.format.write(record, self.colours, &mut line);
        // Nobody is left to be told when this fails.
        let _ = io::stdout().lock().write_all(line.as_bytes());
    }

    fn shows_fields(&self) -> bool {
        self.format.shows_fields()
    }
}

/// The log file. Its own troubles are told on the console, once each, and how many lines were lost is
/// written to the file as soon as that is possible.
pub(super) struct LogFile<C> {
    format: LineFormat,
    path: String,
    state: Mutex<State>,
    console: Arc<C>,
}

struct State {
    file: RotatingFile,
    lost_lines: u64,
}

impl<C: Output> LogFile<C> {
    pub(super) fn new(format: LineFormat, file: RotatingFile, console: Arc<C>) -> Self {
        Self {
            format,
            path: file.path().display().to_string(),
            state: Mutex::new(State { file, lost_lines: 0 }),
            console,
        }
    }

    fn complain(&self, record: &Record<'_>, message: &str) {
        self.console.write(&own_record(record, message));
    }
}

impl<C: Output> Output for LogFile<C> {
    fn write(&self, record: &Record<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = String::new();
        if state.lost_lines > 0 {
            let message = format!("{} lines are missing here: the log file could not be written", state.lost_lines);
            self.format.write(&own_record(record, &message), false, &mut lines);
        }
        self.format.write(record, false, &mut lines);

        let rotated = state.file.rotate_if_full(lines.len());
        let written = state.file.append(&lines);
        let lost_before = state.lost_lines;
        state.lost_lines = if written.is_ok() { 0 } else { lost_before + 1 };
        drop(state); // the console may be slow

        let path = &self.path;
        if let Err(error) = rotated {
            self.complain(record, &format!("log file `{path}` is full and cannot be rotated, it grows on: {error}"));
        }
        match written {
            Err(error) if lost_before == 0 => {
                self.complain(record, &format!("log file `{path}` cannot be written, lines are lost: {error}"));
            }
            Ok(()) if lost_before > 0 => {
                self.complain(record, &format!("log file `{path}` is written again, {lost_before} lines are lost"));
            }
            _ => {}
        }
    }

    fn shows_fields(&self) -> bool {
        self.format.shows_fields()
    }
}

/// What this module has to say itself, at the time of the record that it could not handle. An error:
/// that passes every level.
fn own_record<'a>(record: &Record<'a>, message: &'a str) -> Record<'a> {
    Record {
        time: record.time,
        since_start: record.since_start,
        level: Level::Error,
        name: module_path!(),
        message,
        fields: &[],
        request_id: None,
        module_path: Some(module_path!()),
        file: Some(file!()),
        line: Some(line!()),
    }
}

#[cfg(test)]
use super::{line_format::Format, python_format::Asctime};

/// Keeps lines for the tests of this module and its neighbours.
#[cfg(test)]
pub(super) struct Memory {
    format: LineFormat,
    lines: Mutex<String>,
}

#[cfg(test)]
impl Memory {
    pub(super) fn new(format: &str) -> Arc<Self> {
        let format = LineFormat::parse(&Format::Text(format.to_owned()), Asctime::Time).unwrap();
        Arc::new(Self { format, lines: Mutex::default() })
    }

    pub(super) fn text(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

#[cfg(test)]
impl Output for Memory {
    fn write(&self, record: &Record<'_>) {
        self.format.write(record, false, &mut self.lines.lock().unwrap());
    }

    fn shows_fields(&self) -> bool {
        self.format.shows_fields()
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::sample;
    use super::super::rotating_file::block_rotation;
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn log_file(folder: &TempDir, limit: u64) -> (LogFile<Memory>, Arc<Memory>) {
        let console = Memory::new("%(levelname)s %(name)s %(message)s");
        let format = Format::Text("%(levelname)s %(message)s".to_owned());
        let format = LineFormat::parse(&format, Asctime::DateTime).unwrap();
        let file = RotatingFile::open(&folder.path().join("x.log"), limit).unwrap();
        (LogFile::new(format, file, console.clone()), console)
    }

    fn shown(folder: &TempDir, console: &Memory) -> String {
        console.text().replace(&folder.path().display().to_string(), "[folder]")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_once_and_the_gap_is_marked() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("x.log");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let (log, console) = log_file(&folder, 1000);
        log.write(&sample());
        log.write(&sample());
        fs::remove_file(&path).unwrap();
        log.write(&sample());
        log.write(&sample());
        insta::assert_snapshot!(shown(&folder, &console), @r"
        ERROR defect_host::logging::output log file `[folder]/x.log` cannot be written, lines are lost: No space left on device (os error 28)
        ERROR defect_host::logging::output log file `[folder]/x.log` is written again, 2 lines are lost
        ");
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r"
        ERROR 2 lines are missing here: the log file could not be written
        WARNING hello
        WARNING hello
        ");
    }

    #[test]
    fn a_file_that_cannot_be_rotated_is_told() {
        let folder = TempDir::new().unwrap();
        block_rotation(&folder.path().join("x.log"));
        let (log, console) = log_file(&folder, 20);
        log.write(&sample());
        log.write(&sample());
        let console = shown(&folder, &console);
        let told =
            "ERROR defect_host::logging::output log file `[folder]/x.log` is full and cannot be rotated, it grows on: ";
        assert!(console.starts_with(told), "{console}");
        assert_eq!(fs::read_to_string(folder.path().join("x.log")).unwrap(), "WARNING hello\nWARNING hello\n");
    }
}
