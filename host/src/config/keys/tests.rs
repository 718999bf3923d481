use schemars::JsonSchema;
use serde_json::json;

use super::*;

/// One line a key: its path, kind, and what is known of it.
fn listed(schema: &Value) -> String {
    fn list(keys: &[Key], above: &str, lines: &mut Vec<String>) {
        for key in keys {
            let path = format!("{above}{}", key.name.as_deref().unwrap_or("*"));
            let mut line = format!("{path}: {}", key.kind);
            if key.required {
                line.push_str(", required");
            }
            if let Some(default) = &key.default {
                line.push_str(&format!(", default {default}"));
            }
            if !key.allowed.is_empty() {
                let values: Vec<_> = key.allowed.iter().map(|(value, _)| value.to_string()).collect();
                line.push_str(&format!(", one of {}", values.join(" ")));
            }
            if !key.limits.is_empty() {
                line.push_str(&format!(", {}", key.limits.join(", ")));
            }
            line.push_str(&format!(", such as {}", key.placeholder));
            if key.shape == Shape::More {
                line.push_str(", and more");
            }
            lines.push(line);
            match &key.shape {
                Shape::Table(keys) => list(keys, &format!("{path}."), lines),
                Shape::List(entry) => list(std::slice::from_ref(&**entry), &format!("{path}."), lines),
                Shape::Value | Shape::More => {}
            }
        }
    }
    let mut lines = Vec::new();
    list(&keys(schema), "", &mut lines);
    lines.join("\n")
}

fn of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).into()
}

mod types {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    #[derive(JsonSchema, Deserialize, Serialize)]
    pub(super) struct Plain {
        /// Where the tracker is.
        url: String,
        #[serde(default)]
        retries: u8,
        ratio: Option<f64>,
        #[serde(default = "names")]
        names: Vec<String>,
        labels: BTreeMap<String, Vec<i64>>,
        pair: Option<(String, bool)>,
        free: Option<serde_json::Value>,
    }

