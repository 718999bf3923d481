//! Puts keys into the text of a configuration file and leaves every other byte as it is.
//!
//! The parsed document only says where to write. Printing it again would not do: `toml_edit` turns CRLF
//! into LF, drops a byte order mark and respaces dotted keys.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, Table, Value};
use toml_writer::ToTomlKey;

use super::EditError;

/// `source` with these keys in the table `path`, which is added when there is none.
///
/// A key is a name and its value as TOML writes it, on one line. One that is there keeps its place and its
/// comment, the others are written where the table begins. Without entries only the table is made.
///
/// # Errors
/// [`EditError`]: a part of `path` is no table, or one of the keys is one.
pub fn set(source: &str, path: &[&str], entries: &[(&str, &str)]) -> Result<String, EditError> {
    let document = parsed(source)?;
    let newline = if source.contains("\r\n") { "\r\n" } else { "\n" };
    let (table, place) = find(source, &document, path)?;

    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut missing = Vec::new();
    for (key, value) in entries {
        let found = match &table {
            Found::Nothing => None,
            Found::Table(table) => table.get(key).map(|item| (item.type_name(), item.as_value().and_then(Value::span))),
            Found::Inline(table) => table.get(key).map(|value| (value.type_name(), value.span())),
        };
        match found {
            None => missing.push(format!("{} = {value}", dotted(&[place.prefix.as_slice(), &[*key]].concat()))),
            Some((_, Some(span))) => edits.push((span, (*value).to_owned())),
            Some((found, None)) => {
                return Err(EditError::WrongType { key: (*key).to_owned(), expected: "value", found });
            }
        }
    }
    let is_there = !matches!(table, Found::Nothing);
    if !missing.is_empty() || !is_there {
        edits.push(place.insertion(source, path, &missing, newline));
    }
    Ok(with_edits(source, edits))
}

/// The text with each of the ranges, which do not overlap, replaced.
pub(super) fn with_edits(source: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    // From the end to the start, so that no edit moves the place of another one.
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = source.to_owned();
    for (range, replacement) in edits {
        text.replace_range(range, &replacement);
    }
    text
}

/// The table that is asked for, if it is there.
enum Found<'a> {
    Table(&'a Table),
    Inline(&'a InlineTable),
    Nothing,
}

/// Where keys that a table does not have yet are written.
struct Place<'a> {
    anchor: Anchor,
    /// The way from the anchor to the table, as dotted keys.
    prefix: Vec<&'a str>,
}

/// What the new keys are written into.
#[derive(Clone, Copy)]
enum Anchor {
    /// The lines below a table's header, which ends before this position; for keys outside of all tables the
    /// beginning of the text.
    Lines(usize),
    /// A table in braces, opened before this position.
    Braces { position: usize, empty: bool },
    /// A section of its own at the end of the text. Also right when only its sub-tables exist so far.
    NewSection,
}

fn find<'a>(source: &str, document: &'a Document<&str>, path: &[&'a str]) -> Result<(Found<'a>, Place<'a>), EditError> {
    let byte_order_mark = source.len() - source.trim_start_matches('\u{feff}').len();
    let mut table = document.as_table();
    let mut place = Place { anchor: Anchor::Lines(byte_order_mark), prefix: Vec::new() };
    for (depth, segment) in path.iter().enumerate() {
        match table.get(segment) {
            None if table.is_dotted() => {
                place.prefix.extend(&path[depth..]);
                return Ok((Found::Nothing, place));
            }
            None => return Ok((Found::Nothing, Place { anchor: Anchor::NewSection, prefix: Vec::new() })),
            Some(Item::Table(inner)) => {
                place.prefix.push(segment);
                match inner.span() {
                    _ if inner.is_dotted() => {}
                    Some(header) if !inner.is_implicit() => {
                        let line_end = source[header.end..].find('\n').map(|at| header.end + at + 1);
                        place = Place { anchor: Anchor::Lines(line_end.unwrap_or(source.len())), prefix: Vec::new() };
                    }
                    _ => place = Place { anchor: Anchor::NewSection, prefix: Vec::new() },
                }
                table = inner;
            }
            Some(Item::Value(Value::InlineTable(inner))) => {
                place.prefix.push(segment);
                return find_in_braces(inner, &path[depth + 1..], place);
            }
            Some(other) => return Err(no_table(segment, other.type_name())),
        }
    }
    Ok((Found::Table(table), place))
}

