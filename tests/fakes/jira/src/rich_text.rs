//! Rich text: ADF in v3, plain text in v2; Cloud keeps ADF and converts for v2.

use serde_json::{Map, Value, json};

/// Node types that this Jira takes. One that came in by [`crate::State::set_field`] may have others.
const NODES: [&str; 41] = [
    "blockCard",
    "blockquote",
    "bodiedExtension",
    "bulletList",
    "caption",
    "codeBlock",
    "date",
    "decisionItem",
    "decisionList",
    "embedCard",
    "emoji",
    "expand",
    "extension",
    "hardBreak",
    "heading",
    "inlineCard",
    "inlineExtension",
    "layoutColumn",
    "layoutSection",
    "listItem",
    "media",
    "mediaGroup",
    "mediaInline",
    "mediaSingle",
    "mention",
    "nestedExpand",
    "orderedList",
    "panel",
    "paragraph",
    "placeholder",
    "rule",
    "status",
    "table",
    "tableCell",
    "tableHeader",
    "tableRow",
    "taskItem",
    "taskList",
    "text",
    "blockTaskItem",
    "syncBlock",
];

/// Jira's words for a string where a document has to be.
pub(crate) const WANTED: &str = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";

/// Whether Jira would take the document: an outline of the schema, the schema itself is Atlassian's.
pub(crate) fn is_document(value: &Value) -> bool {
    let Some(document) = value.as_object() else { return false };
    document.keys().all(|key| ["version", "type", "content"].contains(&key.as_str()))
        && document.get("version") == Some(&json!(1))
        && document.get("type") == Some(&json!("doc"))
        && document.get("content").and_then(Value::as_array).is_some_and(|nodes| {
            nodes.iter().all(|node| node["type"] != "text" && node["type"] != "hardBreak" && is_node(node))
        })
}

fn is_node(value: &Value) -> bool {
    let Some(node) = value.as_object() else { return false };
    let known = ["type", "attrs", "content", "marks", "text"];
    let Some(kind) = node.get("type").and_then(Value::as_str) else { return false };
    let children = node.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = match kind {
        "text" => node.get("text").and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
        _ => !node.contains_key("text"),
    };
    let children_fit = match kind {
        "bulletList" | "orderedList" => {
            !children.is_empty() && children.iter().all(|child| child["type"] == "listItem")
        }
        "listItem" | "blockquote" | "panel" | "tableCell" => children.iter().all(|child| child["type"] != "text"),
        "codeBlock" => children.iter().all(|child| child["type"] == "text" && child.get("marks").is_none()),
        "heading" => node.get("attrs").is_some_and(|attrs| (1..=6).contains(&attrs["level"].as_i64().unwrap_or(0))),
        "mention" => node.get("attrs").is_some_and(|attrs| attrs["id"].is_string()),
        _ => true,
    };
    let marks_fit = node.get("marks").is_none_or(|marks| {
        marks
            .as_array()
            .is_some_and(|marks| marks.iter().all(|mark| mark["type"] != "link" || mark["attrs"]["href"].is_string()))
    });
    known_keys(node, &known)
        && NODES.contains(&kind)
        && text
        && children_fit
        && marks_fit
        && children.iter().all(is_node)
}

fn known_keys(node: &Map<String, Value>, known: &[&str]) -> bool {
    node.keys().all(|key| known.contains(&key.as_str()))
}

/// A document of plain text: a paragraph per blank line, a hard break per line.
pub(crate) fn document(text: &str) -> Value {
    let paragraphs: Vec<Value> = text
        .replace("\r\n", "\n")
        .split("\n\n")
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| {
            let mut nodes = Vec::new();
            for (index, line) in paragraph.split('\n').enumerate() {
                if index > 0 {
                    nodes.push(json!({"type": "hardBreak"}));
                }
                if !line.is_empty() {
                    nodes.push(json!({"type": "text", "text": line}));
                }
            }
            json!({"type": "paragraph", "content": nodes})
        })
        .collect();
    json!({"version": 1, "type": "doc", "content": paragraphs})
}

/// The text of a stored value: a document's, or the string itself.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let mut text = String::new();
            append(other, &mut text);
            text.trim_end_matches('\n').to_owned()
        }
    }
}

fn append(node: &Value, text: &mut String) {
    match node["type"].as_str() {
        Some("text") => text.push_str(node["text"].as_str().unwrap_or_default()),
        Some("hardBreak") => text.push('\n'),
        kind => {
            if kind == Some("listItem") {
                text.push_str("* ");
            }
            for child in node["content"].as_array().into_iter().flatten() {
                append(child, text);
            }
            match kind {
                Some("paragraph" | "heading" | "codeBlock") if !text.ends_with("\n\n") => text.push_str("\n\n"),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(content: Value) -> Value {
        json!({"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": content}]})
    }

    #[test]
    fn documents_of_text_come_back() {
        for text in ["one", "one\ntwo", "one\n\ntwo", ""] {
            let document = document(text);
            assert!(is_document(&document), "{document}");
            assert_eq!(plain(&document), text);
        }
    }

    #[test]
    fn what_the_schema_forbids_is_no_document() {
        let text = json!({"type": "text", "text": "x"});
        assert!(is_document(&paragraph(json!([text]))));
        for document in [
            json!("text"),
            json!({"type": "doc", "content": []}),
            json!({"version": 1, "type": "doc"}),
            json!({"version": 1, "type": "doc", "content": [text]}),
            json!({"version": 1, "type": "doc", "content": [{"type": "hologram"}]}),
            json!({"version": 1, "type": "doc", "content": [{"type": "bulletList", "content": []}]}),
            paragraph(json!([{"type": "text", "text": ""}])),
            paragraph(json!([{"type": "mention", "attrs": {}}])),
            paragraph(json!([{"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {}}]}])),
        ] {
            assert!(!is_document(&document), "{document}");
        }
    }
}
