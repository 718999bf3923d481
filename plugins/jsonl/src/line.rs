//! What a line of a `.jsonl` file means, and what an updated line looks like.

mod served;

use std::collections::BTreeMap;

use defect_plugin_api::model::{DefectWithId, Login, Timestamp, UserDefinedField};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use served::id_when_servable;

/// What new ids begin with.
pub(crate) const ID_PREFIX: &str = "BUG-";

/// A line as it is understood.
#[derive(Debug)]
pub(crate) enum Line {
    /// Nothing but white space.
    Blank,
    /// A defect.
    Defect(Box<DefectWithId>),
    /// Anything else, and why it is no defect. The reason holds none of the line's values.
    Broken(String),
}

impl Line {
    /// Reads a line, whatever its bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        if bytes.trim_ascii().is_empty() {
            return Self::Blank;
        }
        match serde_json::from_slice(bytes) {
            Ok(defect) => Self::Defect(defect),
            Err(_) => Self::parse_leniently(bytes),
        }
    }

    /// Finds out what is wrong. Nothing is when a key is there twice: the last one counts.
    fn parse_leniently(bytes: &[u8]) -> Self {
        let value: Value = match serde_json::from_slice(bytes) {
            Ok(value) => value,
            Err(error) => return Self::Broken(format!("it is not JSON (column {})", error.column())),
        };
        match DefectWithId::deserialize(&value) {
            Ok(defect) => Self::Defect(Box::new(defect)),
            Err(_) => Self::Broken(faults(&value)),
        }
    }
}

/// What a key of a defect has to be.
struct Rule {
    key: &'static str,
    required: bool,
    holds: fn(&Value) -> bool,
    expected: &'static str,
}

impl Rule {
    const fn required(key: &'static str, holds: fn(&Value) -> bool, expected: &'static str) -> Self {
        Self { key, required: true, holds, expected }
    }

    const fn optional(key: &'static str, holds: fn(&Value) -> bool, expected: &'static str) -> Self {
        Self { key, required: false, holds, expected }
    }
}

fn reads_as<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

const RULES: [Rule; 11] = [
    Rule::required("id", reads_as::<String>, "a text"),
    Rule::required("status", reads_as::<String>, "a text"),
    Rule::required("classification", reads_as::<String>, "a text"),
    Rule::required("priority", reads_as::<String>, "a text"),
    Rule::required("lastEdited", reads_as::<Timestamp>, "a date-time with an offset"),
    Rule::required("principal", reads_as::<Login>, "an object of the texts `username` and `password`"),
    Rule::optional("title", reads_as::<Option<String>>, "a text"),
    Rule::optional("description", reads_as::<Option<String>>, "a text"),
    Rule::optional("reporter", reads_as::<Option<String>>, "a text"),
    Rule::optional(
        "userDefinedFields",
        reads_as::<Option<Vec<UserDefinedField>>>,
        "a list of objects with `name` and `value`",
    ),
    Rule::optional("references", reads_as::<Option<Vec<String>>>, "a list of texts"),
];

/// Everything that is wrong with a JSON value that is no defect. Our own words and not serde's: those
/// quote the value, which may be a password.
fn faults(value: &Value) -> String {
    let Some(object) = value.as_object() else {
        return "it is not a JSON object".to_owned();
    };
    let faults: Vec<String> = RULES
        .iter()
        .filter_map(|rule| match object.get(rule.key) {
            None if rule.required => Some(format!("`{}` is missing", rule.key)),
            Some(value) if !(rule.holds)(value) => Some(format!("`{}` is not {}", rule.key, rule.expected)),
            _ => None,
        })
        .collect();
    faults.join(", ")
}

/// How a text ends that we shortened or blanked: no line of anybody else's is tidied up.
const PADDING_END: &[u8] = b" \t";
/// What is shorter can only be somebody else's.
const SHORTEST_BLANK: usize = 64;

/// Bytes that we put behind a line's text to fill its place; all of a line that we blanked.
pub(crate) fn padding(text: &[u8]) -> usize {
    let Some(spaces) = text.strip_suffix(b"\t") else { return 0 };
    let kept = spaces.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let padded = text.len() - kept;
    let ours = if kept == 0 { padded >= SHORTEST_BLANK } else { text[kept - 1] == b'}' };
    if ours && padded >= PADDING_END.len() { padded } else { 0 }
}

/// Fills a text up to the length of the place that it goes to.
pub(crate) fn pad(text: &mut Vec<u8>, room: usize) {
    let padded = room.saturating_sub(text.len());
    text.resize(room.max(text.len()), b' ');
    if padded >= PADDING_END.len() {
        text.truncate(room - 1);
        text.push(b'\t');
    }
}

/// The number of an id such as `BUG-12`, or of a bare `12`.
pub(crate) fn id_number(id: &str) -> Option<u64> {
    id.strip_prefix(ID_PREFIX).unwrap_or(id).trim().parse().ok()
}

/// The largest number among the ids of a line. A broken line is searched for them as text: it may be
/// cut off, or two lines in one.
pub(crate) fn largest_id_number(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct IdOnly {
        id: Value,
    }
    match serde_json::from_slice(line) {
        Ok(IdOnly { id: Value::String(id) }) => id_number(&id),
        Ok(IdOnly { id }) => id.as_u64(),
        Err(_) => (0..line.len()).filter_map(|at| id_number_at(&line[at..])).max(),
    }
}

/// The number when the text begins with `"id": "BUG-12"` or `"id": 12`.
fn id_number_at(text: &[u8]) -> Option<u64> {
    let value = text.strip_prefix(br#""id""#)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let end = value.iter().position(|byte| matches!(byte, b'"' | b',' | b'}')).unwrap_or(value.len());
    id_number(std::str::from_utf8(&value[..end]).ok()?)
}

/// The line of a new defect, without its end. The model's password type leaves the password out.
pub(crate) fn new_line(defect: &DefectWithId) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(defect)
}

