//! Hides the secrets of a document where its lines are shown.

use std::ops::Range;

use serde_json::Value;

use super::{
    document::Document,
    guess::{guessed_secrets, secrets_in_comments},
    path::KeyPath,
    schema::Schema,
    secret::{MASK, is_secret_key, password_in_url},
};

/// A document's text without its secrets, and where the rest of it has moved to.
pub(super) struct Masked {
    pub(super) text: String,
    /// Each secret in the document, in order, and where its mask begins in `text`.
    cuts: Vec<(Range<usize>, usize)>,
    /// What the secrets are, longest first.
    values: Vec<String>,
}

/// The text of a document without its secrets, those in comments too, for a person to look at.
///
/// `tables` are those that schemas are known of, each with its place. A secret is so by a schema, by the name of its
/// key, or by being an address with a password.
pub fn without_secrets(document: &Document, tables: &[(KeyPath, &Value)]) -> String {
    let secrets = document.spans().iter().filter(|(path, spans)| {
        let by_schema = tables.iter().any(|(root, schema)| {
            let inner = path.segments().strip_prefix(root.segments());
            inner.is_some_and(|inner| Schema::new(schema).is_secret_at(&inner.iter().collect()))
        });
        spans.leaf && (by_schema || is_secret_by_itself(document, path))
    });
    let values = secrets.map(|(_, spans)| with_comment(document.text(), spans.value.clone()));
    cut(document.text(), values.chain(in_comments(document)).collect()).0
}

fn in_comments(document: &Document) -> Vec<Range<usize>> {
    let leaves = document.spans().values().filter(|spans| spans.leaf).map(|spans| &spans.value);
    let keys = document.spans().values().map(|spans| &spans.key);
    // The key of an entry is the entry, and of a list of lists it has others in it, with comments.
    let keys = keys.filter(|key| !document.text()[(*key).clone()].contains('\n'));
    secrets_in_comments(document.text(), &leaves.chain(keys).collect::<Vec<_>>())
}

impl Masked {
    /// Masks the secrets of `document`; `schema` describes the table at `root`.
    pub(super) fn new(document: &Document, root: &KeyPath, schema: Schema<'_>) -> Self {
        let mut secrets = vec![];
        let mut values = vec![];
        for (path, spans) in document.spans() {
            let inner = path.segments().strip_prefix(root.segments());
            let inner = inner.map(|segments| KeyPath::from_iter(segments.iter()));
            let by_schema = inner.is_some_and(|path| schema.is_secret_at(&path));
            if spans.leaf && (by_schema || is_secret_by_itself(document, path)) {
                secrets.push(with_comment(document.text(), spans.value.clone()));
                values.extend(match document.get(path) {
                    Some(Value::String(text)) => Some(password_in_url(text).unwrap_or(text).to_owned()),
                    Some(Value::Number(number)) => Some(number.to_string()),
                    _ => None,
                });
            }
        }
        secrets.extend(in_comments(document));
        if document.is_broken() {
            secrets.extend(guessed_secrets(document.text()));
        }
        values.retain(|value| !value.is_empty());
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let (text, cuts) = cut(document.text(), secrets);
        Self { text, cuts, values }
    }
    /// Where a span of the document lies in the masked text; one inside a secret covers its mask.
    pub(super) fn moved(&self, span: Range<usize>) -> Range<usize> {
        self.position(span.start, 0)..self.position(span.end, MASK.len())
    }

    /// A text from elsewhere without the secrets that stand in the document.
    pub(super) fn scrubbed(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }

    fn position(&self, offset: usize, inside: usize) -> usize {
        let before = self.cuts.iter().rev().find(|(cut, _)| cut.start < offset);
        match before {
            None => offset,
            Some((cut, mask)) if offset < cut.end => mask + inside,
            Some((cut, mask)) => mask + MASK.len() + (offset - cut.end),
        }
    }
}

/// Whether a value is secret by the name of its key, or as an address with a password.
fn is_secret_by_itself(document: &Document, path: &KeyPath) -> bool {
    let has_password = || document.get(path).and_then(Value::as_str).and_then(password_in_url).is_some();
    path.segments().iter().any(|key| is_secret_key(key)) || has_password()
}

/// The text with each of the secrets replaced, and the [`Masked::cuts`].
fn cut(original: &str, mut secrets: Vec<Range<usize>>) -> (String, Vec<(Range<usize>, usize)>) {
    secrets.sort_by_key(|secret| secret.start);
    let mut cuts: Vec<(Range<usize>, usize)> = vec![];
    let mut text = String::new();
    let mut copied = 0;
    for secret in secrets {
        match cuts.last_mut() {
            Some((last, _)) if secret.start < last.end => {
                last.end = last.end.max(secret.end);
                copied = last.end;
            }
            _ => {
                text.push_str(&original[copied..secret.start]);
                cuts.push((secret.clone(), text.len()));
                text.push_str(MASK);
                copied = secret.end;
            }
        }
    }
    text.push_str(&original[copied..]);
    (text, cuts)
}

/// A comment behind a secret often holds the one before it.
fn with_comment(text: &str, secret: Range<usize>) -> Range<usize> {
    let rest = &text[secret.end..];
    let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
    if rest.trim_start().starts_with('#') { secret.start..secret.end + rest.trim_end().len() } else { secret }
}
