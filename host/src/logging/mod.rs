//! The host's log: on the console and in a file, in the formats of the Python service.
//!
//! Code logs with the macros of `tracing`; [`init`] decides, once per process, what becomes of it. One
//! event is one line, whatever text a request or a plugin put into it. Nothing here knows of requests:
//! headers and bodies are not logged, and whoever writes an event keeps secrets out of it.
//!
//! A span named `request` with a field `request_id`, at INFO or above, lends its id to all lines
//! written inside it, whatever the levels are.

mod escape;
mod filter;
mod layer;
mod line_format;
mod output;
mod python_format;
mod record;
mod rotating_file;

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tracing::Subscriber;
use tracing_log::log;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, registry};

use self::filter::BoxedFilter;
use self::layer::OutputLayer;
use self::line_format::LineFormat;
use self::output::{Console, LogFile, Output};
use self::python_format::Asctime;
use self::rotating_file::RotatingFile;

pub(crate) use escape::escape;
pub use filter::FilterError;
pub use line_format::Format;
pub use python_format::{FormatError, FormatFault, check_format};
pub use record::Level;

/// The environment variables whose directives override the levels, `debug` or `info,hyper=debug`: the first
/// that has any counts.
const DIRECTIVES_VARIABLES: [&str; 2] = ["DEFECT_HOST_LOG", "RUST_LOG"];

/// The size at which the file is rotated, as in the Python service.
const FILE_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// What is logged, where and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggingSettings {
    /// `logging.console.log_level`
    pub console_level: Level,
    /// `logging.console.format` and `log_format`.
    pub console_format: Format,
    /// No file when `None`.
    pub file: Option<FileSettings>,
    /// Sets both levels to DEBUG.
    pub debug: bool,
    /// Override the levels and `debug`.
    pub directives: Option<Directives>,
}

/// What is logged, by target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// The environment variable that they stand in.
    pub variable: &'static str,
    /// Its value.
    pub text: String,
}

impl Directives {
    /// Those of `DEFECT_HOST_LOG`; where that has none, those of `RUST_LOG`, which other programs know, too.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        first_directives(|variable| std::env::var(variable).ok())
    }
}

fn first_directives(value: impl Fn(&str) -> Option<String>) -> Option<Directives> {
    DIRECTIVES_VARIABLES.into_iter().find_map(|variable| {
        let text = value(variable).filter(|text| !text.trim().is_empty())?;
        Some(Directives { variable, text })
    })
}

/// What is logged to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// `logging.file.log_level`
    pub level: Level,
    /// `logging.file.format` and `log_format`.
    pub format: Format,
    /// `logging.file.file_path`; a relative one belongs to the working directory.
    pub path: PathBuf,
    /// Whether the operator named this file. If so it has to open, else the host goes on without it.
    pub explicit: bool,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The format of the console.
    #[error("`logging.console.log_format` is not a log format")]
    ConsoleFormat(#[source] FormatError),
    /// The format of the file.
    #[error("`logging.file.log_format` is not a log format")]
    FileFormat(#[source] FormatError),
    /// The environment variable.
    #[error("the environment variable `{variable}` is not a list of log directives")]
    Directives {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        source: FilterError,
    },
    /// The file that the operator named.
    #[error("cannot open log file `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The process logs already.
    #[error("logging is set up already")]
    AlreadySetUp,
}

impl LoggingError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ConsoleFormat(_) | Self::FileFormat(_) => {
                Some("an example is `%(asctime)s %(levelname)8s: %(message)s`")
            }
            Self::Directives { .. } => Some("an example is `info,hyper=debug`"),
            Self::File { .. } => {
                Some("its folder has to exist and to be writable; the key is `logging.file.file_path`")
            }
            Self::AlreadySetUp => None,
        }
    }
}

/// Sets up logging for the whole process, including events of crates that use `log`.
///
/// Lines reach the operating system before the logging call returns: there is nothing to flush. When
/// the file fails later, on a full disk for instance, the console tells so and the host goes on; the
/// file goes on too as soon as it can.
///
/// # Errors
/// See [`LoggingError`].
pub fn init(settings: &LoggingSettings) -> Result<(), LoggingError> {
    let format = LineFormat::parse(&settings.console_format, Asctime::Time).map_err(LoggingError::ConsoleFormat)?;
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (subscriber, unopened) = subscriber(settings, Arc::new(Console::new(format, colours)))?;
    subscriber.try_init().map_err(|_| LoggingError::AlreadySetUp)?;
    // What libraries trace by the crate `log` is left out: ureq dumps all bytes of its requests, in rows too short for
    // the secrets in them to be found.
    log::set_max_level(log::max_level().min(log::LevelFilter::Debug));
    if let Some(UnopenedFile { path, error }) = unopened {
        let path = path.display();
        tracing::warn!("no log file: cannot open `{path}`: {error}; set `logging.file.file_path` to name another one");
    }
    Ok(())
}

