//! Puts credentials into the text of a configuration file and leaves every other byte as it is.
//!
//! The parsed document only says where to write. Printing it again would not do: `toml_edit` turns CRLF
//! into LF, drops a byte order mark and respaces dotted keys.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, Table, Value};

const SECTION: &str = "testbench-defect-service";

/// Why a text cannot be edited. Positions are given, never the text, which may hold secrets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EditError {
    /// Not TOML. The message is the parser's; it names what it expected and quotes nothing.
    Toml { line: usize, column: usize, message: String },
    /// A key that has to be something else.
    WrongType { key: &'static str, expected: &'static str, found: &'static str },
}

/// `source` with these two keys in its section, which is added when there is none.
pub(super) fn set(source: &str, password_hash: &str, salt: &str) -> Result<String, EditError> {
    let document = Document::parse(source).map_err(|error| toml_error(source, &error))?;
    let newline = if source.contains("\r\n") { "\r\n" } else { "\n" };
    let section = document.get(SECTION);
    let place = match section {
        None => Place::NewSection,
        Some(Item::Table(table)) => Place::of_table(source, table),
        Some(Item::Value(Value::InlineTable(table))) => Place::of_inline_table(table),
        Some(other) => {
            return Err(EditError::WrongType { key: SECTION, expected: "table", found: other.type_name() });
        }
    };

    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut missing = Vec::new();
    for (key, value) in [("password_hash", password_hash), ("salt", salt)] {
        let item = section.and_then(|section| section.get(key));
        match item.map(|item| (item, item.as_value().and_then(Value::span))) {
            None => missing.push(format!("{key} = \"{value}\"")),
            Some((_, Some(span))) => edits.push((span, format!("\"{value}\""))),
            Some((item, None)) => {
                return Err(EditError::WrongType { key, expected: "string", found: item.type_name() });
            }
        }
    }
    if !missing.is_empty() {
        edits.push(place.insertion(source, &missing, newline));
    }

    // From the end to the start, so that no edit moves the place of another one.
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = source.to_owned();
    for (range, replacement) in edits {
        text.replace_range(range, &replacement);
    }
    Ok(text)
}

/// Where keys that the section does not have yet are written.
enum Place {
    /// Below the section's header, whose line ends before this position.
    BelowHeader(usize),
    /// At the top of the file: the section consists of dotted keys (`testbench-defect-service.port = 1`).
    DottedKeys,
    /// In the section's braces, opened before this position.
    Braces { position: usize, empty: bool },
    /// In a section of its own at the end of the file. Also right when only sub-tables exist so far.
    NewSection,
}

impl Place {
    fn of_table(source: &str, table: &Table) -> Self {
        match table.span() {
            _ if table.is_dotted() => Self::DottedKeys,
            Some(header) if !table.is_implicit() => {
                let line_end = source[header.end..].find('\n').map(|at| header.end + at + 1);
                Self::BelowHeader(line_end.unwrap_or(source.len()))
            }
            _ => Self::NewSection,
        }
    }

    fn of_inline_table(table: &InlineTable) -> Self {
        match table.span() {
            Some(braces) => Self::Braces { position: braces.start + 1, empty: table.is_empty() },
            None => Self::DottedKeys,
        }
    }

    fn insertion(&self, source: &str, assignments: &[String], newline: &str) -> (Range<usize>, String) {
        let lines = |prefix: &str| -> String {
            assignments.iter().map(|assignment| format!("{prefix}{assignment}{newline}")).collect()
        };
        let new_line = if source.is_empty() || source.ends_with('\n') { "" } else { newline };
        let (position, text) = match *self {
            Self::BelowHeader(position) if position == source.len() => (position, new_line.to_owned() + &lines("")),
            Self::BelowHeader(position) => (position, lines("")),
            Self::DottedKeys => {
                let byte_order_mark = source.len() - source.trim_start_matches('\u{feff}').len();
                (byte_order_mark, lines(&format!("{SECTION}.")))
            }
            Self::Braces { position, empty } => {
                let comma = if empty { " " } else { "," };
                (position, format!(" {}{comma}", assignments.join(", ")))
            }
            Self::NewSection => {
                let blank = if source.is_empty() { "" } else { newline };
                (source.len(), format!("{new_line}{blank}[{SECTION}]{newline}{}", lines("")))
            }
        };
        (position..position, text)
    }
}

