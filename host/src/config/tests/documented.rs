//! docs/configuration.md has every key of the service's table.

use serde_json::Value;

use crate::config::ServiceConfig;

/// The keys of a schema's object and of the objects in it, through their `$ref`s.
fn keys(schema: &Value, root: &Value, found: &mut Vec<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        found.push(key.clone());
        let reference = property["$ref"].as_str().or_else(|| property["anyOf"][0]["$ref"].as_str());
        if let Some(inner) = reference.and_then(|reference| root.pointer(reference.trim_start_matches('#'))) {
            keys(inner, root, found);
        }
    }
}

#[test]
fn every_key_of_the_service_is_in_the_document() {
    let document = include_str!("../../../../docs/configuration.md");
    let schema = schemars::schema_for!(ServiceConfig).to_value();
    let mut found = Vec::new();
    keys(&schema, &schema, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for key in found {
        let named = [format!("`{key}`"), format!(".{key}]"), format!(".{key}`")];
        assert!(named.iter().any(|named| document.contains(named)), "`{key}` is not in docs/configuration.md");
    }
}
