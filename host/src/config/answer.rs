//! Values that a person types one by one, before they are in a file.

use serde_json::{Map, Value};

use super::{
    document::Section, fault::Fault, lenient::coerce, path::KeyPath, schema::Schema, service::ServiceConfig,
    validate::check,
};

/// What a typed text means as the value at `path` of the table that `schema` describes.
///
/// As in a `.properties` file: text as it is, commas between the entries of a list. Text in quotes, and what
/// begins with a bracket where no text is wanted, is read as TOML.
pub fn typed_value(schema: &Value, path: &KeyPath, text: &str) -> Value {
    let text = text.trim();
    let schema = Schema::new(schema).at(path);
    let wants_text = schema.is_some_and(|schema| schema.wants("string"));
    let in_toml = || {
        let table: toml::Table = format!("value = {text}").parse().ok()?;
        let (key, value) = table.into_iter().next()?;
        (key == "value").then(|| serde_json::to_value(value).ok()).flatten()
    };
    let quoted = text.len() > 1 && text.starts_with(['"', '\'']);
    let list = schema.is_some_and(|schema| schema.wants("array"));
    let toml = (quoted || !wants_text && (!list || text.starts_with('['))).then(in_toml).flatten();
    let mut value = toml.unwrap_or_else(|| Value::from(text));
    if let Some(schema) = schema {
        coerce(&mut value, schema, true);
    }
    value
}

/// What is wrong with the value at `path`, and with what is in it.
pub fn faults_at(schema: &Value, values: &Map<String, Value>, path: &KeyPath) -> Vec<Fault> {
    let (_, mut faults) = check(&Section::of_values(Value::Object(values.clone())), schema);
    faults.retain(|fault| fault.path.segments().starts_with(path.segments()));
    faults
}

/// What can be used of a service's table that may have faults: of a key that is at fault, the default.
pub fn sound_part(values: &Map<String, Value>) -> ServiceConfig {
    let schema = schemars::schema_for!(ServiceConfig).to_value();
    let (mut sound, faults) = check(&Section::of_values(Value::Object(values.clone())), &schema);
    if let Value::Object(table) = &mut sound {
        for key in faults.iter().filter_map(|fault| fault.path.segments().first()) {
            table.remove(key);
        }
    }
    serde_json::from_value(sound).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "required": ["url"],
            "additionalProperties": false,
            "properties": {
                "url": {"type": "string"},
                "port": {"type": "integer", "maximum": 65535},
                "on": {"type": ["boolean", "null"]},
                "names": {"type": "array", "items": {"type": "string"}},
                "servers": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
                "level": {"enum": ["low", "high"]},
                "any": {},
                "projects": {"additionalProperties": {"properties": {"token": {"type": "string", "writeOnly": true, "maxLength": 3}}}},
            },
        })
    }

    #[test]
    fn a_text_becomes_what_the_schema_wants() {
        let value = |key: &str, text: &str| typed_value(&schema(), &KeyPath::from_iter([key]), text);
        assert_eq!(value("url", " https://x/ "), json!("https://x/"));
        assert_eq!(value("url", "\"\""), json!(""));
        assert_eq!(value("url", "\"a\\tb\""), json!("a\tb"));
        assert_eq!(value("url", "\"Team\" = \"x\""), json!("\"Team\" = \"x\""));
        assert_eq!(value("url", "[1]"), json!("[1]"));
        assert_eq!((value("port", "8030"), value("port", "x")), (json!(8030), json!("x")));
        assert_eq!(
            (value("on", "y"), value("on", "no"), value("on", "true")),
            (json!(true), json!(false), json!(true))
        );
        assert_eq!(value("names", "a, b c,,"), json!(["a", "b c"]));
        assert_eq!(value("names", "[\"a, b\", \"c\"]"), json!(["a, b", "c"]));
        assert_eq!(value("servers", "[{ id = 1 }]"), json!([{"id": 1}]));
        assert_eq!(
            (value("level", "high"), value("any", "1.5"), value("any", "x y")),
            (json!("high"), json!(1.5), json!("x y"))
        );
    }

    #[test]
    fn a_fault_leaves_the_other_keys_as_they_are() {
        let values = json!({
            "prot": 1, "port": "many", "metrics_addr": "localhost", "server": {"keep_alive_timeout": 0},
            "plugin_dirs": ["own"], "debug": "on"
        });
        let sound = sound_part(values.as_object().unwrap());
        assert_eq!((sound.plugin_dirs, sound.debug), (vec!["own".into()], true));
        assert_eq!((sound.port, sound.metrics_addr, sound.server.keep_alive_timeout), (8030, None, 5));
    }

    #[test]
    fn only_the_faults_of_the_answer_are_told() {
        let values = json!({"port": 70_000, "level": "hihg", "projects": {"A b": {"token": "geheim"}}, "odd": 1});
        let at = |path: &[&str]| {
            let faults = faults_at(&schema(), values.as_object().unwrap(), &path.iter().copied().collect());
            faults.iter().map(Fault::sentence).collect::<Vec<_>>()
        };
        assert_eq!(at(&["port"]), ["`port` is out of range: expected at most 65535, found `70000`"]);
        assert_eq!(
            at(&["level"]),
            ["`level` has a value that is not allowed: expected `low` or `high`, found the string `hihg`"]
        );
        assert_eq!(at(&["url"]), ["missing key `url` in this file: expected the key `url`"]);
        assert_eq!(
            at(&["projects"]),
            ["`projects.\"A b\".token` is too long: expected at most 3 characters, found `***`"]
        );
        assert!(at(&["names"]).is_empty());
    }
}
