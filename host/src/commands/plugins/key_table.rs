//! The keys of a configuration as a table for a terminal.

use serde_json::Value;

use super::super::prose::{shown, wrapped, wrapped_line};
use crate::config::{Key, KeyPath, Shape};
use crate::edit::literal;

const HEADER: [&str; 4] = ["key", "type", "required", "default"];
/// Between two columns.
const GAP: usize = 2;
/// The column of defaults is at least so wide; that of types at most, in a terminal of 100 columns or
/// more, and else less.
const MIN_DEFAULT: usize = 14;
const MAX_TYPE: usize = 26;
const MAX_TYPE_NARROW: usize = 18;
/// What belongs to a key stands under it, indented.
const INDENT: &str = "    ";

/// A line for each key, its description under it; `width` columns wide.
pub(super) fn key_table(keys: &[Key], width: usize) -> String {
    let mut rows = Vec::new();
    flatten(keys, "", &mut rows);
    if rows.is_empty() {
        return "it has no keys".to_owned();
    }
    let paths = rows.iter().map(|row| row.path.chars().count()).filter(|length| *length <= width * 2 / 5);
    let path = paths.max().unwrap_or(0).max(HEADER[0].len());
    let limit = if width < 100 { MAX_TYPE_NARROW } else { MAX_TYPE };
    let kinds = rows.iter().flat_map(|row| lines_of(&row.key.kind, limit));
    let kind = kinds.map(|line| line.chars().count()).max().unwrap_or(0).max(HEADER[1].len());
    let columns = [path, kind, HEADER[2].len()];
    let default = width.saturating_sub(columns.iter().map(|column| column + GAP).sum()).max(MIN_DEFAULT);

    let mut lines = cells(HEADER, columns, default);
    for row in &rows {
        let key = row.key;
        let shown_default = key.default.as_ref().map(in_toml).unwrap_or_default();
        let required = if key.required { "yes" } else { "no" };
        lines.extend(cells([&row.path, &key.kind, required, &shown_default], columns, default));
        lines.extend(about(key, width));
    }
    lines.join("\n")
}

/// One key, its path as the table shows it.
struct Row<'a> {
    path: String,
    key: &'a Key,
}

/// Dictionaries and lists have no lines for their entries, only for the keys of these.
fn flatten<'a>(keys: &'a [Key], above: &str, rows: &mut Vec<Row<'a>>) {
    for key in keys {
        let path = match &key.name {
            None => format!("{above}<name>"),
            Some(name) => format!("{above}{}", shown(&KeyPath::from_iter([name]).to_string())),
        };
        if key.name.is_some() {
            rows.push(Row { path: path.clone(), key });
        }
        inside(key, &path, rows);
    }
}

fn inside<'a>(key: &'a Key, path: &str, rows: &mut Vec<Row<'a>>) {
    match &key.shape {
        Shape::Value | Shape::More => {}
        Shape::List(entry) => inside(entry, &format!("{path}[]"), rows),
        Shape::Table(keys) => flatten(keys, &format!("{path}."), rows),
    }
}

