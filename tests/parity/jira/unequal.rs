//! Where two JSON values differ, in lines that people can read.

use std::collections::BTreeSet;

use serde_json::Value;

/// One line for each place where they differ.
pub(super) fn places(python: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", python, ours, &mut found);
    found
}

fn walk(path: &str, python: &Value, ours: &Value, found: &mut Vec<String>) {
    match (python, ours) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
                let absent = Value::String("(absent)".to_owned());
                let [one, other] = [one, other].map(|members| members.get(key).unwrap_or(&absent));
                walk(&format!("{path}.{key}"), one, other, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                walk(&format!("{path}.{at}"), one, other, found);
            }
        }
        _ if python != ours => found.push(format!("{path}: {python} / {ours}")),
        _ => {}
    }
}
