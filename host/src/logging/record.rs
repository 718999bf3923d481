//! One log event, and the fields that a format can show of it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Local};
use serde::Serialize;

use super::escape::quote;
use super::layer::REQUEST_ID;
use super::python_format::Asctime;

/// A level of Python's `logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `DEBUG`; also what `tracing` calls TRACE, when an event has it.
    Debug,
    /// `INFO`
    Info,
    /// `WARNING`
    Warning,
    /// `ERROR`
    Error,
    /// `CRITICAL`. No event has it; as a limit it lets `ERROR` pass, so that failures are always seen.
    Critical,
}

/// Everything that is known of one event.
pub(super) struct Record<'a> {
    pub(super) time: DateTime<Local>,
    pub(super) since_start: Duration,
    pub(super) level: Level,
    /// The target: `defect_host::…`, `plugin::…`.
    pub(super) name: &'a str,
    /// What the event says, without its fields.
    pub(super) message: &'a str,
    pub(super) fields: &'a [(&'static str, FieldValue)],
    pub(super) request_id: Option<&'a str>,
    pub(super) module_path: Option<&'a str>,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
}

/// The value of an event's field, as the code that logs types it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum FieldValue {
    Flag(bool),
    Integer(i64),
    Natural(u64),
    Decimal(f64),
    Text(String),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Natural(number) => number.fmt(f),
            Self::Decimal(number) => fmt::Debug::fmt(number, f),
            Self::Text(text) => f.write_str(&quote(text)),
        }
    }
}

impl Record<'_> {
    /// `message key=value key="another value" request_id=…`, what a format of Python's calls the message.
    fn text(&self) -> Cow<'_, str> {
        if self.fields.is_empty() && self.request_id.is_none() {
            return self.message.into();
        }
        let mut text = self.message.to_owned();
        let mut push = |key: &str, value: &dyn fmt::Display| {
            let space = if text.is_empty() { "" } else { " " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{space}{key}={value}");
        };
        for (key, value) in self.fields {
            push(key, value);
        }
        if let Some(id) = self.request_id {
            push(REQUEST_ID, &quote(id));
        }
        text.into()
    }
}

/// A field of Python's `LogRecord`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Asctime,
    LevelName,
    LevelNumber,
    Name,
    Message,
    Process,
    ProcessName,
    Thread,
    ThreadName,
    Module,
    FileName,
    PathName,
    LineNumber,
    FunctionName,
    Created,
    Milliseconds,
    RelativeCreated,
}

/// The value of a field, as Python types it.
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Integer(u64),
    Decimal(f64),
}

impl Level {
    /// Python's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    fn number(self) -> u64 {
        match self {
            Self::Debug => 10,
            Self::Info => 20,
            Self::Warning => 30,
            Self::Error => 40,
            Self::Critical => 50,
        }
    }

    /// The terminal's escape sequence, the same colours as in the Python service.
    pub(super) fn colour(self) -> Option<&'static str> {
        match self {
            Self::Debug => Some("\x1b[34m"),
            Self::Info => None,
            Self::Warning => Some("\x1b[33m"),
            Self::Error => Some("\x1b[31m"),
            Self::Critical => Some("\x1b[31m\x1b[1m"),
        }
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG | tracing::Level::TRACE => Self::Debug,
        }
    }
}

impl Field {
    pub(super) const ALL: [Self; 17] = [
        Self::Asctime,
        Self::LevelName,
        Self::LevelNumber,
        Self::Name,
        Self::Message,
        Self::Process,
        Self::ProcessName,
        Self::Thread,
        Self::ThreadName,
        Self::Module,
        Self::FileName,
        Self::PathName,
        Self::LineNumber,
        Self::FunctionName,
        Self::Created,
        Self::Milliseconds,
        Self::RelativeCreated,
    ];

