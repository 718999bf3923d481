//! Values in reports: readable, and of bounded length.

use std::fmt::Write as _;

/// What is shown of a long value: its beginning and its end.
const BEGINNING: usize = 400;
const END: usize = 120;

/// A text, its middle left out when it is long.
pub(super) fn text(text: &str) -> String {
    let count = text.chars().count();
    let mut shown = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == BEGINNING && count > BEGINNING + END {
            let _ = write!(shown, " [… {} characters …] ", count - BEGINNING - END);
        }
        if at < BEGINNING || at + END >= count || count <= BEGINNING + END {
            // A report is read in a terminal: what is invisible there, or changes its lines, is spelled out.
            match character {
                '\n' => shown.push(character),
                _ if character.is_control() || is_invisible(character) => shown.extend(character.escape_unicode()),
                _ => shown.push(character),
            }
        }
    }
    shown
}

/// Marks of direction, byte order and joining.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Where two texts part, for two that differ.
pub(super) fn difference(sent: &str, got: &str) -> String {
    let same = sent.chars().zip(got.chars()).take_while(|(sent, got)| sent == got).count();
    let from = |text: &str| {
        let rest: String = text.chars().skip(same).take(24).collect();
        if rest.is_empty() { "the end".to_owned() } else { format!("`{}`", rest.escape_default()) }
    };
    format!("from character {same} on {} was sent and {} came back", from(sent), from(got))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_loses_its_middle_and_no_more() {
        let exactly = "x".repeat(BEGINNING + END);
        assert_eq!(text(&exactly), exactly);
        let shown = text(&format!("{exactly}é"));
        assert!(shown.contains("x [… 1 characters …] x") && shown.ends_with("xé"), "{shown}");
        assert_eq!(text("a\u{1}\u{202e}b\nc"), "a\\u{1}\\u{202e}b\nc");
    }

    #[test]
    fn a_difference_is_shown_from_where_it_begins() {
        assert_eq!(difference("abc", "abd"), "from character 2 on `c` was sent and `d` came back");
        assert_eq!(difference("a\n", "a"), "from character 1 on `\\n` was sent and the end came back");
    }
}
