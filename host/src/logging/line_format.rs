//! What a line looks like: a text in a format of Python's `logging`, or a JSON object.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde::Serialize;

use super::escape::escape_json;
use super::python_format::{Asctime, FormatError, PythonFormat};
use super::record::{FieldValue, Record};

/// How lines look, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A text, in the notation of Python's `logging`.
    Text(String),
    /// An object for programs that read logs.
    Json,
}

/// How lines look, ready to write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LineFormat {
    Text(PythonFormat),
    Json,
}

impl LineFormat {
    /// The error says which piece of a text's format is wrong.
    pub(super) fn parse(format: &Format, asctime: Asctime) -> Result<Self, FormatError> {
        match format {
            Format::Text(format) => PythonFormat::parse(format, asctime).map(Self::Text),
            Format::Json => Ok(Self::Json),
        }
    }

    /// Appends one line, newline included.
    pub(super) fn write(&self, record: &Record<'_>, colours: bool, line: &mut String) {
        match self {
            Self::Text(format) => format.write(record, colours, line),
            Self::Json => {
                // All of it is text, numbers and flags: it can always be written.
                escape_json(&serde_json::to_string(&object(record)).unwrap_or_default(), line);
                line.push('\n');
            }
        }
    }

    pub(super) fn shows_fields(&self) -> bool {
        *self == Self::Json
    }
}

/// A line as an object. Fields have one of their own, so that no name of a plugin's can pose as another key.
#[derive(Serialize)]
struct Object<'a> {
    time: String,
    level: &'static str,
    name: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<&'static str, &'a FieldValue>,
}

fn object<'a>(record: &'a Record<'_>) -> Object<'a> {
    Object {
        time: record.time.to_rfc3339_opts(SecondsFormat::Micros, false),
        level: record.level.name(),
        name: record.name,
        message: record.message,
        request_id: record.request_id,
        // A map, since an object with a key twice is none to many readers.
        fields: record.fields.iter().map(|(name, value)| (*name, value)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::sample;
    use super::*;
    use chrono::DateTime;
    use serde_json::{Value, json};

    fn line(record: &Record<'_>) -> Value {
        let mut line = String::new();
        LineFormat::Json.write(record, true, &mut line);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "one line");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_line_is_an_object_with_values_of_their_types() {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        let fields = [
            ("status", FieldValue::Natural(200)),
            ("late", FieldValue::Flag(true)),
            ("change", FieldValue::Integer(-1)),
            ("took", FieldValue::Decimal(0.5)),
            ("odd", FieldValue::Decimal(f64::NAN)),
            ("level", text("a\n\"b\"")),
            ("level", text("again")),
        ];
        let record = Record { fields: &fields, request_id: Some("r-1"), message: "a\nb\u{1b}", ..sample() };
        let mut object = line(&record);
        let time = object["time"].take();
        let time = DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
        assert_eq!(time, record.time);
        assert_eq!(
            object,
            json!({
                "time": null, "level": "WARNING", "name": "n", "message": "a\nb\u{1b}", "request_id": "r-1",
                "fields": { "status": 200, "late": true, "change": -1, "took": 0.5, "odd": null, "level": "again" }
            })
        );
    }

    #[test]
    fn nothing_in_it_deceives_a_terminal() {
        let record = Record { message: "a\u{202e}\u{7f}\u{9b}\u{2028}é", ..sample() };
        let mut text = String::new();
        LineFormat::Json.write(&record, false, &mut text);
        assert!(text.contains(r#""a\u202e\u007f\u009b\u2028é""#), "{text}");
        assert_eq!(line(&record)["message"], json!(record.message));
    }

    #[test]
    fn what_an_event_does_not_have_is_absent() {
        let object = line(&sample());
        assert!(object.get("request_id").is_none() && object.get("fields").is_none(), "{object}");
    }
}
