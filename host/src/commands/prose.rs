//! A plugin's texts on lines of a width. They are the author's: nothing in them may pose as something
//! else on a terminal, or break out of a comment.

use textwrap::Options;

use crate::logging::escape;

/// Lines longer than this are hard to read, however wide the terminal is.
const MAX_WIDTH: usize = 100;

/// The paragraphs and list entries of a text, each without line breaks.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines().map(str::trim) {
        let begins_entry = line.starts_with(['-', '*', '|', '#']);
        match paragraphs.last_mut() {
            Some(last) if goes_on && !begins_entry && !line.is_empty() => {
                last.push(' ');
                last.push_str(line);
            }
            _ if line.is_empty() => {}
            _ => paragraphs.push(line.to_owned()),
        }
        goes_on = !line.is_empty();
    }
    paragraphs
}

/// A text of several paragraphs, wrapped; each line begins with `indent`.
pub(super) fn wrapped(text: &str, indent: &str, width: usize) -> Vec<String> {
    let paragraphs = paragraphs(text).into_iter();
    paragraphs.flat_map(|paragraph| wrapped_line(&paragraph, indent, indent, width)).collect()
}

/// One paragraph, wrapped; its first line begins with `first`, the others with `others`.
pub(super) fn wrapped_line(paragraph: &str, first: &str, others: &str, width: usize) -> Vec<String> {
    let options = Options::new(width.min(MAX_WIDTH)).initial_indent(first).subsequent_indent(others).break_words(false);
    let tabs = paragraph.replace('\t', " ");
    textwrap::wrap(&shown(&tabs), options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A text as it can be shown on one line.
pub(super) fn shown(text: &str) -> String {
    escape(text.into()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_list_entries_are_wrapped_each_for_itself() {
        let text = "One sentence that\ngoes on and on.\n\nAnother one:\n- first\n- second, which\n  is longer\n";
        assert_eq!(
            wrapped(text, "  ", 24),
            [
                "  One sentence that goes",
                "  on and on.",
                "  Another one:",
                "  - first",
                "  - second, which is",
                "  longer"
            ]
        );
        assert!(wrapped(" \n\t", "", 80).is_empty());
    }

    #[test]
    fn what_could_pose_as_something_else_is_made_visible() {
        assert_eq!(wrapped("a\u{1b}[2Jb\rc\td\u{202e}e", "# ", 80), [r"# a\u{1b}[2Jb\rc d\u{202e}e"]);
    }
}
