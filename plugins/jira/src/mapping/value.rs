//! What a value of an issue's field says, as text.

use serde_json::Value;

use crate::adf;

/// The text of any value: of a choice its name, of several their names with commas, of a document its text.
/// Nothing for what no person wrote, such as a sprint's own string.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        // Older Data Centers show the inside of a Java object.
        Value::String(text) if text.contains("com.atlassian.greenhopper") => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts = values.iter().map(text_of).filter(|text| !text.is_empty());
            texts.collect::<Vec<_>>().join(", ")
        }
        Value::Object(object) if object.get("type").is_some_and(|kind| kind == "doc") => adf::to_text(value),
        Value::Object(object) => {
            let own = ["displayName", "name", "value", "timeSpent", "key", "id"].iter().find_map(|key| {
                let own = object.get(*key)?;
                (!own.is_null() && !own.is_object()).then(|| text_of(own))
            });
            match (own, object.get("child")) {
                (Some(parent), Some(child)) if child.is_object() => format!("{parent} / {}", text_of(child)),
                (own, _) => own.unwrap_or_default(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn choices_are_their_names_and_lists_their_parts() {
        let texts = [
            (json!(null), ""),
            (json!("one line"), "one line"),
            (json!(2.5), "2.5"),
            (json!({ "self": "…", "name": "High", "id": "2" }), "High"),
            (json!({ "accountId": "5b1", "displayName": "Ann" }), "Ann"),
            (json!({ "value": "Europe", "child": { "value": "Spain" } }), "Europe / Spain"),
            (json!([{ "value": "Red" }, { "value": "Blue" }]), "Red, Blue"),
            (json!(["a", "b"]), "a, b"),
            (json!(["com.atlassian.greenhopper.service.sprint.Sprint@1[id=1]"]), ""),
            (json!({ "unknown": {} }), ""),
        ];
        for (value, text) in texts {
            assert_eq!(text_of(&value), text, "{value}");
        }
    }
}
