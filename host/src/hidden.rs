//! Secrets that the program knows, kept out of what others say: a plugin, or a library that it uses, may put
//! its configuration's token into a log line, a panic or an error.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use crate::config::MASK;

/// Shorter ones are not looked for: they would be found in words that have nothing to do with them.
const SHORTEST: usize = 6;

/// Longest first, since one may be a part of another.
static SECRETS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// From now on, these are masked where something is logged or told.
pub(crate) fn hide(secrets: impl IntoIterator<Item = String>) {
    let mut known = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    known.extend(secrets.into_iter().filter(|secret| secret.chars().count() >= SHORTEST));
    known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    known.dedup();
}

/// The text without the secrets that are known.
pub(crate) fn masked(text: Cow<'_, str>) -> Cow<'_, str> {
    without(&SECRETS.read().unwrap_or_else(PoisonError::into_inner), text)
}

fn without<'a>(secrets: &[String], mut text: Cow<'a, str>) -> Cow<'a, str> {
    for secret in secrets {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), MASK).into();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_masked_and_short_secrets_are_left_alone() {
        hide(["hidden-secret", "hidden-secret-2", "abc"].map(str::to_owned));
        let text = "hidden-secret-2 hidden-secret abc hidden-secret";
        assert_eq!(masked(text.into()), "*** *** abc ***");
        assert!(matches!(masked("nothing".into()), Cow::Borrowed("nothing")));
    }
}
