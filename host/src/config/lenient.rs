//! Reads a value the way its schema wants it, where the person's meaning is clear.
//!
//! The same inputs as pydantic's lax mode accepts, so that a file of the Python service keeps its
//! meaning: `port = "8030"`, `debug = "on"`, `timeout = 5.0`. What does not convert stays as it is and
//! becomes a fault of the validation. One difference: `true` is not taken for the number 1.

use serde_json::{Number, Value};

use super::schema::Schema;

/// Converts `value` and all in it. With `comma_lists`, text becomes a list where one is wanted.
pub(super) fn coerce(value: &mut Value, schema: Schema<'_>, comma_lists: bool) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                if let Some(schema) = schema.property(key) {
                    coerce(value, schema, comma_lists);
                }
            }
        }
        Value::Array(list) => {
            if let Some(schema) = schema.items() {
                for value in list {
                    coerce(value, schema, comma_lists);
                }
            }
        }
        Value::String(text) if !schema.wants("string") => {
            if comma_lists && schema.wants("array") {
                let entries = text.split(',').map(str::trim);
                *value = entries.filter(|entry| !entry.is_empty()).collect();
                coerce(value, schema, comma_lists);
            } else if let Some(read) = from_text(text, schema) {
                *value = read;
            }
        }
        Value::Number(number) => {
            if let Some(read) = from_number(number, schema) {
                *value = read;
            }
        }
        _ => {}
    }
}

fn from_text(text: &str, schema: Schema<'_>) -> Option<Value> {
    let digits = text.trim().replace('_', "");
    let integer = || {
        let digits = digits
            .trim_end_matches('0')
            .strip_suffix('.')
            .unwrap_or(&digits);
        digits.parse::<i64>().ok().map(Value::from)
    };
    let number = || Number::from_f64(digits.parse().ok()?).map(Value::Number);
    let boolean = || match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(Value::Bool(true)),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(Value::Bool(false)),
        _ => None,
    };
    None.or_else(|| schema.wants("integer").then(integer).flatten())
        .or_else(|| schema.wants("number").then(number).flatten())
        .or_else(|| schema.wants("boolean").then(boolean).flatten())
}

fn from_number(number: &Number, schema: Schema<'_>) -> Option<Value> {
    let float = number.as_f64()?;
    if schema.wants("number") {
        None
    } else if schema.wants("integer") {
        // Up to 2^53 every whole float is exactly one integer.
        let whole =
            number.is_f64() && float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
        whole.then_some(Value::from(float as i64))
    } else if schema.wants("boolean") && (float == 0.0 || float == 1.0) {
        Some(Value::Bool(float == 1.0))
    } else {
        None
    }
}
