//! Web addresses in a line of text.

use serde_json::Value;

use super::node;

/// Appends the line's text nodes, the addresses in it as links.
pub(super) fn push_line(line: &str, content: &mut Vec<Value>) {
    let mut written = 0;
    let mut from = 0;
    while let Some((start, end)) = next_address(line, from) {
        from = end;
        if written < start {
            content.push(node::text(&line[written..start]));
        }
        content.push(node::link(&line[start..end]));
        written = end;
    }
    if written < line.len() {
        content.push(node::text(&line[written..]));
    }
}

/// Where the first address at or after `from` begins and ends.
fn next_address(line: &str, mut from: usize) -> Option<(usize, usize)> {
    loop {
        let scheme_end = from + line[from..].find("://")? + "://".len();
        let start = ["https://", "http://"]
            .iter()
            .find(|scheme| line[from..scheme_end].ends_with(**scheme))
            .map(|scheme| scheme_end - scheme.len());
        from = scheme_end;
        if let Some(start) = start
            && !line[..start].ends_with(char::is_alphanumeric)
        {
            let length = address_length(&line[scheme_end..]);
            if length > 0 {
                return Some((start, scheme_end + length));
            }
        }
    }
}

/// How much of `text` belongs to an address that it is the rest of: not the punctuation of the sentence around it.
fn address_length(text: &str) -> usize {
    let ends = |character: char| {
        character.is_whitespace() || character.is_control() || matches!(character, '<' | '>' | '"' | '`' | '|')
    };
    let text = &text[..text.find(ends).unwrap_or(text.len())];
    let mut unopened = text.matches(')').count().saturating_sub(text.matches('(').count());
    text.trim_end_matches(|character| match character {
        ')' if unopened > 0 => {
            unopened -= 1;
            true
        }
        '.' | ',' | ';' | ':' | '!' | '?' | '\'' | ']' | '}' | '*' => true,
        _ => false,
    })
    .len()
}
