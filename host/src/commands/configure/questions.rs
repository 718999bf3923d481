//! From the keys of a configuration to questions: which are asked, in which order, and what an answer means.

use serde_json::{Map, Value};

use super::super::prose::shown;
use crate::config::{Key, KeyPath, Shape, typed_value};
use crate::edit::literal;

/// How a key is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Form<'a> {
    /// One of these values.
    Choice(&'a [(Value, Option<String>)]),
    /// Yes or no.
    Flag,
    /// A line with a single value.
    Line,
    /// A line with values between commas.
    Commas,
    /// A line of TOML.
    Toml,
    /// Its keys, one by one.
    Table(&'a [Key]),
    /// Any number of entries like this one, each with a name.
    Dictionary(&'a Key),
    /// Any number of entries like this one.
    List(&'a Key),
}

pub(super) fn form(key: &Key) -> Form<'_> {
    match &key.shape {
        Shape::Value if !key.allowed.is_empty() && !key.secret => Form::Choice(&key.allowed),
        Shape::Value if key.kind == "boolean" => Form::Flag,
        Shape::Value if key.placeholder.is_array() || key.placeholder.is_object() => Form::Toml,
        Shape::Value => Form::Line,
        Shape::More => Form::Toml,
        Shape::List(entry) => match entry.shape {
            Shape::Value => Form::Commas,
            Shape::Table(_) => Form::List(entry),
            _ => Form::Toml,
        },
        Shape::Table(keys) => match keys.as_slice() {
            [any] if any.name.is_none() => Form::Dictionary(any),
            keys => Form::Table(keys),
        },
    }
}

/// The key that is asked for next, of those that are asked for at once: what is required, and what the schema
/// marks with `ask`. `asked` says which were.
pub(super) fn next<'a>(keys: &'a [Key], values: &Map<String, Value>, asked: &[String]) -> Option<&'a Key> {
    let candidates = named(keys).filter(|key| key.required || key.hints.ask.is_some());
    let open = candidates.filter(|key| !asked.iter().any(|name| key.name.as_ref() == Some(name)));
    open.filter(|key| applies(key, keys, values)).min_by_key(|key| key.hints.ask.unwrap_or(0))
}

/// The keys that are only offered.
pub(super) fn offered<'a>(keys: &'a [Key], values: &Map<String, Value>) -> Vec<&'a Key> {
    named(keys).filter(|key| applies(key, keys, values)).collect()
}

fn named(keys: &[Key]) -> impl Iterator<Item = &Key> {
    keys.iter().filter(|key| key.name.is_some())
}

/// Do the other keys have the values that this one depends on?
fn applies(key: &Key, keys: &[Key], values: &Map<String, Value>) -> bool {
    key.hints.depends_on.iter().all(|(name, wanted)| {
        let default = || keys.iter().find(|key| key.name.as_deref() == Some(name))?.default.as_ref();
        values.get(name).or_else(default).is_some_and(|value| wanted.contains(value))
    })
}

/// The key at a path.
pub(super) fn find<'a>(keys: &'a [Key], path: &[String]) -> Option<&'a Key> {
    let (first, rest) = path.split_first()?;
    let by_name = keys.iter().find(|key| key.name.as_ref() == Some(first));
    let mut key = by_name.or_else(|| keys.iter().find(|key| key.name.is_none()))?;
    let mut rest = rest;
    while let (Shape::List(entry), Some((_, inner))) = (&key.shape, rest.split_first()) {
        (key, rest) = (entry, inner);
    }
    match &key.shape {
        _ if rest.is_empty() => Some(key),
        Shape::Table(keys) => find(keys, rest),
        _ => None,
    }
}

/// What a typed text means as the value of a key.
pub(super) fn meaning(schema: &Value, path: &KeyPath, key: &Key, text: &str) -> Value {
    if let Form::Choice(choices) = form(key) {
        let is_it = |value: &&(Value, Option<String>)| plain(&value.0) == text;
        let by_number = || choices.get(text.parse::<usize>().ok()?.checked_sub(1)?);
        if let Some((value, _)) = choices.iter().find(is_it).or_else(by_number) {
            return value.clone();
        }
    }
    typed_value(schema, path, text)
}

/// What stands in brackets for a value: itself, unless it is a secret or may have one in it.
pub(super) fn visible(key: &Key, value: &Value) -> String {
    fn holds_table(value: &Value) -> bool {
        value.is_object() || value.as_array().is_some_and(|list| list.iter().any(holds_table))
    }
    if key.secret || holds_table(value) { "as it is".to_owned() } else { shown(&plain(value)) }
}