    /// The name in a format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Asctime => "asctime",
            Self::LevelName => "levelname",
            Self::LevelNumber => "levelno",
            Self::Name => "name",
            Self::Message => "message",
            Self::Process => "process",
            Self::ProcessName => "processName",
            Self::Thread => "thread",
            Self::ThreadName => "threadName",
            Self::Module => "module",
            Self::FileName => "filename",
            Self::PathName => "pathname",
            Self::LineNumber => "lineno",
            Self::FunctionName => "funcName",
            Self::Created => "created",
            Self::Milliseconds => "msecs",
            Self::RelativeCreated => "relativeCreated",
        }
    }

    /// Whether the conversions `d` and `f` make sense.
    pub(super) fn is_number(self) -> bool {
        matches!(
            self,
            Self::LevelNumber
                | Self::Process
                | Self::Thread
                | Self::LineNumber
                | Self::Created
                | Self::Milliseconds
                | Self::RelativeCreated
        )
    }

    /// What `record` has in this field. What Rust does not know has Python's own placeholder for it.
    pub(super) fn value<'a>(self, record: &'a Record<'_>, asctime: Asctime) -> Value<'a> {
        let path = record.file.unwrap_or("(unknown file)");
        match self {
            Self::Asctime => text(record.time.format(asctime.pattern()).to_string()),
            Self::LevelName => text(record.level.name()),
            Self::LevelNumber => Value::Integer(record.level.number()),
            Self::Name => text(record.name),
            Self::Message => text(record.text()),
            Self::Process => Value::Integer(std::process::id().into()),
            Self::ProcessName => text("MainProcess"),
            Self::Thread => Value::Integer(thread_number()),
            Self::ThreadName => match thread::current().name() {
                Some(name) => text(name.to_owned()),
                None => text(format!("Thread-{}", thread_number())),
            },
            Self::Module => match record.module_path {
                Some(module) => text(module.rsplit("::").next().unwrap_or(module)),
                None => text(Path::new(path).file_stem().map_or(Cow::from(path), |stem| stem.to_string_lossy())),
            },
            Self::FileName => text(Path::new(path).file_name().map_or(Cow::from(path), |name| name.to_string_lossy())),
            Self::PathName => text(path),
            Self::LineNumber => Value::Integer(record.line.unwrap_or(0).into()),
            Self::FunctionName => text("(unknown function)"),
            Self::Created => Value::Decimal(record.time.timestamp_micros() as f64 / 1e6),
            Self::Milliseconds => Value::Decimal(record.time.timestamp_subsec_millis().into()),
            Self::RelativeCreated => Value::Decimal(record.since_start.as_secs_f64() * 1e3),
        }
    }
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Value<'a> {
    Value::Text(text.into())
}

impl Asctime {
    fn pattern(self) -> &'static str {
        match self {
            Self::Time => "%H:%M:%S,%3f",
            Self::DateTime => "%Y-%m-%d %H:%M:%S,%3f",
        }
    }
}

impl<'a> Value<'a> {
    /// The value as `%s` shows it; Python shows a float with at least one decimal.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Integer(number) => number.to_string().into(),
            Self::Decimal(number) => format!("{number:?}").into(),
        }
    }

    /// The value as `%d` shows it.
    pub(super) fn integer(&self) -> u64 {
        match self {
            Self::Text(_) => 0, // a format that asks for this does not parse
            Self::Integer(number) => *number,
            Self::Decimal(number) => *number as u64,
        }
    }

    /// The value as `%f` shows it.
    pub(super) fn decimal(&self) -> f64 {
        match self {
            Self::Text(_) => 0.0, // a format that asks for this does not parse
            Self::Integer(number) => *number as f64,
            Self::Decimal(number) => *number,
        }
    }
}

/// Threads in the order in which they first asked; Rust's own thread identifiers are opaque.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: Cell<u64> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    NUMBER.get()
}

/// The record that was also given to Python, for the tests of this module and its neighbours.
#[cfg(test)]
pub(super) fn sample() -> Record<'static> {
    use chrono::TimeZone as _;
    let time = Local.with_ymd_and_hms(2023, 11, 14, 22, 13, 20).unwrap();
    Record {
        time: time + chrono::TimeDelta::microseconds(123_900),
        since_start: Duration::from_millis(1500),
        level: Level::Warning,
        name: "n",
        message: "hello",
        fields: &[],
        request_id: None,
        module_path: None,
        file: Some("/a/b.py"),
        line: Some(42),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_last_part_of_the_rust_path() {
        let record = Record { module_path: Some("defect_host::logging::record"), ..sample() };
        assert_eq!(Field::Module.value(&record, Asctime::Time).into_text(), "record");
    }

    #[test]
    fn an_event_from_nowhere_has_pythons_placeholders() {
        let record = Record { file: None, line: None, ..sample() };
        let shown = |field: Field| field.value(&record, Asctime::Time).into_text().into_owned();
        assert_eq!(shown(Field::PathName), "(unknown file)");
        assert_eq!(shown(Field::FileName), "(unknown file)");
        assert_eq!(shown(Field::Module), "(unknown file)");
        assert_eq!(shown(Field::LineNumber), "0");
    }

    #[test]
    fn every_thread_has_a_number_of_its_own() {
        let here = thread_number();
        assert_eq!(thread_number(), here);
        assert_ne!(thread::spawn(thread_number).join().unwrap(), here);
    }

    #[test]
    fn times_have_the_units_of_python() {
        let record = sample();
        let shown = |field: Field| field.value(&record, Asctime::Time).decimal();
        assert_eq!(shown(Field::Milliseconds), 123.0);
        assert_eq!(shown(Field::RelativeCreated), 1500.0);
        assert_eq!((shown(Field::Created).fract() * 1e4).round(), 1239.0);
    }
}
