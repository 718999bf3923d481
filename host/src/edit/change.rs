//! Brings the text of a configuration file from some values to others.

use std::ops::Range;

use serde_json::{Map, Value};
use toml_edit::{Item, Table};

use super::set::{parsed, set, with_edits};
use super::{EditError, literal};

/// `source`, whose table at `path` says `old`, so that it says `new`.
///
/// What is the same in both keeps its bytes, and all comments stay. What TOML cannot say, such as a number
/// beyond its integers, is left out.
///
/// # Errors
/// [`EditError`]: the text is not TOML, or it is not what `old` says.
pub fn change(
    source: &str,
    path: &[&str],
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Result<String, EditError> {
    let mut text = source.to_owned();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        text = remove(&text, &[path, &[key]].concat())?;
    }
    let mut values = Vec::new();
    let mut tables = Vec::new();
    for (key, value) in new {
        match (old.get(key), value) {
            (Some(same), _) if same == value => {}
            (Some(Value::Object(old)), Value::Object(new)) => tables.push((key, old.clone(), new)),
            (None, Value::Object(new)) if !new.is_empty() => tables.push((key, Map::new(), new)),
            (before, _) => {
                let Some(value) = literal(value) else { continue };
                // A table or a list of tables that is written as sections.
                if before.is_some() && !is_value(&text, &[path, &[key]].concat())? {
                    text = remove(&text, &[path, &[key]].concat())?;
                }
                values.push((key.as_str(), value));
            }
        }
    }
    if !values.is_empty() {
        let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        text = set(&text, path, &values)?;
    }
    for (key, old, new) in tables {
        let inner = [path, &[key]].concat();
        // In braces everything is on a line: written anew as a whole.
        text = if is_value(&text, &inner)? {
            set(&text, path, &[(key, &literal(&Value::Object(new.clone())).unwrap_or_default())])?
        } else {
            change(&text, &inner, &old, new)?
        };
    }
    // A table may have been nothing but the keys that are gone.
    if new.is_empty() && !path.is_empty() { set(&text, path, &[]) } else { Ok(text) }
}

/// Is what stands at `path` a value on a line, and no section or dotted key?
fn is_value(source: &str, path: &[&str]) -> Result<bool, EditError> {
    let document = parsed(source)?;
    let mut item = Some(document.as_item());
    for key in path {
        item = item.and_then(|item| item.get(key));
    }
    Ok(item.is_some_and(|item| item.as_value().is_some_and(|value| value.span().is_some())))
}

/// `source` without what stands at `path`, which is in no braces; its comments stay.
fn remove(source: &str, path: &[&str]) -> Result<String, EditError> {
    let document = parsed(source)?;
    let Some((key, tables)) = path.split_last() else { return Ok(source.to_owned()) };
    let mut table = document.as_table();
    for name in tables {
        let Some(inner) = table.get(name) else { return Ok(source.to_owned()) };
        table = inner.as_table().ok_or_else(|| EditError::WrongType {
            key: (*name).to_owned(),
            expected: "table of its own, not in braces",
            found: inner.type_name(),
        })?;
    }
    let mut lines = Vec::new();
    lines_of(source, table, key, &mut lines);
    Ok(with_edits(source, lines.into_iter().map(|lines| (lines, String::new())).collect()))
}

/// The lines that belong to a key.
fn lines_of(source: &str, table: &Table, key: &str, lines: &mut Vec<Range<usize>>) {
    let section = |table: &Table, lines: &mut Vec<Range<usize>>| {
        if let Some(header) = table.span().filter(|_| !table.is_dotted() && !table.is_implicit()) {
            lines.push(whole_lines(source, header));
        }
        for (key, _) in table {
            lines_of(source, table, key, lines);
        }
    };
    match table.get(key) {
        None | Some(Item::None) => {}
        Some(Item::Table(inner)) => section(inner, lines),
        Some(Item::ArrayOfTables(list)) => list.iter().for_each(|inner| section(inner, lines)),
        Some(Item::Value(value)) => {
            let start = table.key(key).and_then(toml_edit::Key::span).map(|span| span.start);
            if let (Some(start), Some(span)) = (start, value.span()) {
                lines.push(whole_lines(source, start..span.end));
            }
        }
    }
}

