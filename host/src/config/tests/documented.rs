//! docs/configuration.md has the service's keys as they are in the types: its tables are written from these.

use std::fmt::Write as _;
use std::path::Path;

use crate::config::{Key, ServiceConfig, Shape, keys};

/// What is before a table, and after it.
fn marks(table: &str) -> [String; 2] {
    [format!("<!-- keys of {table}: from the program, by `cargo xtask reference` -->\n"), "<!-- end -->\n".to_owned()]
}

/// The tables with a list of keys of their own, each with its name.
fn tables(name: &str, keys: &[Key], found: &mut Vec<(String, String)>) {
    let mut text = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    let mut inner = Vec::new();
    for key in keys {
        let Some(key_name) = &key.name else { continue };
        match &key.shape {
            Shape::Table(keys) if keys.iter().any(|key| key.name.is_some()) => {
                tables(&format!("{name}.{key_name}"), keys, &mut inner);
            }
            _ => writeln!(text, "| `{key_name}` | {} | {} | {} |", key.kind, default(key), meaning(key)).unwrap(),
        }
    }
    if text.lines().count() > 2 {
        found.push((name.to_owned(), text));
    }
    found.append(&mut inner);
}

/// A description ends in what holds without the key.
const DEFAULT: &str = "Default: ";

fn described(key: &Key) -> (String, String) {
    let name = key.name.as_deref().unwrap_or_default();
    let text = key.description.as_deref().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    let (meaning, default) =
        text.split_once(DEFAULT).unwrap_or_else(|| panic!("the documentation of `{name}` has no `{DEFAULT}…`"));
    (meaning.trim_end().to_owned(), default.trim_end_matches('.').to_owned())
}

fn default(key: &Key) -> String {
    described(key).1
}

fn meaning(key: &Key) -> String {
    let mut meaning = described(key).0;
    let allowed = key.allowed.iter().map(|(value, description)| {
        let description = description.as_deref().unwrap_or_default().trim_end_matches('.').replace('\n', " ");
        if description.is_empty() { format!("`{value}`") } else { format!("`{value}`: {description}") }
    });
    let allowed: Vec<String> = allowed.collect();
    if !allowed.is_empty() {
        write!(meaning, " One of: {}.", allowed.join("; ")).unwrap();
    }
    // Those of its type alone say nothing to a person.
    let limits: Vec<&str> = key.limits.iter().map(String::as_str).filter(|limit| *limit != "at least 0").collect();
    if !limits.is_empty() {
        write!(meaning, " Limits: {}.", limits.join(", ")).unwrap();
    }
    meaning
}

/// With `DEFECT_HOST_REFERENCE=write`, as `cargo xtask reference` sets it, this writes the tables instead.
#[test]
fn the_documents_tables_are_made_from_the_types() {
    let path = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../docs/configuration.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let mut found = Vec::new();
    let schema = schemars::schema_for!(ServiceConfig).to_value();
    tables("testbench-defect-service", &keys(&schema), &mut found);
    assert!(found.len() >= 4, "{found:?}");
    assert_eq!(document.matches("<!-- keys of ").count(), found.len(), "each table once, and no other");
    let mut renewed = document.clone();
    for (name, table) in found {
        let [begin, end] = marks(&name);
        let (before, rest) = renewed
            .split_once(&begin)
            .unwrap_or_else(|| panic!("docs/configuration.md has no place for the table: {begin}{end}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("`{begin}` is not followed by `{end}`"));
        renewed = format!("{before}{begin}\n{table}\n{end}{after}");
    }
    if std::env::var("DEFECT_HOST_REFERENCE").is_ok_and(|set| set == "write") {
        std::fs::write(path, renewed).unwrap();
    } else {
        assert!(renewed == document, "docs/configuration.md is not as the types are: run `cargo xtask reference`");
    }
}
