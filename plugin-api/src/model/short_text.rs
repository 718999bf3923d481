//! Fields that hold at most 255 characters: title, reporter, status, classification, priority and
//! the settings name.
//!
//! A longer text is not refused but cut to 252 characters and `...`, when it is read and when it is
//! written, so that neither a backend nor a test-management tool can send more. The unit is the
//! Unicode scalar value, as in the reference service.

use serde::{Deserialize, Deserializer, Serializer};

/// Characters that a short field holds at most.
pub const MAX_CHARACTERS: usize = 255;
const ELLIPSIS: &str = "...";

/// The text itself, or its beginning with `...` when it has more than [`MAX_CHARACTERS`].
#[must_use]
pub fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    // A text of at most 255 bytes has at most 255 characters: the usual case needs no counting.
    if text.len() <= MAX_CHARACTERS || text.char_indices().nth(MAX_CHARACTERS).is_none() {
        return text.into();
    }
    let kept = text.char_indices().nth(MAX_CHARACTERS - ELLIPSIS.len()).map_or(text.len(), |(at, _)| at);
    format!("{}{ELLIPSIS}", &text[..kept]).into()
}

pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&cut(text))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(match cut(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(shorter) => shorter,
    })
}

/// The same for a field that may be absent.
pub(super) mod optional {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` asks for")]
    pub(in super::super) fn serialize<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        match text {
            Some(text) => serializer.serialize_some(&super::cut(text)),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(|text| super::cut(&text).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn up_to_255_characters_stay_whole_whatever_their_bytes() {
        for character in ["a", "é", "漢", "🐞"] {
            let text = character.repeat(255);
            assert_eq!(cut(&text), text);
        }
    }

    #[test]
    fn a_longer_text_is_cut_to_252_characters_and_three_dots() {
        let cut_text = cut(&"🐞".repeat(256)).into_owned();
        assert_eq!(cut_text, format!("{}...", "🐞".repeat(252)));
        assert_eq!(cut(&cut_text), cut_text, "cutting twice changes nothing");
    }
}
