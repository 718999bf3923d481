//! The nodes of the documents that are written.

use serde_json::{Map, Value, json};

/// A node with `content`, or without any.
///
/// Moves what `json!` would copy, at every level anew.
pub(super) fn node(kind: &str, content: Vec<Value>) -> Map<String, Value> {
    let mut node = Map::new();
    node.insert("type".to_owned(), Value::from(kind));
    if !content.is_empty() {
        node.insert("content".to_owned(), Value::Array(content));
    }
    node
}

pub(super) fn paragraph(content: Vec<Value>) -> Value {
    Value::Object(node("paragraph", content))
}

pub(super) fn hard_break() -> Value {
    Value::Object(node("hardBreak", Vec::new()))
}

/// `text` must not be empty.
pub(super) fn text(text: impl Into<String>) -> Value {
    let mut node = node("text", Vec::new());
    node.insert("text".to_owned(), Value::String(text.into()));
    Value::Object(node)
}

/// An address that is a link to itself.
pub(super) fn link(address: &str) -> Value {
    let mut node = text(address);
    node["marks"] = json!([{"type": "link", "attrs": {"href": address}}]);
    node
}
