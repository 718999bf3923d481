//! What is wrong in a configuration file, and how it is shown.

use std::{fmt, ops::Range, path::PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::path::KeyPath;

/// What kind of fault it is, for a program; the words for a person are in [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The text is neither TOML nor properties.
    Syntax,
    /// No such key at this place.
    UnknownKey,
    /// A required key is not there.
    MissingKey,
    /// Text where a number is wanted, and the like.
    WrongType,
    /// None of the values that are allowed.
    NotAllowed,
    /// A number, length or count outside its limits.
    OutOfRange,
    /// Text of the wrong form.
    Pattern,
    /// The value names a file that is not there.
    MissingFile,
    /// A key that does nothing here; only a warning.
    Unused,
    /// Anything else, such as what a plugin says about its configuration.
    Other,
}

/// Where a fault is. Holds the one line of the file that is shown, without secrets.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file, as it was named on the command line or in the configuration.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1; counted in the line as it is shown.
    pub column: usize,
    pub(super) source: String,
    pub(super) underline: Range<usize>,
}

/// One thing that a person has to change. Never holds a secret.
///
/// `Display` gives it in one line, for a log.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// The key, from the root of the checked table.
    pub path: KeyPath,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would be right, such as `an integer`.
    pub expected: Option<String>,
    /// What is there instead, such as ``the string `x` ``.
    pub found: Option<String>,
    /// The known key or allowed value nearest to the one that was written.
    pub nearest: Option<String>,
    /// What to do about it, beyond `nearest`.
    pub help: Option<String>,
    /// Where it is.
    pub place: Place,
}

impl Fault {
    fn comparison(&self) -> Option<String> {
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => Some(format!("expected {expected}, found {found}")),
            (Some(expected), None) => Some(format!("expected {expected}")),
            (None, Some(found)) => Some(format!("found {found}")),
            (None, None) => None,
        }
    }

    /// What is wrong and what would be right, without its place.
    pub fn sentence(&self) -> String {
        match self.comparison() {
            Some(comparison) => format!("{}: {comparison}", self.message),
            None => self.message.clone(),
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> impl Iterator<Item = String> {
        let nearest = self.nearest.as_ref();
        let nearest = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
        nearest.into_iter().chain(self.help.clone())
    }

    fn render(&self, level: Level<'static>, renderer: &Renderer) -> String {
        let place = &self.place;
        let underline = AnnotationKind::Primary.span(place.underline.clone());
        let snippet = Snippet::source(place.source.as_str())
            .path(place.file.to_string_lossy())
            .line_start(place.line)
            .annotation(underline.label(self.comparison()));
        let group = level
            .primary_title(self.message.as_str())
            .element(snippet)
            .elements(self.hints().map(|hint| Level::HELP.message(hint)));
        renderer.render(&[group])
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, .. } = &self.place;
        write!(f, "{}:{line}:{column}: {}", file.display(), self.sentence())
    }
}

/// Does a fault stop the service?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// Faults in the order of the file; `Display` is [`Faults::render`] without colour.
#[derive(Clone, Debug)]
pub struct Faults {
    severity: Severity,
    list: Vec<Fault>,
}

impl Faults {
    pub(super) fn new(severity: Severity, mut list: Vec<Fault>) -> Self {
        list.sort_by_key(|fault| (fault.place.line, fault.place.column));
        Self { severity, list }
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.list.iter()
    }

    /// All faults for a person, each with its line underlined; ANSI colours if `color`.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let faults = self.list.iter().map(|fault| fault.render(level.clone(), &renderer));
        faults.collect::<Vec<_>>().join("\n\n")
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Faults {}