fn toml_error(source: &str, error: &toml_edit::TomlError) -> EditError {
    let start = error.span().map_or(0, |span| span.start);
    let before = source.get(..start).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    EditError::Toml {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn edited(source: &str) -> String {
        set(source, "HASH", "SALT").unwrap()
    }

    #[test]
    fn old_values_are_replaced_where_they_stand() {
        let before = "# top\n\n[ testbench-defect-service ] # ours\nhost = '::1'\n salt='old' # keep\npassword_hash   = \"old\"\n\n[other]\nsalt = 'not this one'\n";
        assert_snapshot!(edited(before), @r#"
        # top

        [ testbench-defect-service ] # ours
        host = '::1'
         salt="SALT" # keep
        password_hash   = "HASH"

        [other]
        salt = 'not this one'
        "#);
    }

    #[test]
    fn missing_keys_go_below_the_header() {
        assert_snapshot!(edited("[testbench-defect-service] # ours\nport = 1\n# tail\n\n[testbench-defect-service.server]\n"), @r#"
        [testbench-defect-service] # ours
        password_hash = "HASH"
        salt = "SALT"
        port = 1
        # tail

        [testbench-defect-service.server]
        "#);
        assert_snapshot!(edited("[testbench-defect-service]"), @r#"
        [testbench-defect-service]
        password_hash = "HASH"
        salt = "SALT"
        "#);
        assert_snapshot!(edited("[testbench-defect-service]\nsalt = 'x'"), @r#"
        [testbench-defect-service]
        password_hash = "HASH"
        salt = "SALT"
        "#);
    }

    #[test]
    fn a_missing_section_goes_to_the_end() {
        assert_snapshot!(edited(""), @r#"
        [testbench-defect-service]
        password_hash = "HASH"
        salt = "SALT"
        "#);
        assert_snapshot!(edited("[other]\nx = 1"), @r#"
        [other]
        x = 1

        [testbench-defect-service]
        password_hash = "HASH"
        salt = "SALT"
        "#);
        assert_snapshot!(edited("[testbench-defect-service.client_config]\nx = 1\n"), @r#"
        [testbench-defect-service.client_config]
        x = 1

        [testbench-defect-service]
        password_hash = "HASH"
        salt = "SALT"
        "#);
    }

    #[test]
    fn dotted_keys_and_inline_tables_stay_what_they_are() {
        assert_snapshot!(edited("testbench-defect-service.port = 1\n[other]\n"), @r#"
        testbench-defect-service.password_hash = "HASH"
        testbench-defect-service.salt = "SALT"
        testbench-defect-service.port = 1
        [other]
        "#);
        assert_snapshot!(edited("testbench-defect-service = { port = 1 }\n"), @r#"testbench-defect-service = { password_hash = "HASH", salt = "SALT", port = 1 }"#);
        assert_snapshot!(edited("testbench-defect-service = {}\n"), @r#"testbench-defect-service = { password_hash = "HASH", salt = "SALT" }"#);
    }

    #[test]
    fn crlf_and_byte_order_mark_stay() {
        assert_eq!(
            edited("\u{feff}# a\r\n[testbench-defect-service]\r\nsalt = '''o\r\nld'''\r\n"),
            "\u{feff}# a\r\n[testbench-defect-service]\r\npassword_hash = \"HASH\"\r\nsalt = \"SALT\"\r\n"
        );
        assert_eq!(
            edited("\u{feff}testbench-defect-service.salt = ''"),
            "\u{feff}testbench-defect-service.password_hash = \"HASH\"\ntestbench-defect-service.salt = \"SALT\""
        );
    }

    #[test]
    fn a_value_that_is_no_string_is_replaced_a_table_is_not() {
        assert_eq!(
            edited("[testbench-defect-service]\nsalt = 1\npassword_hash = []\n"),
            "[testbench-defect-service]\nsalt = \"SALT\"\npassword_hash = \"HASH\"\n"
        );
        assert_eq!(
            set("[testbench-defect-service.salt]\n", "HASH", "SALT"),
            Err(EditError::WrongType { key: "salt", expected: "string", found: "table" })
        );
        assert_eq!(
            set("[[testbench-defect-service]]\n", "HASH", "SALT"),
            Err(EditError::WrongType { key: SECTION, expected: "table", found: "array of tables" })
        );
    }

    #[test]
    fn a_syntax_error_is_located_and_quotes_nothing() {
        for source in [
            "'é' = 1\nsalt = hunter2",
            "'é' = 1\nsalt = \"hunter2",
            "'é' = 1\nsalt = 12hunter2",
            "'é' = 1\nsalt: hunter2",
            "'é' = 1\nhunter2 = 1\nhunter2 = 2",
            "'é' = 1\nsalt = \"hunter2\\q\"",
        ] {
            let Err(EditError::Toml { line, column, message }) = set(source, "HASH", "SALT") else {
                panic!("{source:?} is TOML");
            };
            assert!(line >= 2 && column >= 1 && !message.is_empty(), "{line}:{column} {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        let error = set("'é' = 1\n'é' = \"\\q\"", "HASH", "SALT").unwrap_err();
        assert!(matches!(error, EditError::Toml { line: 2, column: 9, .. }), "{error:?}");
    }

    proptest! {
        /// Files put together from parts in any order, with any newline, are TOML afterwards, hold the two
        /// values, and lose no line but those of the old values.
        #[test]
        fn everything_else_survives(
            root in prop::sample::subsequence(vec!["# note", "", "other = 1", "  x.y = '#'"], 0..=4),
            ours in prop::sample::subsequence(
                vec!["[testbench-defect-service]", "password_hash = 'old' # why", "salt = \"old\"", "port = 1", "# é"], 0..=5,
            ).prop_filter("keys need their header", |lines| lines.is_empty() || lines[0].starts_with('[')),
            sub in prop::sample::subsequence(vec!["[testbench-defect-service.server]", "# end", ""], 0..=3),
            ours_first: bool, crlf: bool, end: bool, mark: bool,
        ) {
            let newline = if crlf { "\r\n" } else { "\n" };
            let tables = if ours_first { [ours, sub].concat() } else { [sub, ours].concat() };
            let lines = [root, tables].concat();
            let mut source = if mark { "\u{feff}".to_owned() } else { String::new() };
            source += &lines.join(newline);
            if end { source += newline; }

            let text = edited(&source);
            let document: toml_edit::DocumentMut = text.parse().unwrap();
            prop_assert_eq!(document[SECTION]["password_hash"].as_str(), Some("HASH"));
            prop_assert_eq!(document[SECTION]["salt"].as_str(), Some("SALT"));
            let mut rest = text.as_str();
            for line in lines {
                let line = line.replace("'old'", "\"HASH\"").replace("\"old\"", "\"SALT\"");
                let at = rest.find(&line);
                prop_assert!(at.is_some(), "{:?} is gone from {:?}", line, text);
                rest = &rest[at.unwrap() + line.len()..];
            }
            prop_assert_eq!(text.contains("\r\n"), source.contains("\r\n"));
            prop_assert_eq!(edited(&text), text.clone(), "a second time changes nothing");
        }
    }
}