/// Finds out whether [`init`] would succeed, and leaves no file behind.
///
/// # Errors
/// See [`LoggingError`].
pub fn check(settings: &LoggingSettings) -> Result<(), LoggingError> {
    LineFormat::parse(&settings.console_format, Asctime::Time).map_err(LoggingError::ConsoleFormat)?;
    wanted::<Registry>(settings.console_level, settings.directives.as_ref())?;
    let Some(file) = &settings.file else { return Ok(()) };
    LineFormat::parse(&file.format, Asctime::DateTime).map_err(LoggingError::FileFormat)?;
    if !file.explicit {
        return Ok(());
    }
    let folder = file.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = match OpenOptions::new().append(true).open(&file.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder.read_dir().map(drop),
        opened => opened.map(drop),
    };
    found.map_err(|source| LoggingError::File { path: file.path.clone(), source })
}

fn wanted<S>(level: Level, directives: Option<&Directives>) -> Result<BoxedFilter<S>, LoggingError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    filter::filter(level, directives.map(|directives| directives.text.as_str())).map_err(|source| {
        LoggingError::Directives { variable: directives.map_or("", |directives| directives.variable), source }
    })
}

/// A file that nobody asked for and that cannot be had.
struct UnopenedFile {
    path: PathBuf,
    error: io::Error,
}

fn subscriber<C: Output>(
    settings: &LoggingSettings,
    console: Arc<C>,
) -> Result<(impl Subscriber + Send + Sync + use<C>, Option<UnopenedFile>), LoggingError> {
    let start = Instant::now();
    let level = |level| if settings.debug { Level::Debug } else { level };
    let directives = settings.directives.as_ref();

    let filter = wanted(level(settings.console_level), directives)?;
    // In one list: an output that is not there would else count as one that may want any event, and then
    // every event is asked about each time.
    let mut outputs = vec![OutputLayer::new(Arc::clone(&console), start).with_filter(filter).boxed()];
    let mut unopened = None;
    if let Some(file) = &settings.file {
        let format = LineFormat::parse(&file.format, Asctime::DateTime).map_err(LoggingError::FileFormat)?;
        let filter = wanted(level(file.level), directives)?;
        let path = file.path.clone();
        match RotatingFile::open(&path, FILE_LIMIT_BYTES) {
            Ok(opened) => {
                let output = Arc::new(LogFile::new(format, opened, console));
                outputs.push(OutputLayer::new(output, start).with_filter(filter).boxed());
            }
            Err(source) if file.explicit => return Err(LoggingError::File { path, source }),
            Err(error) => unopened = Some(UnopenedFile { path, error }),
        }
    }
    Ok((registry().with(outputs), unopened))
}

#[cfg(test)]
mod tests {
    use super::output::Memory;
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn text(format: &str) -> Format {
        Format::Text(format.to_owned())
    }

    fn directives(text: &str) -> Directives {
        Directives { variable: "DEFECT_HOST_LOG", text: text.to_owned() }
    }

    #[test]
    fn the_first_variable_with_directives_counts() {
        let chosen = |own: Option<&str>, general: Option<&str>| {
            let value = |name: &str| if name == "RUST_LOG" { general } else { own }.map(str::to_owned);
            first_directives(value).map(|directives| (directives.variable, directives.text))
        };
        assert_eq!(chosen(None, None), None);
        assert_eq!(chosen(None, Some("warn")), Some(("RUST_LOG", "warn".to_owned())));
        assert_eq!(chosen(Some(" "), Some("warn")), Some(("RUST_LOG", "warn".to_owned())));
        assert_eq!(chosen(Some("debug"), Some("warn")), Some(("DEFECT_HOST_LOG", "debug".to_owned())));
    }

    fn settings(path: PathBuf) -> LoggingSettings {
        LoggingSettings {
            console_level: Level::Warning,
            console_format: text("%(message)s"),
            file: Some(FileSettings {
                level: Level::Info,
                format: text("%(levelname)8s - %(name)s - %(message)s"),
                path,
                explicit: true,
            }),
            debug: false,
            directives: None,
        }
    }

