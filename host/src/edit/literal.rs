//! A JSON value as TOML writes it, on one line.

use serde_json::Value;
use toml_writer::{ToTomlKey, ToTomlValue, TomlStringBuilder};

/// Parsers of TOML refuse values that are nested too deep.
const MAX_DEPTH: usize = 16;

/// A text in quotes.
pub fn string(text: &str) -> String {
    // Not the shortest form: that may have several lines, of which only the first would be commented out.
    TomlStringBuilder::new(text).as_basic().to_toml_value()
}

/// A value on one line; `None` for what TOML cannot say. In a table, a key without a value is left out.
pub fn literal(value: &Value) -> Option<String> {
    within(value, MAX_DEPTH)
}

fn within(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_toml_value()),
        Value::Number(number) => match (number.as_i64(), number.is_u64()) {
            (Some(integer), _) => Some(integer.to_toml_value()),
            (None, true) => None,
            (None, false) => number.as_f64().map(|float| float.to_toml_value()),
        },
        Value::String(text) => Some(string(text)),
        Value::Array(list) => {
            let entries: Option<Vec<String>> = list.iter().map(|entry| within(entry, depth)).collect();
            Some(format!("[{}]", entries?.join(", ")))
        }
        Value::Object(table) => {
            let entries: Option<Vec<String>> = table
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Some(format!("{} = {}", name.to_toml_key(), within(value, depth)?)))
                .collect();
            let entries = entries?;
            Some(if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_on_one_line() {
        let value = json!({"a b": ["x\n\"y\"", 1, 1.5, true, {"c": null, "d": {}}], "e": -0.25});
        assert_eq!(
            literal(&value).unwrap(),
            format!(r#"{{ "a b" = ["x\n\"y\"", 1, 1.5, true, {{ d = {{}} }}], e = -0.25 }}"#)
        );
        assert_eq!(string("\u{7f}\u{1b}ä"), r#""\u007F\u001Bä""#);
    }

    #[test]
    fn what_toml_cannot_say_is_nothing() {
        let deep = (0..20).fold(json!(1), |value, _| json!([value]));
        for value in [json!(null), json!([null]), json!(u64::MAX), json!({"a": [null]}), deep] {
            assert_eq!(literal(&value), None, "{value}");
        }
    }
}
