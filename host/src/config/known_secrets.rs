//! The secrets that a client's configuration holds.

use serde_json::Value;

use super::path::KeyPath;
use super::schema::Schema;
use super::secret::password_in_url;

/// The values that are secret by the schema or by the name of their key, and passwords in addresses, as texts.
#[must_use]
pub fn known_secrets(config: &Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(config, Schema::new(schema), &mut Vec::new(), &mut found);
    found
}

fn collect(value: &Value, schema: Schema<'_>, path: &mut Vec<String>, found: &mut Vec<String>) {
    let mut inner = |key: String, value: &Value| {
        path.push(key);
        collect(value, schema, path, found);
        path.pop();
    };
    match value {
        Value::Object(table) => table.iter().for_each(|(key, value)| inner(key.clone(), value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| inner(index.to_string(), value)),
        Value::String(_) | Value::Number(_) => {
            if schema.is_secret_at(&KeyPath::from_iter(path.iter())) {
                found.push(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            } else if let Some(password) = value.as_str().and_then(password_in_url) {
                found.push(password.to_owned());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_found_by_schema_and_by_name_at_any_depth() {
        let schema = json!({ "properties": {
            "pin": { "type": "integer", "writeOnly": true },
            "servers": { "items": { "properties": { "login": { "format": "password" }, "name": {} } } }
        } });
        let config = json!({
            "pin": 271828, "name": "open", "projects": { "a": { "api_token": "by name" } },
            "server": "https://user:in-url@host",
            "servers": [{ "login": "by schema", "name": "open", "tokens": ["one", true, null] }]
        });
        let mut found = known_secrets(&config, &schema);
        found.sort();
        assert_eq!(found, ["271828", "by name", "by schema", "in-url", "one"]);
    }
}