/// The lines of one row. A path that is too long for its column has a line for itself.
fn cells(texts: [&str; 4], columns: [usize; 3], last: usize) -> Vec<String> {
    let [path, kind, required, default] = texts;
    let [path_width, kind_width, required_width] = columns;
    let (kinds, defaults) = (lines_of(kind, kind_width), lines_of(default, last));
    let alone = path.chars().count() > path_width;
    let mut lines: Vec<String> = alone.then(|| path.to_owned()).into_iter().collect();
    for index in 0..kinds.len().max(defaults.len()).max(1) {
        let first = index == 0;
        let path = if first && !alone { path } else { "" };
        let required = if first { required } else { "" };
        let (kind, default) =
            (kinds.get(index).map_or("", String::as_str), defaults.get(index).map_or("", String::as_str));
        let gap = " ".repeat(GAP);
        let line = format!("{path:path_width$}{gap}{kind:kind_width$}{gap}{required:required_width$}{gap}{default}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn lines_of(text: &str, width: usize) -> Vec<String> {
    textwrap::wrap(text, width).into_iter().map(|line| line.into_owned()).collect()
}

/// A value as it would be written in the configuration.
fn in_toml(value: &Value) -> String {
    shown(&literal(value).unwrap_or_else(|| value.to_string()))
}

/// What stands under a key: its description, the values that it may have, its limits.
fn about(key: &Key, width: usize) -> Vec<String> {
    let mut lines = wrapped(key.description.as_deref().unwrap_or_default(), INDENT, width);
    lines.extend(constraints(key).iter().flat_map(|text| wrapped_line(text, INDENT, INDENT, width)));
    lines
}

/// What else is to be known of a key, in sentences.
pub(super) fn constraints(key: &Key) -> Vec<String> {
    let mut sentences = Vec::new();
    if key.allowed.iter().any(|(_, description)| description.is_some()) {
        sentences.push("One of:".to_owned());
        sentences.extend(key.allowed.iter().map(|(value, description)| match description {
            Some(description) => format!("- {}: {}", in_toml(value), description.replace('\n', " ")),
            None => format!("- {}", in_toml(value)),
        }));
    } else if !key.allowed.is_empty() {
        let values: Vec<String> = key.allowed.iter().map(|(value, _)| in_toml(value)).collect();
        sentences.push(format!("One of: {}.", values.join(", ")));
    }
    if !key.limits.is_empty() {
        sentences.push(format!("Limits: {}.", key.limits.join(", ")));
    }
    if key.is_cut() {
        sentences.push("Its keys are left out here: `defect-host plugins schema` has them.".to_owned());
    }
    sentences
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::keys;

    fn schema() -> Value {
        json!({
            "required": ["servers", "mode"],
            "properties": {
                "servers": {
                    "type": "array",
                    "description": "The trackers, in the order in which they are asked: the first that answers wins, \
                        the others are only asked when it does not.",
                    "items": {"type": "object", "required": ["url"], "properties": {
                        "url": {"type": "string", "format": "uri", "description": "Where it is."},
                        "time-outs in s": {"type": "array", "items": {"type": "integer"}, "default": [1, 2, 3]},
                    }},
                },
                "mode": {"oneOf": [
                    {"const": "read", "description": "Only look."},
                    {"const": "write", "description": "Change things."},
                ]},
                "level": {"enum": ["low", "high"], "default": "low"},
                "projects": {"additionalProperties": {"type": "object", "properties": {
                    "a_rather_long_name_of_a_key_in_a_table": {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": {"type": "string"}},
                        "default": {"status": ["open", "in progress", "closed"]},
                        "description": "Lists.\n\n- one\n- another",
                    },
                }}},
                "self": {"$ref": "#"},
                "evil": {"type": "string", "default": "\u{1b}[2J", "description": "\u{1b}[31mred"},
            },
        })
    }

    #[test]
    fn it_fits_into_a_terminal_of_80_columns() {
        let table = key_table(&keys(&schema()), 80);
        insta::assert_snapshot!(table, @r#"
        key                         type               required  default
        mode                        string             yes
            One of:
            - "read": Only look.
            - "write": Change things.
        servers                     list of tables     yes
            The trackers, in the order in which they are asked: the first that answers
            wins, the others are only asked when it does not.
        servers[].url               string             yes
            Where it is.
            Limits: a uri.
        servers[]."time-outs in s"  list of integers   no        [1, 2, 3]
        evil                        string             no        "\u001B[2J"
            \u{1b}[31mred
        level                       string             no        "low"
            One of: "low", "high".
        projects                    table of tables    no
        projects.<name>.a_rather_long_name_of_a_key_in_a_table
                                    table of lists of  no        { status = ["open", "in
                                    strings                      progress", "closed"] }
            Lists.
            - one
            - another
        self                        table              no
            Its keys are left out here: `defect-host plugins schema` has them.
        "#);
        assert!(table.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn it_uses_the_width_of_a_terminal_of_120_columns() {
        let table = key_table(&keys(&schema()), 120);
        insta::assert_snapshot!(table, @r#"
        key                         type                       required  default
        mode                        string                     yes
            One of:
            - "read": Only look.
            - "write": Change things.
        servers                     list of tables             yes
            The trackers, in the order in which they are asked: the first that answers wins, the others are
            only asked when it does not.
        servers[].url               string                     yes
            Where it is.
            Limits: a uri.
        servers[]."time-outs in s"  list of integers           no        [1, 2, 3]
        evil                        string                     no        "\u001B[2J"
            \u{1b}[31mred
        level                       string                     no        "low"
            One of: "low", "high".
        projects                    table of tables            no
        projects.<name>.a_rather_long_name_of_a_key_in_a_table
                                    table of lists of strings  no        { status = ["open", "in progress", "closed"] }
            Lists.
            - one
            - another
        self                        table                      no
            Its keys are left out here: `defect-host plugins schema` has them.
        "#);
        assert!(table.lines().all(|line| line.chars().count() <= 120));
    }

    #[test]
    fn no_keys_are_said_in_words() {
        assert_eq!(key_table(&[], 80), "it has no keys");
    }
}