fn find_in_braces<'a>(
    mut table: &'a InlineTable,
    path: &[&'a str],
    mut place: Place<'a>,
) -> Result<(Found<'a>, Place<'a>), EditError> {
    for depth in 0..=path.len() {
        if let Some(braces) = table.span().filter(|_| !table.is_dotted()) {
            let anchor = Anchor::Braces { position: braces.start + 1, empty: table.is_empty() };
            place = Place { anchor, prefix: Vec::new() };
        }
        let Some(segment) = path.get(depth) else { break };
        match table.get(segment) {
            None => {
                place.prefix.extend(&path[depth..]);
                return Ok((Found::Nothing, place));
            }
            Some(Value::InlineTable(inner)) => {
                place.prefix.push(segment);
                table = inner;
            }
            Some(other) => return Err(no_table(segment, other.type_name())),
        }
    }
    Ok((Found::Inline(table), place))
}

fn no_table(key: &str, found: &'static str) -> EditError {
    EditError::WrongType { key: key.to_owned(), expected: "table", found }
}

impl Place<'_> {
    fn insertion(&self, source: &str, path: &[&str], assignments: &[String], newline: &str) -> (Range<usize>, String) {
        // A table without keys that is no section.
        let nothing = [format!("{} = {{}}", dotted(&self.prefix))];
        let assignments = match self.anchor {
            Anchor::Lines(_) | Anchor::Braces { .. } if assignments.is_empty() => &nothing,
            _ => assignments,
        };
        let lines: String = assignments.iter().map(|assignment| format!("{assignment}{newline}")).collect();
        let new_line = if source.is_empty() || source.ends_with('\n') { "" } else { newline };
        let (position, text) = match self.anchor {
            Anchor::Lines(position) if position == source.len() && position > 0 => {
                (position, new_line.to_owned() + &lines)
            }
            Anchor::Lines(position) => (position, lines),
            Anchor::Braces { position, empty } => {
                let comma = if empty { " " } else { "," };
                (position, format!(" {}{comma}", assignments.join(", ")))
            }
            Anchor::NewSection => {
                let blank = if source.is_empty() { "" } else { newline };
                (source.len(), format!("{new_line}{blank}[{}]{newline}{lines}", dotted(path)))
            }
        };
        (position..position, text)
    }
}

fn dotted(path: &[&str]) -> String {
    let keys: Vec<String> = path.iter().map(|key| key.to_toml_key()).collect();
    keys.join(".")
}

/// The document, with the places of all that is in it.
pub(super) fn parsed(source: &str) -> Result<Document<&str>, EditError> {
    Document::parse(source).map_err(|error| toml_error(source, &error))
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

    const SECTION: &str = "testbench-defect-service";

    fn set_credentials(source: &str) -> Result<String, EditError> {
        set(source, &[SECTION], &[("password_hash", "\"HASH\""), ("salt", "\"SALT\"")])
    }

    fn edited(source: &str) -> String {
        set_credentials(source).unwrap()
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
            set_credentials("[testbench-defect-service.salt]\n"),
            Err(EditError::WrongType { key: "salt".to_owned(), expected: "value", found: "table" })
        );
        assert_eq!(
            set_credentials("[[testbench-defect-service]]\n"),
            Err(EditError::WrongType { key: SECTION.to_owned(), expected: "table", found: "array of tables" })
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
            let Err(EditError::Toml { line, column, message }) = set_credentials(source) else {
                panic!("{source:?} is TOML");
            };
            assert!(line >= 2 && column >= 1 && !message.is_empty(), "{line}:{column} {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        let error = set_credentials("'é' = 1\n'é' = \"\\q\"").unwrap_err();
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
