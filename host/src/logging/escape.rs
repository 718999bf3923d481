//! Keeps what others wrote, in a request or a plugin, from posing as something else in the log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` on one line: line breaks, control characters and marks that reorder text become visible.
/// A backslash stays as it is, for the sake of Windows paths.
pub(crate) fn escape(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceptive(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped.into()
}

/// JSON in which the same characters are escaped: some of them may stand in it as they are.
pub(super) fn escape_json(json: &str, line: &mut String) {
    for character in json.chars() {
        if is_deceptive(character) {
            // Only texts in it hold such characters; all have four digits at most.
            // Writing into a String cannot fail.
            let _ = write!(line, "\\u{:04x}", u32::from(character));
        } else {
            line.push(character);
        }
    }
}

fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}') // line and paragraph separator
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') // direction
}

/// The value of a field, in quotes when it could be taken for more than one value.
pub(super) fn quote(text: &str) -> Cow<'_, str> {
    let is_plain = !text.is_empty()
        && !text.contains(|character: char| character.is_whitespace() || matches!(character, '"' | '='));
    if is_plain || is_quoted(text) {
        return text.into();
    }
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"")).into()
}

/// Whether the text is one quoted string already, as `{:?}` writes a string.
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return false;
    };
    let mut escaped = false;
    for character in inner.chars() {
        match character {
            '"' if !escaped => return false,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn line_breaks_and_control_characters_become_visible() {
        assert_eq!(escape("a\r\nb\tc\0\u{7f}\u{85}\u{2028}".into()), r"a\r\nb\tc\u{0}\u{7f}\u{85}\u{2028}");
        assert_eq!(escape("abc\u{202e}cba".into()), r"abc\u{202e}cba");
        assert_eq!(escape(r"C:\data é ✓".into()), r"C:\data é ✓");
    }

    #[test]
    fn a_value_is_quoted_when_it_has_to_be() {
        for (text, quoted) in [
            ("plain", "plain"),
            (r"C:\data", r"C:\data"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a=b", "\"a=b\""),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#""debug \" output""#, r#""debug \" output""#),
            (r#""a" key="b""#, r#""\"a\" key=\"b\"""#),
            (r#""a\""#, r#""\"a\\\"""#),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    proptest! {
        /// Nobody can end the quotes and go on with a field of their own.
        #[test]
        fn quotes_end_where_the_value_ends(text in r#"["\\a= \n]{0,12}"#) {
            let quoted = quote(&text).into_owned();
            prop_assert!(is_quoted(&quoted) || !quoted.contains(['"', ' ', '=', '\n']));
        }
    }
}