/// The line that replaces `old`: the new defect, and the keys of the old line that a defect does not
/// have, their values to the byte.
pub(crate) fn updated_line(old: &[u8], defect: &DefectWithId) -> serde_json::Result<Vec<u8>> {
    let mut line = new_line(defect)?;
    let known: BTreeMap<String, &RawValue> = serde_json::from_slice(&line)?;
    let mut kept: BTreeMap<String, &RawValue> = serde_json::from_slice(old)?;
    kept.retain(|key, _| !known.contains_key(key));
    if !kept.is_empty() {
        let kept = serde_json::to_vec(&kept)?;
        // `{…}` and `{…}`, both with at least one member, become `{…,…}`.
        line.pop();
        line.push(b',');
        line.extend_from_slice(&kept[1..]);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"id":"BUG-7","title":null,"status":"Open","classification":"Bug","priority":"High","lastEdited":"2026-01-31T12:00:00Z","principal":{"username":"ann","password":"hunter2"}}"#;

    fn broken(line: &str) -> String {
        match Line::parse(line.as_bytes()) {
            Line::Broken(reason) => reason,
            other => panic!("not broken: {other:?}"),
        }
    }

    fn defect(line: &str) -> DefectWithId {
        match Line::parse(line.as_bytes()) {
            Line::Defect(defect) => *defect,
            other => panic!("no defect: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_blank_a_defect_or_broken() {
        assert!(matches!(Line::parse(b" \t\r"), Line::Blank));
        assert_eq!(defect(GOOD).id, "BUG-7");
        assert_eq!(broken("{\"id\":"), "it is not JSON (column 6)");
        assert_eq!(broken("[1]"), "it is not a JSON object");
        assert!(matches!(Line::parse(b"{\"id\":\"\xff\"}"), Line::Broken(_)));
    }

    #[test]
    fn a_broken_line_names_everything_at_fault_and_no_value() {
        assert_eq!(broken(&GOOD.replace(r#""status":"Open","#, "")), "`status` is missing");
        let line = GOOD.replace("\"Open\"", "5").replace("\"hunter2\"", "4711").replace("12:00:00Z", "12:00:00");
        let reason = broken(&line);
        assert_eq!(
            reason,
            "`status` is not a text, `lastEdited` is not a date-time with an offset, \
             `principal` is not an object of the texts `username` and `password`"
        );
        assert!(!broken("{}").contains("title"), "optional ones may be missing");
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_counts() {
        assert_eq!(defect(&GOOD.replace(r#""title":null"#, r#""status":"Old""#)).defect.status, "Open");
    }

    #[test]
    fn huge_and_deep_lines_are_read_or_broken() {
        let huge = GOOD.replace("null", &format!("\"{}\"", "x".repeat(10_000_000)));
        assert_eq!(defect(&huge).defect.title.unwrap().len(), 255);
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(broken(&deep).starts_with("it is not JSON"));
    }

    #[test]
    fn every_readable_id_counts_also_in_a_broken_line() {
        for (line, number) in [
            (GOOD, Some(7)),
            (r#"{"id":"12"}"#, Some(12)),
            (r#"{"id":13}"#, Some(13)),
            (r#"{"id":"OTHER-5"}"#, None),
            (r#"{"id":"BUG-1"}{"id" : "BUG-15"}"#, Some(15)),
            (r#"{"id":"BUG-9","title":"cut o"#, Some(9)),
            (r#"{"link":{"id":"99"},"id":"BUG-3"}"#, Some(3)),
            (r#"{"id":"BUG-99999999999999999999"}"#, None),
            ("", None),
        ] {
            assert_eq!(largest_id_number(line.as_bytes()), number, "{line}");
        }
    }

    #[test]
    fn an_update_keeps_unknown_keys_to_the_byte_and_drops_the_password() {
        let old = GOOD.replace(r#""title":null"#, r#""zeta":12345678901234567890.10, "a\"b":{ "x" : 1 }"#);
        let mut new = defect(&old);
        new.defect.status = "Closed".to_owned();
        let line = String::from_utf8(updated_line(old.as_bytes(), &new).unwrap()).unwrap();
        assert!(line.contains(r#""zeta":12345678901234567890.10"#) && line.contains(r#""a\"b":{ "x" : 1 }"#), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
        assert_eq!(defect(&line).defect.status, "Closed");
        assert_eq!(line.matches("\"status\"").count(), 1);
    }

    #[test]
    fn padding_is_told_from_the_spaces_of_others() {
        for (text, room) in [("{}", 4), ("{}", 100), ("", 64)] {
            let mut line = text.as_bytes().to_vec();
            pad(&mut line, room);
            assert_eq!((line.len(), padding(&line)), (room, room - text.len()));
            assert!(line.starts_with(text.as_bytes()) && line[text.len()..].trim_ascii().is_empty());
        }
        for foreign in ["{}", "{} ", "{}\t", "x \t", "{}\t ", "", " \t", "      \t"] {
            assert_eq!(padding(foreign.as_bytes()), 0, "{foreign:?}");
        }
        let mut one = b"{}".to_vec();
        pad(&mut one, 3);
        assert_eq!(one, b"{} ", "a single space is not worth a mark");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(bytes: Vec<u8>) {
            Line::parse(&bytes);
            largest_id_number(&bytes);
        }

        #[test]
        fn no_damage_to_a_line_makes_the_parser_fail(at in 0..GOOD.len(), byte: u8, length in 0..GOOD.len()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            bytes.truncate(length);
            Line::parse(&bytes);
            largest_id_number(&bytes);
        }
    }
}