/// A value in the words in which it can be typed.
pub(super) fn plain(value: &Value) -> String {
    let bare = |text: &str| !text.is_empty() && text.trim() == text && text != "-" && !text.starts_with(['"', '\'']);
    let in_list = |entry: &Value| entry.as_str().is_some_and(|text| bare(text) && !text.contains([',', '[']));
    match value {
        Value::String(text) if bare(text) => text.clone(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Array(list) if !list.is_empty() && list.iter().all(in_list) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => literal(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::keys;

    fn schema() -> Value {
        json!({
            "required": ["url"],
            "properties": {
                "a_last": {"type": "string"},
                "url": {"type": "string"},
                "login": {"enum": ["basic", "token"], "default": "basic", "ask": 1},
                "user": {"type": "string", "ask": 2, "env_var": "TRACKER_USER", "depends_on": {"login": "basic"}},
                "token": {"type": "string", "writeOnly": true, "ask": 2, "depends_on": {"login": ["token"]}},
                "scope": {"type": "string", "depends_on": {"login": ["token", "other"]}},
                "on": {"type": ["boolean", "null"]},
                "fields": {"additionalProperties": {"type": "array", "items": {"type": "string"}}},
                "projects": {"additionalProperties": {"$ref": "#/$defs/project"}},
                "servers": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
                "commands": {"anyOf": [{"$ref": "#/$defs/project"}, {"type": "null"}]},
                "any": {"type": "object"},
            },
            "$defs": {"project": {"type": "object", "properties": {"names": {"type": "array", "items": {"type": "string"}}}}},
        })
    }

    fn asked(values: &Value) -> Vec<String> {
        let keys = keys(&schema());
        let mut asked = Vec::new();
        while let Some(key) = next(&keys, values.as_object().unwrap(), &asked) {
            asked.push(key.name.clone().unwrap());
        }
        asked
    }

    #[test]
    fn the_required_is_asked_first_then_what_the_schema_marks_and_the_answers_make_useful() {
        assert_eq!(asked(&json!({})), ["url", "login", "user"]);
        assert_eq!(asked(&json!({"login": "token"})), ["url", "login", "token"]);
        assert_eq!(asked(&json!({"login": "odd"})), ["url", "login"]);
        let offered = |values: Value| {
            let (keys, values) = (keys(&schema()), values.as_object().cloned().unwrap());
            offered(&keys, &values).iter().filter_map(|key| key.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(offered(json!({})), "url a_last any commands fields login on projects servers user");
        assert!(offered(json!({"login": "token"})).contains("scope"));
    }

    #[test]
    fn each_key_has_its_form() {
        let keys = keys(&schema());
        let of = |name: &str| form(find(&keys, &[name.to_owned()]).unwrap());
        assert!(matches!((of("url"), of("on"), of("token")), (Form::Line, Form::Flag, Form::Line)));
        assert!(matches!(of("login"), Form::Choice([_, _])));
        assert!(matches!(of("fields"), Form::Dictionary(entry) if form(entry) == Form::Commas));
        assert!(matches!(of("projects"), Form::Dictionary(entry) if matches!(form(entry), Form::Table([_]))));
        assert!(matches!(of("servers"), Form::List(_)));
        assert!(matches!(of("commands"), Form::Table([_])));
        assert!(matches!(of("any"), Form::Toml | Form::Table([])));
    }

    #[test]
    fn a_key_is_found_in_tables_dictionaries_and_lists() {
        let keys = keys(&schema());
        let found = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
            find(&keys, &path).map(|key| key.kind.clone())
        };
        assert_eq!(found(&["projects", "A b", "names"]).as_deref(), Some("list of strings"));
        assert_eq!(found(&["servers", "0", "id"]).as_deref(), Some("integer"));
        assert_eq!((found(&["odd"]), found(&["url", "x"]), found(&[])), (None, None, None));
    }

    #[test]
    fn a_choice_is_made_by_number_or_by_value_and_what_is_shown_can_be_typed() {
        let (schema, keys) = (schema(), keys(&schema()));
        let login = find(&keys, &["login".to_owned()]).unwrap();
        let means = |text| meaning(&schema, &KeyPath::from_iter(["login"]), login, text);
        assert_eq!((means("2"), means("basic"), means("7")), (json!("token"), json!("basic"), json!(7)));

        for (key, value) in [
            ("url", json!("project = '{project}' AND x in y(\"z\")")),
            ("url", json!(" a")),
            ("url", json!("-")),
            ("url", json!("\"x\"")),
            ("on", json!(true)),
            ("servers", json!([{"id": 1}])),
        ] {
            assert_eq!(typed_value(&schema, &KeyPath::from_iter([key]), &plain(&value)), value);
        }
        let names = KeyPath::from_iter(["commands", "names"]);
        for value in [json!(["title", "status"]), json!(["a, b"]), json!([])] {
            assert_eq!(typed_value(&schema, &names, &plain(&value)), value);
        }
    }
}