fn whole_lines(source: &str, span: Range<usize>) -> Range<usize> {
    let byte_order_mark = source.len() - source.trim_start_matches('\u{feff}').len();
    let start = source[..span.start].rfind('\n').map_or(byte_order_mark, |newline| newline + 1);
    let end = source[span.end..].find('\n').map_or(source.len(), |newline| span.end + newline + 1);
    start..end
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values(text: &str) -> Map<String, Value> {
        let table: toml::Table = text.parse().unwrap();
        match serde_json::to_value(table).unwrap() {
            Value::Object(table) => table,
            other => panic!("{other}"),
        }
    }

    fn changed(text: &str, new: &Value) -> String {
        let new = new.as_object().unwrap();
        let text = change(text, &[], &values(text), new).unwrap();
        assert_eq!(&values(&text), new, "{text}");
        text
    }

    #[test]
    fn what_is_the_same_keeps_its_place_and_its_comments() {
        let text = "\u{feff}# top\r\n[a] # ours\r\nport = 1 # keep\r\nold = [\r\n 1, # one\r\n]\r\n# end\r\n\r\n[a.sub]\r\nx = 1\r\n";
        let new = json!({"a": {"port": 2, "list": ["x"], "sub": {"x": 1, "y": "\"é\""}, "new": {"z": {"deep": true}}}});
        assert_eq!(
            changed(text, &new),
            "\u{feff}# top\r\n[a] # ours\r\nlist = [\"x\"]\r\nport = 2 # keep\r\n# end\r\n\r\n[a.sub]\r\ny = \"\\\"é\\\"\"\r\nx = 1\r\n\r\n[a.new.z]\r\ndeep = true\r\n"
        );
        assert_eq!(changed(text, &Value::Object(values(text))), text);
    }

    #[test]
    fn tables_go_with_their_sections_wherever_these_are() {
        let text = "[p.One]\nx = 1\n# why\n[p.Two.deep]\ny = 1\n[other]\n[p.Two]\nz = { a = 1 }\nz2.b = 1\n[[l]]\na = 1\n[[l]]\n";
        assert_snapshot!(changed(text, &json!({"p": {"One": {"x": 1}}, "other": {}, "l": [{"a": 2}]})), @r"
        l = [{ a = 2 }]
        [p.One]
        x = 1
        # why
        [other]
        ");
    }

    #[test]
    fn dotted_keys_and_braces_stay_what_they_are() {
        let text = "a.b = 1\na.c.d = 2\n[t]\ns.x = 1\nin = { x = 1, deep.y = 2 }\n";
        let new =
            json!({"a": {"b": 1, "c": {"d": 2, "e": {"f": 3}}}, "t": {"s": {"y": 2}, "in": {"x": 1, "new": {"z": 1}}}});
        assert_snapshot!(changed(text, &new), @r"
        a.c.e.f = 3
        a.b = 1
        a.c.d = 2
        [t]
        in = { new = { z = 1 }, x = 1 }

        [t.s]
        y = 2
        ");
    }

    #[test]
    fn a_table_becomes_a_value_and_back() {
        assert_snapshot!(changed("a.b = 1\n", &json!({"a": {}})), @"[a]");
        assert_snapshot!(changed("[a]\nb = 1\n[c]\n", &json!({"a": 1, "c": {}})), @"
        a = 1
        [c]
        ");
        assert_snapshot!(changed("a = 1\n[c]\n", &json!({"a": {"b": {}}, "c": {}})), @"
        a = { b = {} }
        [c]
        ");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-9_i64..9).prop_map(Value::from),
            "[a#\\[\"'\\\\\n é]{0,4}".prop_map(Value::from),
        ];
        scalar.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[ab. ]{1,2}", inner, 0..4)
                    .prop_map(|table| Value::Object(table.into_iter().collect())),
            ]
        })
    }

    fn any_table() -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::btree_map("[abc]{1,2}", any_value(), 0..5).prop_map(|table| table.into_iter().collect())
    }

    proptest! {
        /// Whatever a file says, in sections or on lines, it says the other thing afterwards.
        #[test]
        fn any_values_become_any_others(old in any_table(), new in any_table(), sections: bool) {
            let text = if sections {
                toml::to_string_pretty(&old).unwrap()
            } else {
                old.iter().map(|(key, value)| format!("{key} = {} # c\n", literal(value).unwrap())).collect()
            };
            prop_assert_eq!(&values(&text), &old);
            let text = change(&text, &[], &old, &new).unwrap();
            prop_assert_eq!(values(&text), new);
        }
    }
}