    fn names() -> Vec<String> {
        vec!["a".to_owned()]
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    #[serde(rename_all = "lowercase")]
    pub(super) enum Level {
        Low,
        High,
    }

    /// How to log in.
    #[derive(JsonSchema, Deserialize, Serialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    pub(super) enum Login {
        Basic { user: String, password: String },
        Token { user: String, header: Option<String> },
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    #[serde(rename_all = "lowercase")]
    pub(super) enum When {
        /// At once.
        Now,
        /// After some seconds.
        After(u32),
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    #[serde(rename_all = "lowercase")]
    pub(super) enum Mode {
        /// Only look.
        Read,
        /// Change things.
        Write,
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    pub(super) struct Choices {
        level: Level,
        levels: Vec<Level>,
        login: Login,
        when: Option<When>,
        mode: Option<Mode>,
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    pub(super) struct Node {
        name: String,
        children: Vec<Node>,
        parent: Option<Box<Node>>,
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    pub(super) struct Forest {
        trees: Vec<Node>,
        first: Option<Node>,
    }

    #[derive(JsonSchema, Deserialize, Serialize, Default)]
    #[serde(default)]
    pub(super) struct Limits {
        rate: u32,
        burst: Option<u32>,
    }

    #[derive(JsonSchema, Deserialize, Serialize)]
    pub(super) struct Defaults {
        #[serde(default = "limits")]
        limits: Limits,
        #[serde(default = "labels")]
        labels: BTreeMap<String, String>,
        #[serde(default = "secret")]
        api_token: String,
    }

    fn limits() -> Limits {
        Limits { rate: 7, burst: None }
    }

    fn labels() -> BTreeMap<String, String> {
        BTreeMap::from([("team".to_owned(), "qa".to_owned())])
    }

    fn secret() -> String {
        "hunter2".to_owned()
    }
}

#[test]
fn every_kind_of_value_has_its_words_and_a_placeholder() {
    insta::assert_snapshot!(listed(&of::<types::Plain>()), @r#"
    labels: table of lists of integers, required, such as {}
    labels.*: list of integers, such as [0]
    labels.*.*: integer, such as 0
    url: string, required, such as "change-me"
    free: any value, such as "change-me"
    names: list of strings, default ["a"], such as ["change-me"]
    names.*: string, such as "change-me"
    pair: list, at least 2 entries, at most 2 entries, such as ["change-me","change-me"]
    ratio: number, such as 0
    retries: integer, default 0, at least 0, at most 255, such as 0
    "#);
}

#[test]
fn enumerations_and_alternatives_are_told_with_their_values() {
    insta::assert_snapshot!(listed(&of::<types::Choices>()), @r#"
    level: string, required, one of "low" "high", such as "low"
    levels: list of strings, required, one of "low" "high", such as ["low"]
    levels.*: string, one of "low" "high", such as "low"
    login: table, required, such as {"kind":"basic","user":"change-me"}
    login.kind: string, required, one of "basic" "token", such as "basic"
    login.user: string, required, such as "change-me"
    login.header: string, such as "change-me"
    login.password: string (secret), such as "change-me"
    mode: string, one of "read" "write", such as "read"
    when: string or table, one of "now", such as "now"
    when.after: integer, at least 0, such as 0
    "#);
    let keys = keys(&of::<types::Choices>());
    let mode = keys.iter().find(|key| key.name.as_deref() == Some("mode")).unwrap();
    assert_eq!(mode.allowed[1], (json!("write"), Some("Change things.".to_owned())));
    assert_eq!(mode.description, None, "a value's description is not the key's");
}

#[test]
fn a_table_that_contains_itself_is_shown_once() {
    insta::assert_snapshot!(listed(&of::<types::Node>()), @r#"
    children: list of tables, required, such as []
    children.*: table, such as {}, and more
    name: string, required, such as "change-me"
    parent: table, such as {}, and more
    "#);
    insta::assert_snapshot!(listed(&of::<types::Forest>()), @r#"
    trees: list of tables, required, such as [{"children":[],"name":"change-me"}]
    trees.*: table, such as {"children":[],"name":"change-me"}
    trees.*.children: list of tables, required, such as []
    trees.*.children.*: table, such as {}, and more
    trees.*.name: string, required, such as "change-me"
    trees.*.parent: table, such as {}, and more
    first: table, such as {"children":[],"name":"change-me"}
    first.children: list of tables, required, such as []
    first.children.*: table, such as {}, and more
    first.name: string, required, such as "change-me"
    first.parent: table, such as {}, and more
    "#);
    assert_eq!(listed(&json!({"properties": {"a": {"$ref": "#"}}})), "a: table, such as {}, and more");
    assert_eq!(listed(&json!({"$ref": "#"})), "");
}

#[test]
fn the_default_of_a_table_is_that_of_its_keys_and_a_secret_has_none() {
    insta::assert_snapshot!(listed(&of::<types::Defaults>()), @r#"
    api_token: string (secret), such as "change-me"
    labels: table of strings, default {"team":"qa"}, such as {}
    labels.*: string, such as "change-me"
    limits: table, such as {}
    limits.burst: integer, at least 0, such as 0
    limits.rate: integer, default 7, at least 0, such as 0
    "#);
}

#[test]
fn limits_are_told_and_the_placeholder_keeps_them() {
    let schema = json!({"properties": {
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        "below": {"type": "integer", "exclusiveMaximum": -2},
        "code": {"type": "string", "minLength": 12, "maxLength": 20, "pattern": "^[a-z-]+$"},
        "short": {"type": "string", "maxLength": 3},
        "hosts": {"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 2, "maxItems": 9},
        "empty": {"type": "array", "maxItems": 0},
        "since": {"type": "string", "format": "date-time"},
        "either": {"type": ["integer", "string", "null"]},
        "example": {"type": "string", "examples": ["like this"]},
        "pin": {"type": "string", "format": "password", "examples": ["1234"]},
    }});
    insta::assert_snapshot!(listed(&schema), @r#"
    below: integer, less than -2, such as -3
    code: string, at least 12 characters, at most 20 characters, matches `^[a-z-]+$`, such as "change-mecha"
    either: integer or string, such as 0
    empty: list, at most 0 entries, such as []
    example: string, such as "like this"
    hosts: list of strings, at least 2 entries, at most 9 entries, such as ["https://example.org/","https://example.org/"]
    hosts.*: string, a uri, such as "https://example.org/"
    pin: string (secret), such as "change-me"
    port: integer, at least 1, at most 65535, such as 1
    share: number, more than 0, at most 0.5, such as 0.5
    short: string, at most 3 characters, such as "cha"
    since: string, a date-time, such as "2026-01-31T12:00:00Z"
    "#);
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let placeholders = keys(&schema).into_iter().map(|key| (key.name.unwrap(), key.placeholder));
    let errors: Vec<String> = validator.iter_errors(&placeholders.collect()).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn definitions_that_multiply_are_cut_off() {
    // Each level has the next one twice: two to the power of forty keys.
    let mut definitions: Map<String, Value> = (0..40)
        .map(|level| {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            (level.to_string(), json!({"type": "object", "properties": {"a": next, "b": next}}))
        })
        .collect();
    definitions.insert("40".to_owned(), json!({"type": "string"}));
    let count = listed(&json!({"$defs": definitions, "$ref": "#/$defs/0"})).lines().count();
    assert_eq!(count, MAX_KEYS);
    let required = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}], "properties": {"a": {}}});
    assert_eq!(listed(&required), "a: any value, such as \"change-me\"");
}

#[test]
fn what_is_no_schema_of_a_table_has_no_keys() {
    for schema in [json!(null), json!(true), json!({}), json!([1]), json!({"type": "string"}), json!({"$ref": 5})] {
        assert_eq!(keys(&schema), [], "{schema}");
    }
}