    /// What the console and the file show of three events in a request.
    fn logged(settings: &LoggingSettings) -> (String, String) {
        let Format::Text(format) = &settings.console_format else { panic!("the console's lines are text here") };
        let console = Memory::new(format);
        let (subscriber, _) = subscriber(settings, Arc::clone(&console)).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let _request = tracing::info_span!("request", request_id = "r-1").entered();
            tracing::warn!(target: "plugin::jsonl", line = 3, "broken line");
            tracing::info!(target: "defect_host::service", "served");
            tracing::debug!(target: "defect_host::service", "details");
        });
        let file = settings.file.as_ref().and_then(|file| fs::read_to_string(&file.path).ok());
        (console.text(), file.unwrap_or_default())
    }

    #[test]
    fn console_and_file_have_their_own_level_and_format() {
        let folder = TempDir::new().unwrap();
        let (console, file) = logged(&settings(folder.path().join("x.log")));
        insta::assert_snapshot!(console, @"broken line line=3 request_id=r-1");
        insta::assert_snapshot!(file, @r"
         WARNING - plugin::jsonl - broken line line=3 request_id=r-1
            INFO - defect_host::service - served request_id=r-1
        ");
    }

    #[test]
    fn the_file_may_be_json_beside_a_console_of_text() {
        let folder = TempDir::new().unwrap();
        let settings = settings(folder.path().join("x.log"));
        let file = settings.file.map(|file| FileSettings { format: Format::Json, ..file });
        let (console, file) = logged(&LoggingSettings { file, ..settings });
        insta::assert_snapshot!(console, @"broken line line=3 request_id=r-1");
        let first: serde_json::Value = serde_json::from_str(file.lines().next().unwrap()).unwrap();
        assert_eq!((&first["request_id"], &first["fields"]["line"]), (&"r-1".into(), &3.into()));
        assert_eq!(file.lines().count(), 2);
    }

    #[test]
    fn debug_and_directives_set_both_levels() {
        let folder = TempDir::new().unwrap();
        let debug = LoggingSettings { debug: true, ..settings(folder.path().join("debug.log")) };
        let (console, file) = logged(&debug);
        assert_eq!((console.lines().count(), file.lines().count()), (3, 3));

        let path = folder.path().join("directives.log");
        let directives = LoggingSettings { directives: Some(directives("plugin=info")), ..debug };
        let file = directives.file.map(|file| FileSettings { path, ..file });
        let (console, file) = logged(&LoggingSettings { file, ..directives });
        assert_eq!((console.lines().count(), file.lines().count()), (1, 1));
    }

    #[test]
    fn a_file_that_does_not_open_matters_only_when_it_was_asked_for() {
        let folder = TempDir::new().unwrap();
        let mut settings = settings(folder.path().join("nowhere/x.log"));
        let memory = Memory::new("%(message)s");
        let error = subscriber(&settings, Arc::clone(&memory)).map(|_| ()).unwrap_err();
        let shown = format!("{error}\nhint: {}", error.hint().unwrap());
        insta::assert_snapshot!(shown.replace(&folder.path().display().to_string(), "[folder]"), @r"
        cannot open log file `[folder]/nowhere/x.log`
        hint: its folder has to exist and to be writable; the key is `logging.file.file_path`
        ");

        settings.file = settings.file.map(|file| FileSettings { explicit: false, ..file });
        let (_, unopened) = subscriber(&settings, memory).unwrap();
        assert!(unopened.is_some());
        assert!(logged(&settings).0.contains("broken line"));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let folder = TempDir::new().unwrap();
        let good = settings(folder.path().join("x.log"));
        let mut file = good.clone();
        file.file = file.file.map(|file| FileSettings { format: text("%(oops)s"), ..file });
        for (settings, key, cause) in [
            (
                LoggingSettings { console_format: text("%(oops)s"), ..good.clone() },
                "logging.console.log_format",
                "`%(oops)s` at character 1",
            ),
            (LoggingSettings { directives: Some(directives("inof")), ..good.clone() }, "DEFECT_HOST_LOG", "`inof`"),
            (file, "logging.file.log_format", "`%(oops)s` at character 1"),
        ] {
            let error = init(&settings).unwrap_err();
            let source = std::error::Error::source(&error).unwrap();
            assert!(error.to_string().contains(key), "{error}");
            assert!(source.to_string().starts_with(cause), "{source}");
            assert!(error.hint().is_some());
        }
    }
}
