//! What stands in a line: text, links, mentions and the like.

use chrono::DateTime;
use serde_json::Value;

use super::to_text::{DEEPEST, attribute, children, flat, kind};

/// The text of inline nodes, one after the other.
pub(super) fn inline(nodes: &[Value], depth: usize) -> String {
    let mut line = Line::default();
    line.push_all(nodes, depth);
    line.end_link();
    line.text
}

#[derive(Default)]
struct Line<'a> {
    text: String,
    /// The address of the link that is open, and where its text begins. It may be several nodes, in bold in part.
    link: Option<(&'a str, usize)>,
}

impl<'a> Line<'a> {
    fn push_all(&mut self, nodes: &'a [Value], depth: usize) {
        for node in nodes {
            let address = address(node);
            if self.link.map(|(open, _)| open) != address {
                self.end_link();
                self.link = address.map(|address| (address, self.text.len()));
            }
            self.push(node, depth);
        }
    }

    fn push(&mut self, node: &'a Value, depth: usize) {
        match kind(node) {
            "hardBreak" => self.text.push('\n'),
            "mention" => match attribute(node, "text") {
                Some(text) => self.text.push_str(text),
                None => self.text.extend(["@", attribute(node, "id").unwrap_or_default()]),
            },
            "date" => self.text.push_str(&day(node)),
            _ if depth > DEEPEST => self.text.push_str(&flat(node)),
            _ => match node["text"].as_str() {
                Some(text) => self.text.push_str(text),
                None if children(node).is_empty() => self.text.push_str(substitute(node)),
                None => self.push_all(children(node), depth + 1),
            },
        }
    }

    /// Says where the open link leads, unless its text does.
    fn end_link(&mut self) {
        if let Some((address, start)) = self.link.take()
            && bare(address) != bare(&self.text[start..])
        {
            self.text.extend([" (", address, ")"]);
        }
    }
}

/// An address without what people leave out when they write it.
fn bare(address: &str) -> &str {
    let address =
        ["https://", "http://", "mailto:"].iter().find_map(|scheme| address.strip_prefix(scheme)).unwrap_or(address);
    address.trim_end_matches('/')
}

fn address(node: &Value) -> Option<&str> {
    let link = node["marks"].as_array()?.iter().find(|mark| kind(mark) == "link")?;
    attribute(link, "href")
}

/// What to show for a node without children: an emoji, a status, a card, a picture.
pub(super) fn substitute(node: &Value) -> &str {
    let shown = ["text", "shortName", "url", "alt", "title"].iter().find_map(|name| attribute(node, name));
    match kind(node) {
        "media" | "mediaInline" => attribute(node, "alt").or(attribute(node, "url")).unwrap_or("[media]"),
        "inlineCard" | "blockCard" | "embedCard" => shown.or(node["attrs"]["data"]["url"].as_str()).unwrap_or_default(),
        _ => shown.unwrap_or_default(),
    }
}

/// The day of a date, which is in milliseconds; as it is if it is none.
fn day(node: &Value) -> String {
    let timestamp = &node["attrs"]["timestamp"];
    let text = timestamp.as_str().map_or_else(|| timestamp.to_string(), str::to_owned);
    let date = text.parse().ok().and_then(DateTime::from_timestamp_millis);
    date.map_or(text, |date| date.format("%Y-%m-%d").to_string())
}
