//! Makes faults: finds the place of a key in its file and keeps secrets out.

use std::ops::Range;

use serde_json::Value;

use super::{
    document::{Document, Section},
    fault::{Fault, FaultKind, Place},
    mask::Masked,
    path::KeyPath,
    schema::Schema,
    secret::{MASK, is_secret_key, password_in_url},
};

/// Reports what is wrong in one table of one document.
pub(super) struct Reporter<'a> {
    document: &'a Document,
    /// The table that paths start from.
    root: &'a KeyPath,
    schema: Schema<'a>,
    masked: Masked,
}

/// Which part of a key a fault points at.
pub(super) enum Point {
    Key,
    Value,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(document: &'a Document, root: &'a KeyPath, schema: &'a Value) -> Self {
        let schema = Schema::new(schema);
        let masked = Masked::new(document, root, schema);
        Self { document, root, schema, masked }
    }

    pub(super) fn of(section: &'a Section, schema: &'a Value) -> Self {
        Self::new(section.document(), section.root(), schema)
    }

    pub(super) fn schema(&self) -> Schema<'a> {
        self.schema
    }

    /// A fault at the key `path`, or at the table around it where there is no such key.
    pub(super) fn fault(&self, kind: FaultKind, path: KeyPath, point: Point, message: String) -> Fault {
        let span = self.span(&path, point);
        Fault { kind, path, message, expected: None, found: None, nearest: None, help: None, place: self.place(span) }
    }

    pub(super) fn syntax(&self, message: String, span: Range<usize>) -> Fault {
        Fault { place: self.place(span), ..self.fault(FaultKind::Syntax, KeyPath::default(), Point::Key, message) }
    }

    /// The table at `path`, as the file names it.
    pub(super) fn table(&self, path: &KeyPath) -> String {
        let full = self.root.join(path);
        if full.is_root() { "this file".to_owned() } else { format!("`[{full}]`") }
    }

    /// A value in words; the words hide a secret.
    pub(super) fn describe(&self, value: &Value, path: &KeyPath) -> String {
        let secret = self.schema.is_secret_at(path) || self.root.segments().iter().any(|key| is_secret_key(key));
        match value {
            Value::Object(_) => "a table".to_owned(),
            Value::Array(list) if list.len() == 1 => "a list of 1 entry".to_owned(),
            Value::Array(list) => format!("a list of {} entries", list.len()),
            _ if secret => format!("`{MASK}`"),
            Value::String(text) if password_in_url(text).is_some() => format!("`{MASK}`"),
            Value::String(text) if text.is_empty() => "an empty string".to_owned(),
            Value::String(text) => format!("the string `{}`", shortened(text)),
            other => format!("`{other}`"),
        }
    }

    /// A text from elsewhere without the secrets that stand in this document.
    pub(super) fn scrubbed(&self, text: &str) -> String {
        self.masked.scrubbed(text)
    }

    fn span(&self, path: &KeyPath, point: Point) -> Range<usize> {
        let full = self.root.join(path);
        let mut around = full.parent();
        if let Some(spans) = self.document.spans().get(&full) {
            return match point {
                Point::Key => spans.key.clone(),
                Point::Value => spans.value.clone(),
            };
        }
        while let Some(table) = around {
            if let Some(spans) = self.document.spans().get(&table) {
                return spans.value.clone();
            }
            around = table.parent();
        }
        0..self.document.text().find('\n').unwrap_or(self.document.text().len())
    }

    fn place(&self, span: Range<usize>) -> Place {
        let shown = self.masked.moved(span.clone());
        let text = &self.masked.text;
        let start = text[..shown.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[shown.start..].find('\n').map_or(text.len(), |length| shown.start + length);
        let source = text[start..end].trim_end_matches('\r').to_owned();
        let from = (shown.start - start).min(source.len());
        let to = (shown.end.max(shown.start) - start).min(source.len());
        Place {
            file: self.document.path().to_owned(),
            line: self.document.line(span.start),
            column: 1 + source[..from].chars().count(),
            source,
            underline: from..to,
        }
    }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    if text.chars().count() <= SHOWN && line.len() == text.len() {
        text.to_owned()
    } else {
        line.chars().take(SHOWN).chain(['…']).collect()
    }
}
