//! Lists: lines that begin with `- `, `* ` or a number and `. `, nested by indentation.

use serde_json::{Value, json};

use super::link;
use super::node::{hard_break, node, paragraph};

/// How deep lists may be nested. Atlassian's editor lets nobody nest deeper.
const DEEPEST: usize = 6;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dash,
    Star,
    Ordered,
}

/// What a line of a list begins with.
struct Marker {
    kind: Kind,
    number: u32,
    /// Bytes of the spaces before it.
    indent: usize,
    /// Bytes up to the item's text.
    text: usize,
}

impl Marker {
    fn of(line: &str) -> Option<Self> {
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        let marker = |kind, number, width| Self { kind, number, indent, text: indent + width };
        if rest.starts_with("- ") {
            return Some(marker(Kind::Dash, 0, 2));
        }
        if rest.starts_with("* ") {
            return Some(marker(Kind::Star, 0, 2));
        }
        let (digits, _) = rest.split_once(". ")?;
        let canonical = digits == "0" || !digits.starts_with(['0', '+']);
        let number = digits.parse().ok().filter(|_| canonical)?;
        Some(marker(Kind::Ordered, number, digits.len() + 2))
    }
}

/// A list that is not complete yet, with the item that the next lines may belong to.
struct Open {
    marker: Marker,
    first_number: u32,
    items: Vec<Value>,
    text: Vec<Value>,
    nested: Option<Value>,
}

impl Open {
    fn new(marker: Marker, line: &str) -> Self {
        let mut text = Vec::new();
        link::push_line(&line[marker.text..], &mut text);
        Self { first_number: marker.number, marker, items: Vec::new(), text, nested: None }
    }

    fn next_item(&mut self, marker: Marker, line: &str) -> Option<()> {
        let next_number = if marker.kind == Kind::Ordered { self.marker.number.checked_add(1)? } else { 0 };
        if marker.kind != self.marker.kind || marker.number != next_number {
            return None;
        }
        self.end_item();
        link::push_line(&line[marker.text..], &mut self.text);
        self.marker = marker;
        Some(())
    }

    fn end_item(&mut self) {
        let mut content = vec![paragraph(std::mem::take(&mut self.text))];
        content.extend(self.nested.take());
        self.items.push(Value::Object(node("listItem", content)));
    }

    fn into_node(mut self) -> Value {
        self.end_item();
        let ordered = self.marker.kind == Kind::Ordered;
        let mut list = node(if ordered { "orderedList" } else { "bulletList" }, self.items);
        if ordered && self.first_number != 1 {
            list.insert("attrs".to_owned(), json!({"order": self.first_number}));
        }
        Value::Object(list)
    }
}

/// The list that all of these lines make, or `None` when one of them has no place in it.
pub(super) fn parse(lines: &[&str]) -> Option<Value> {
    let mut open: Vec<Open> = Vec::new();
    for line in lines {
        let Some(marker) = Marker::of(line) else {
            let innermost = open.last_mut()?;
            let (indent, text) = line.split_at_checked(innermost.marker.text)?;
            if !indent.bytes().all(|byte| byte == b' ') {
                return None;
            }
            innermost.text.push(hard_break());
            link::push_line(text, &mut innermost.text);
            continue;
        };
        while open.last().is_some_and(|list| list.marker.indent > marker.indent) {
            close_innermost(&mut open);
        }
        let levels = open.len();
        match open.last_mut() {
            Some(list) if list.marker.indent == marker.indent => list.next_item(marker, line)?,
            // Left of where the list began that was closed just now: belongs to neither.
            Some(list) if list.nested.is_some() => return None,
            None if marker.indent > 0 => return None,
            _ if levels == DEEPEST => return None,
            _ => open.push(Open::new(marker, line)),
        }
    }
    while open.len() > 1 {
        close_innermost(&mut open);
    }
    open.pop().map(Open::into_node)
}

/// Ends the innermost list, which becomes part of the item around it. Of the outermost nothing is left.
fn close_innermost(open: &mut Vec<Open>) {
    if let Some(list) = open.pop()
        && let Some(around) = open.last_mut()
    {
        around.nested = Some(list.into_node());
    }
}
