//! From text to values and their places, for TOML and `.properties`.

use std::{collections::BTreeMap, ops::Range};

use java_properties::PropertiesIter;
use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::{
    document::{Format, Spans},
    path::KeyPath,
};

/// What a text says. With errors, the rest is what could be made of it.
pub(super) struct Parsed {
    pub(super) value: Map<String, Value>,
    pub(super) spans: BTreeMap<KeyPath, Spans>,
    pub(super) errors: Vec<(String, Range<usize>)>,
}

pub(super) fn parse(text: &str, format: Format) -> Parsed {
    match format {
        Format::Toml => parse_toml(text),
        Format::Properties => parse_properties(text),
    }
}

fn parse_toml(text: &str) -> Parsed {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut spans = BTreeMap::new();
    Parsed {
        value: read_table(table.get_ref(), &KeyPath::default(), &mut spans),
        spans,
        errors: errors.iter().map(|error| (error.message().to_owned(), error.span().unwrap_or_default())).collect(),
    }
}

fn read_table(table: &DeTable<'_>, path: &KeyPath, spans: &mut BTreeMap<KeyPath, Spans>) -> Map<String, Value> {
    table
        .iter()
        .map(|(key, value)| {
            let path = path.child(key.get_ref().as_ref());
            let read = read_value(value.get_ref(), &path, spans);
            let leaf = !matches!(read, Value::Object(_) | Value::Array(_));
            spans.insert(path, Spans { key: key.span(), value: value.span(), leaf });
            (key.get_ref().to_string(), read)
        })
        .collect()
}

fn read_value(value: &DeValue<'_>, path: &KeyPath, spans: &mut BTreeMap<KeyPath, Spans>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::from(integer),
            Err(_) => number(integer.as_str()),
        },
        DeValue::Float(float) => number(float.as_str()),
        DeValue::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                let path = path.child(index.to_string());
                let read = read_value(entry.get_ref(), &path, spans);
                let leaf = !matches!(read, Value::Object(_) | Value::Array(_));
                spans.insert(path, Spans { key: entry.span(), value: entry.span(), leaf });
                read
            })
            .collect(),
        DeValue::Table(table) => Value::Object(read_table(table, path, spans)),
    }
}

/// JSON has no infinity and no NaN: they stay text and fail where a number is wanted.
fn number(text: &str) -> Value {
    let finite = text.parse().ok().and_then(Number::from_f64);
    finite.map_or_else(|| Value::from(text), Value::Number)
}

fn parse_properties(text: &str) -> Parsed {
    let mut parsed = Parsed { value: Map::new(), spans: BTreeMap::new(), errors: vec![] };
    for line in logical_lines(text) {
        let spans = split_property(text, line.clone());
        let mut pair = None;
        // At the end of the file a backslash continues nothing: as in Java it is left out, not the property.
        let property = &text[line];
        let property = if ends_in_backslash(property) { &property[..property.len() - 1] } else { property };
        let mut reader = PropertiesIter::new_with_encoding(property.as_bytes(), encoding_rs::UTF_8);
        // The crate's message counts lines from where it began to read; this is its only error for text.
        if reader.read_into(|key, value| pair = Some((key, value))).is_err() {
            let message = "malformed `\\u` escape, expected four hexadecimal digits".to_owned();
            parsed.errors.push((message, spans.value.clone()));
            pair = Some((text[spans.key.clone()].to_owned(), String::new()));
        }
        if let Some((key, value)) = pair {
            parsed.spans.insert(KeyPath::from_iter([&key]), spans);
            parsed.value.insert(key, Value::from(value));
        }
    }
    parsed
}

/// The lines that hold a property, each with the lines it goes on in after a backslash.
fn logical_lines(text: &str) -> Vec<Range<usize>> {
    let mut lines: Vec<Range<usize>> = vec![];
    let mut goes_on = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let end = start + content.len();
        match lines.last_mut() {
            Some(last) if goes_on => last.end = end,
            _ if content.trim_start().is_empty() || content.trim_start().starts_with(['#', '!']) => {
                start += line.len();
                continue;
            }
            _ => lines.push(start..end),
        }
        goes_on = ends_in_backslash(content);
        start += line.len();
    }
    lines
}

/// One that is not the second of two.
fn ends_in_backslash(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

fn split_property(text: &str, line: Range<usize>) -> Spans {
    let content = text[line.clone()].trim_start();
    let key_start = line.end - content.len();
    let mut escaped = false;
    let key_len = content
        .find(|c: char| {
            let ends = !escaped && (c == '=' || c == ':' || c.is_whitespace());
            escaped = c == '\\' && !escaped;
            ends
        })
        .unwrap_or(content.len());
    let rest = content[key_len..].trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
    Spans { key: key_start..key_start + key_len, value: line.end - value.len()..line.end, leaf: true }
}
