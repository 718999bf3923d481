//! A configuration file as values and as text: each value knows where it was written.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    ConfigError,
    fault::{Faults, Severity},
    parse::{Parsed, parse},
    path::KeyPath,
    report::Reporter,
};

/// How a configuration file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// Java `.properties` in UTF-8: all keys at top level, all values text.
    Properties,
}

impl Format {
    /// The format that the file's extension names, in any case.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "properties" => Some(Self::Properties),
            _ => None,
        }
    }
}

/// Gives the content of a file.
pub type Files<'a> = dyn Fn(&Path) -> std::io::Result<Vec<u8>> + 'a;

/// Where a key and its value stand in the text, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    /// The key; an entry of a list has none and gives its value here.
    pub(super) key: Range<usize>,
    /// The value; of a table the header, of a table made by a dotted key that key.
    pub(super) value: Range<usize>,
    /// Neither a table nor a list.
    pub(super) leaf: bool,
}

/// One configuration file: path, text, values and their places.
pub struct Document {
    path: PathBuf,
    text: String,
    format: Format,
    broken: bool,
    value: Value,
    spans: BTreeMap<KeyPath, Spans>,
}

impl Document {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// [`ConfigError::Read`], [`ConfigError::NotUtf8`] or, with every syntax error in the file,
    /// [`ConfigError::Syntax`].
    pub fn read(path: &Path, format: Format) -> Result<Self, ConfigError> {
        Self::read_from(&|path| std::fs::read(path), path, format)
    }

    /// As [`Document::read`], from files that may be elsewhere than on the disk.
    pub(super) fn read_from(files: &Files<'_>, path: &Path, format: Format) -> Result<Self, ConfigError> {
        let bytes = files(path).map_err(|reason| ConfigError::Read { path: path.to_owned(), reason })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ConfigError::NotUtf8 { path: path.to_owned(), line: 1 + good.iter().filter(|byte| **byte == b'\n').count() }
        })?;
        Self::parse(path, text, format).map_err(ConfigError::Syntax)
    }

    /// Parses the text of the file at `path`, which is only named in messages.
    ///
    /// # Errors
    /// Every syntax error in the text, at most one for a line.
    pub fn parse(path: &Path, text: String, format: Format) -> Result<Self, Faults> {
        let Parsed { value, spans, mut errors } = parse(&text, format);
        let document = Self {
            path: path.to_owned(),
            text,
            format,
            broken: !errors.is_empty(),
            value: Value::Object(value),
            spans,
        };
        if errors.is_empty() {
            return Ok(document);
        }
        errors.sort_by_key(|(_, span)| span.start);
        errors.dedup_by_key(|(_, span)| document.line(span.start));
        let root = KeyPath::default();
        let reporter = Reporter::new(&document, &root, &Value::Null);
        let faults = errors.into_iter().map(|(message, span)| reporter.syntax(message, span));
        Err(Faults::new(Severity::Error, faults.collect()))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's content; it may hold secrets.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the file is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// All values; they may hold secrets.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value at `path`.
    pub(super) fn get(&self, path: &KeyPath) -> Option<&Value> {
        path.segments().iter().try_fold(&self.value, |value, segment| match value {
            Value::Array(list) => list.get(segment.parse::<usize>().ok()?),
            other => other.get(segment),
        })
    }

    /// Are there syntax errors, so that values and places are guesses?
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn spans(&self) -> &BTreeMap<KeyPath, Spans> {
        &self.spans
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.text[..offset].matches('\n').count()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("path", &self.path).finish_non_exhaustive()
    }
}

/// One table of a configuration file, with all in it: the service's or the client's.
#[derive(Clone)]
pub struct Section {
    document: Arc<Document>,
    root: KeyPath,
    value: Value,
}

impl Section {
    /// The table at `root`; a table that is not there is an empty one.
    pub(super) fn new(document: Arc<Document>, root: KeyPath) -> Self {
        let value = document.get(&root).cloned();
        let value = value.unwrap_or_else(|| Value::Object(Map::new()));
        Self { document, root, value }
    }

    /// Values that stand in no file yet.
    pub(super) fn of_values(value: Value) -> Self {
        let document = Document {
            path: PathBuf::new(),
            text: String::new(),
            format: Format::Toml,
            broken: false,
            value: Value::Null,
            spans: BTreeMap::new(),
        };
        Self { document: Arc::new(document), root: KeyPath::default(), value }
    }

    /// The same table without the key `name`, which belongs to someone else.
    pub(super) fn without(mut self, name: &str) -> Self {
        if let Value::Object(table) = &mut self.value {
            table.remove(name);
        }
        self
    }

    /// The file that the table stands in.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Where in the file the table stands; empty for the whole file.
    pub fn root(&self) -> &KeyPath {
        &self.root
    }

    /// The table as written, not yet checked; it may hold secrets.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section").field("document", &self.document).field("root", &self.root).finish_non_exhaustive()
    }
}
