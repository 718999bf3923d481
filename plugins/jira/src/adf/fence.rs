//! Code blocks: between two lines of the same number of backticks, the first one with the language.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::node::{node, text};

/// The least number of backticks.
const SHORTEST: usize = 3;

/// The lines that could end a code block. Asked for with growing line numbers only, so that a text full of fences that
/// nothing closes takes no more time than any other.
pub(super) struct Fences {
    /// By number of backticks, the last line first.
    lines: HashMap<usize, Vec<usize>>,
}

/// A code block in a text.
pub(super) struct Code {
    pub(super) node: Value,
    /// The line after its last one.
    pub(super) end: usize,
}

impl Fences {
    pub(super) fn of(lines: &[&str]) -> Self {
        let mut fences = HashMap::<_, Vec<_>>::new();
        for (number, line) in lines.iter().enumerate().rev() {
            if let Some((length, "")) = opening(line) {
                fences.entry(length).or_default().push(number);
            }
        }
        Self { lines: fences }
    }

    /// The code block that begins at line `start`, if one does that is written as [`fenced`] writes it.
    pub(super) fn block_at(&mut self, lines: &[&str], start: usize) -> Option<Code> {
        let (length, language) = opening(lines[start])?;
        let close = self.first_after(start, length)?;
        let end = close + 1;
        let stands_alone = lines.get(end).is_none_or(|line| line.is_empty());
        let as_short_as_can_be =
            (SHORTEST..length).all(|shorter| self.first_after(start, shorter).is_some_and(|line| line < close));
        let content = &lines[start + 1..close];
        // A document cannot tell one empty line from none.
        if !stands_alone || !as_short_as_can_be || content == [""] {
            return None;
        }
        Some(Code { node: code_block(language, content), end })
    }

    fn first_after(&mut self, start: usize, length: usize) -> Option<usize> {
        let lines = self.lines.get_mut(&length)?;
        while lines.last().is_some_and(|line| *line <= start) {
            lines.pop();
        }
        lines.last().copied()
    }
}

/// A line's backticks and the language after them.
fn opening(line: &str) -> Option<(usize, &str)> {
    let language = line.trim_start_matches('`');
    let length = line.len() - language.len();
    (length >= SHORTEST && is_language(language)).then_some((length, language))
}

fn is_language(text: &str) -> bool {
    !text.contains(|character: char| character.is_whitespace() || character == '`')
}

fn code_block(language: &str, lines: &[&str]) -> Value {
    let content = if lines.is_empty() { Vec::new() } else { vec![text(lines.join("\n"))] };
    let mut block = node("codeBlock", content);
    if !language.is_empty() {
        block.insert("attrs".to_owned(), json!({"language": language}));
    }
    Value::Object(block)
}

/// The code with the shortest fence that none of its lines is.
pub(super) fn fenced(language: &str, code: &str) -> String {
    let inside: HashSet<usize> =
        code.split('\n').filter_map(opening).filter(|(_, rest)| rest.is_empty()).map(|(length, _)| length).collect();
    let length = (SHORTEST..).find(|length| !inside.contains(length)).unwrap_or(SHORTEST);
    let fence = "`".repeat(length);
    let language = if is_language(language) { language } else { "" };
    let line_end = if code.is_empty() { "" } else { "\n" };
    format!("{fence}{language}\n{code}{line_end}{fence}")
}
