use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::config::keys;

fn of(schema: &Value) -> String {
    template("About it.", "libmine.so::Mine", &keys(schema))
}

/// The text with every key that is commented out.
fn all_of_it(template: &str) -> String {
    let lines = template.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') && !key.is_empty() => key,
        _ => line,
    });
    lines.fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}

fn parsed(text: &str) -> toml::Table {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn what_is_required_is_there_and_the_rest_is_commented_out() {
    let schema = json!({
        "$defs": {"Server": {
            "type": "object", "required": ["url", "tls"], "description": "A tracker.",
            "properties": {
                "url": {"type": "string", "description": "Where it is."},
                "tls": {"type": "object", "properties": {"verify": {"type": "boolean", "default": true}}},
            }
        }},
        "type": "object",
        "required": ["main", "level", "others"],
        "properties": {
            "level": {"enum": ["low", "high"], "description": "How much.\n\nMore about it."},
            "main": {"$ref": "#/$defs/Server", "description": "The first one."},
            "others": {"type": "array", "items": {"$ref": "#/$defs/Server"}},
            "backup": {"anyOf": [{"$ref": "#/$defs/Server"}, {"type": "null"}]},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}, "default": {"team": "qa"}},
            "names": {"type": "object", "additionalProperties": {"type": "string"}},
            "a \"key\"": {"type": "integer", "minimum": 1, "default": 5},
        }
    });
    insta::assert_snapshot!(of(&schema), @r#"
    # About it.

    [testbench-defect-service]
    client_class = "libmine.so::Mine"

    [testbench-defect-service.client_config]

    # How much.
    # More about it.
    # One of: "low", "high".
    level = "low"

    # Limits: at least 1.
    #'a "key"' = 5

    #labels = { team = "qa" }

    # The first one.
    [testbench-defect-service.client_config.main]

    # Where it is.
    url = "change-me"

    [testbench-defect-service.client_config.main.tls]

    #verify = true

    [[testbench-defect-service.client_config.others]]

    # Where it is.
    url = "change-me"

    [testbench-defect-service.client_config.others.tls]

    #verify = true

    # A tracker.
    #[testbench-defect-service.client_config.backup]

    # Where it is.
    #url = "change-me"

    #[testbench-defect-service.client_config.backup.tls]

    #verify = true

    #[testbench-defect-service.client_config.names]
    #"<name>" = "change-me"
    "#);
    let table = parsed(&of(&schema));
    assert_eq!(table[SECTION]["client_class"].as_str(), Some("libmine.so::Mine"));
    assert_eq!(table[SECTION]["client_config"].as_table().unwrap().len(), 3);
    let whole = parsed(&all_of_it(&of(&schema)));
    assert_eq!(whole[SECTION]["client_config"].as_table().unwrap().len(), 7);
}

#[test]
fn a_placeholder_for_any_name_is_no_other_key() {
    let schema = json!({"properties": {"<name>": {"type": "string"}}, "additionalProperties": {"type": "string"}});
    let table = parsed(&all_of_it(&of(&schema)));
    assert_eq!(table[SECTION]["client_config"].as_table().unwrap().len(), 2);
}

#[test]
fn a_client_without_keys_has_an_empty_table() {
    assert!(parsed(&of(&json!({"type": "null"})))[SECTION]["client_config"].as_table().unwrap().is_empty());
}

/// Anything that a plugin could say, among it all that has a meaning in TOML.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\"",
        "\"\"\"",
        "'",
        "'''",
        "\\",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\u{0}",
        "\u{7f}",
        "\u{1b}[2J",
        "\u{2028}",
        "\u{85}",
        "\u{feff}",
        "\u{202e}",
        "#",
        "# ",
        "]",
        "[",
        "=",
        "{",
        ".",
        "",
        " ",
        "ä",
        "🐞",
        "a",
        "key",
        "<name>",
    ]);
    prop_oneof![prop::collection::vec(odd, 0..8).prop_map(|parts| parts.concat()), any::<String>()]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any_text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A schema of anything, with texts, defaults and limits that need not fit.
fn any_schema() -> impl Strategy<Value = Value> {
    let keyword = prop_oneof![
        any_text().prop_map(|text| ("description", json!(text))),
        any_value().prop_map(|value| ("default", value)),
        any_value().prop_map(|value| ("const", value)),
        prop::collection::vec(any_value(), 0..4).prop_map(|values| ("enum", json!(values))),
        prop::collection::vec(any_value(), 0..3).prop_map(|values| ("examples", json!(values))),
        any_text().prop_map(|text| ("pattern", json!(text))),
        any_text().prop_map(|text| ("format", json!(text))),
        any::<i64>().prop_map(|limit| ("minimum", json!(limit))),
        any::<f64>().prop_map(|limit| ("exclusiveMaximum", json!(limit))),
        any::<u64>().prop_map(|limit| ("minLength", json!(limit))),
        any::<u8>().prop_map(|limit| ("maxLength", json!(limit))),
        any::<u64>().prop_map(|limit| ("minItems", json!(limit))),
    ];
    let kinds = ["string", "integer", "number", "boolean", "array", "object", "null"];
    let kind = prop::collection::vec(prop::sample::select(kinds.to_vec()), 1..3);
    let scalar = (kind, prop::collection::vec(keyword, 0..5)).prop_map(|(kind, keywords)| {
        let mut schema: Map<String, Value> =
            keywords.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        schema.insert("type".to_owned(), json!(kind));
        Value::from(schema)
    });
    let leaf = prop_oneof![4 => scalar, 1 => Just(json!({"$ref": "#"})), 1 => any_value()];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let properties = prop::collection::btree_map(any_text(), inner.clone(), 0..5);
        let parts = (properties, any::<bool>(), any_text(), any_value());
        prop_oneof![
            3 => parts.prop_map(|(properties, required, description, default)| {
                let names: Vec<String> = properties.keys().filter(|_| required).cloned().collect();
                json!({"type": "object", "properties": properties, "required": names,
                    "description": description, "default": default})
            }),
            1 => inner.clone().prop_map(|any| json!({"type": "object", "additionalProperties": any})),
            1 => inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            1 => prop::collection::vec(inner, 1..3).prop_map(|several| json!({"anyOf": several})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_is_toml_with_and_without_its_comments(schema in any_schema(), class in any_text(), about in any_text()) {
        let text = template(&about, &class, &keys(&schema));
        for text in [text.clone(), all_of_it(&text)] {
            let table = text.parse::<toml::Table>();
            prop_assert!(table.is_ok(), "{table:?}\n{text}");
            let table = table.unwrap_or_default();
            prop_assert_eq!(table[SECTION]["client_class"].as_str(), Some(&*class));
        }
    }
}
