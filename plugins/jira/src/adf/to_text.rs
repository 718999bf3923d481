use serde_json::Value;

use super::fence::fenced;
use super::inline::{inline, substitute};

/// How many nodes may be inside one another. Deeper ones lose their structure, not their text.
pub(super) const DEEPEST: usize = 64;

/// The text of a document, in the normal form. Never fails: of a node that is not known its children are shown, and
/// what is no document at all is shown as far as it has text.
pub(crate) fn to_text(document: &Value) -> String {
    let text = match document {
        Value::String(text) => text.clone(),
        Value::Array(nodes) => blocks(nodes, 0).join("\n\n"),
        node => block(node, 0).unwrap_or_default(),
    };
    text.trim_matches('\n').to_owned()
}

pub(super) fn kind(node: &Value) -> &str {
    node["type"].as_str().unwrap_or_default()
}

pub(super) fn children(node: &Value) -> &[Value] {
    node["content"].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn attribute<'a>(node: &'a Value, name: &str) -> Option<&'a str> {
    node["attrs"][name].as_str().filter(|text| !text.is_empty())
}

/// The texts of blocks. Inline nodes that stand among blocks, in nodes that are not known, are a paragraph together.
fn blocks(nodes: &[Value], depth: usize) -> Vec<String> {
    nodes
        .chunk_by(|one, other| is_inline(one) && is_inline(other))
        .filter_map(|chunk| if is_inline(&chunk[0]) { Some(inline(chunk, depth)) } else { block(&chunk[0], depth) })
        .collect()
}

fn is_inline(node: &Value) -> bool {
    matches!(
        kind(node),
        "text"
            | "hardBreak"
            | "mention"
            | "emoji"
            | "date"
            | "status"
            | "inlineCard"
            | "placeholder"
            | "mediaInline"
            | "inlineExtension"
    )
}

/// The text of one block, `None` when there is nothing to show.
fn block(node: &Value, depth: usize) -> Option<String> {
    if depth > DEEPEST {
        return Some(flat(node)).filter(|text| !text.is_empty());
    }
    let content = children(node);
    let depth = depth + 1;
    let text = match kind(node) {
        "paragraph" | "heading" | "taskItem" | "decisionItem" | "caption" => inline(content, depth),
        "codeBlock" => fenced(attribute(node, "language").unwrap_or_default(), &inline(content, depth)),
        "bulletList" | "decisionList" => list(content, |_| "- ".to_owned(), depth),
        "orderedList" => {
            let first = node["attrs"]["order"].as_u64().unwrap_or(1);
            list(content, |index| format!("{}. ", first.saturating_add(index)), depth)
        }
        "taskList" => list(content, |index| task_marker(content, index), depth),
        "table" => content.iter().filter_map(|row| block(row, depth)).collect::<Vec<_>>().join("\n"),
        "tableRow" => content.iter().map(|cell| in_one_line(cell, depth)).collect::<Vec<_>>().join(" | "),
        "rule" => "---".to_owned(),
        "expand" | "nestedExpand" => {
            let mut texts = blocks(content, depth);
            texts.splice(0..0, attribute(node, "title").map(str::to_owned));
            texts.join("\n\n")
        }
        "doc" => blocks(content, depth).join("\n\n"),
        _ if content.is_empty() => {
            let text = node["text"].as_str().unwrap_or_else(|| substitute(node));
            return Some(text.to_owned()).filter(|text| !text.is_empty());
        }
        _ => blocks(content, depth).join("\n\n"),
    };
    Some(text)
}

/// Items below one another, each with its marker and its further lines below its text.
fn list(items: &[Value], marker: impl Fn(u64) -> String, depth: usize) -> String {
    let lines = items.iter().zip(0..).map(|(item, index)| {
        let marker = marker(index);
        let text = match kind(item) {
            "listItem" | "blockTaskItem" => blocks(children(item), depth + 1).join("\n"),
            _ => block(item, depth).unwrap_or_default(),
        };
        let line_end = format!("\n{}", " ".repeat(marker.len()));
        marker + &text.replace('\n', &line_end)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A list of tasks may hold further ones, which are no tasks themselves.
fn task_marker(items: &[Value], index: u64) -> String {
    let item = usize::try_from(index).ok().and_then(|index| items.get(index)).unwrap_or(&Value::Null);
    match (kind(item), attribute(item, "state")) {
        ("taskList", _) => "    ",
        (_, Some("DONE")) => "[x] ",
        _ => "[ ] ",
    }
    .to_owned()
}

fn in_one_line(cell: &Value, depth: usize) -> String {
    block(cell, depth)
        .unwrap_or_default()
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// All text in a node, one after the other. Needs no stack for nodes inside nodes.
pub(super) fn flat(node: &Value) -> String {
    let mut text = String::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match (node["text"].as_str(), children(node)) {
            (Some(own), _) => text.push_str(own),
            (None, []) => text.push_str(if kind(node) == "hardBreak" { "\n" } else { substitute(node) }),
            (None, nodes) => open.extend(nodes.iter().rev()),
        }
    }
    text
}
