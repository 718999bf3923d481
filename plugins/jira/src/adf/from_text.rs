use serde_json::{Map, Value};

use super::fence::Fences;
use super::link;
use super::list;
use super::node::{hard_break, paragraph};

/// Makes a document of a text. Never fails; what looks like markup but is not stays text.
///
/// Blocks are what blank lines separate: a list of `- `, `* ` or `1. ` items, code between lines of three or more
/// backticks, or else a paragraph, in which a line end is a line break. Addresses that begin with `http://` or
/// `https://` are links. Nothing becomes a mention: that would notify people whom nobody meant.
///
/// Takes time in proportion to the text, and 1 to 2 KiB of memory for each line and each link: refuse what is longer
/// than Jira takes before.
pub(crate) fn from_text(text: &str) -> Value {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim_matches('\n');
    let content = if text.is_empty() { Vec::new() } else { blocks(&text.split('\n').collect::<Vec<_>>()) };
    let mut document =
        Map::from_iter([("version".to_owned(), Value::from(1)), ("type".to_owned(), Value::from("doc"))]);
    document.insert("content".to_owned(), Value::Array(content));
    Value::Object(document)
}

/// `lines` begin and end with one that is not empty.
fn blocks(lines: &[&str]) -> Vec<Value> {
    let mut fences = Fences::of(lines);
    let mut blocks = Vec::new();
    let mut start = 0;
    loop {
        let (mut block, end) = match fences.block_at(lines, start) {
            Some(code) => (Block::Other(code.node), code.end),
            None => {
                // The first line may be an empty one that was left over, see below.
                let length = lines[start + 1..].iter().take_while(|line| !line.is_empty()).count() + 1;
                (paragraph_or_list(&lines[start..start + length]), start + length)
            }
        };
        // Blocks are separated by one empty line. Two more are an empty paragraph. A single one more ends the
        // paragraph before with a line break, or, after a list or code, begins the next block, a paragraph then.
        let more = lines[end..].iter().take_while(|line| line.is_empty()).count().saturating_sub(1);
        let mut single = more % 2;
        if let (Block::Paragraph(content), 1) = (&mut block, single) {
            content.push(hard_break());
            single = 0;
        }
        blocks.push(block.into_node());
        blocks.extend(std::iter::repeat_with(|| paragraph(Vec::new())).take(more / 2));
        if end == lines.len() {
            return blocks;
        }
        start = end + 1 + more - single;
    }
}

enum Block {
    Paragraph(Vec<Value>),
    Other(Value),
}

impl Block {
    fn into_node(self) -> Value {
        match self {
            Self::Paragraph(content) => paragraph(content),
            Self::Other(node) => node,
        }
    }
}

fn paragraph_or_list(lines: &[&str]) -> Block {
    if let Some(list) = list::parse(lines) {
        return Block::Other(list);
    }
    let mut content = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            content.push(hard_break());
        }
        link::push_line(line, &mut content);
    }
    Block::Paragraph(content)
}
