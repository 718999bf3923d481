//! Remembers which credentials were right or wrong, without remembering the credentials.

use std::collections::{HashSet, VecDeque};
use std::sync::{PoisonError, RwLock};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How many refused credentials are remembered.
const REFUSED_LIMIT: usize = 1_024;

/// What stands for a user name and password: useless without the key of this process.
pub type Tag = [u8; 32];

/// The verdicts on recently seen credentials. Readers share the lock and hold it for one comparison.
pub(super) struct CredentialCache {
    /// Has taken in the key, which is the same for all tags.
    keyed: Hmac<Sha256>,
    accepted: RwLock<Option<Tag>>,
    refused: RwLock<Refused>,
}

/// The newest [`REFUSED_LIMIT`] refused tags. Looked up without constant time: nobody outside can
/// choose or predict a tag, so how long the look-up takes tells nothing.
#[derive(Default)]
struct Refused {
    known: HashSet<Tag>,
    oldest_first: VecDeque<Tag>,
}

impl CredentialCache {
    /// An empty cache with a key of its own.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 64];
        getrandom::fill(&mut key)?;
        Ok(Self { keyed: Hmac::new(&key.into()), accepted: RwLock::default(), refused: RwLock::default() })
    }

    /// The tag of these credentials. The length of the name goes in first, so that no other split into
    /// name and password, whatever bytes they hold, has the same tag.
    pub(super) fn tag(&self, username: &str, password: &str) -> Tag {
        let mut mac = self.keyed.clone();
        mac.update(&(username.len() as u64).to_le_bytes());
        mac.update(username.as_bytes());
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The remembered verdict, or `None` when these credentials have to be verified.
    pub(super) fn verdict(&self, tag: &Tag) -> Option<bool> {
        let accepted = *self.accepted.read().unwrap_or_else(PoisonError::into_inner);
        if accepted.is_some_and(|accepted| accepted.ct_eq(tag).into()) {
            return Some(true);
        }
        let refused = self.refused.read().unwrap_or_else(PoisonError::into_inner);
        refused.known.contains(tag).then_some(false)
    }

    /// Remembers a verdict. A service has one user: of the right credentials only the last are kept.
    pub(super) fn remember(&self, tag: Tag, accepted: bool) {
        if accepted {
            *self.accepted.write().unwrap_or_else(PoisonError::into_inner) = Some(tag);
        } else {
            self.refused.write().unwrap_or_else(PoisonError::into_inner).insert(tag);
        }
    }
}

impl Refused {
    fn insert(&mut self, tag: Tag) {
        if !self.known.insert(tag) {
            return;
        }
        self.oldest_first.push_back(tag);
        if self.oldest_first.len() > REFUSED_LIMIT
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_never_seen_has_no_verdict() {
        let cache = CredentialCache::new().unwrap();
        assert_eq!(cache.verdict(&cache.tag("a", "b")), None);
    }

    #[test]
    fn the_oldest_refused_credentials_make_room_for_the_newest() {
        let cache = CredentialCache::new().unwrap();
        let tags: Vec<Tag> = (0..=REFUSED_LIMIT).map(|n| cache.tag("user", &n.to_string())).collect();
        for tag in &tags {
            cache.remember(*tag, false);
            cache.remember(*tag, false); // twice counts once
        }
        assert_eq!(cache.verdict(&tags[0]), None);
        assert!(tags[1..].iter().all(|tag| cache.verdict(tag) == Some(false)));
        let refused = cache.refused.read().unwrap();
        assert_eq!((refused.known.len(), refused.oldest_first.len()), (REFUSED_LIMIT, REFUSED_LIMIT));
    }

    #[test]
    fn refused_credentials_do_not_push_out_the_accepted_ones() {
        let cache = CredentialCache::new().unwrap();
        let right = cache.tag("user", "right");
        cache.remember(right, true);
        for n in 0..2 * REFUSED_LIMIT {
            cache.remember(cache.tag("user", &n.to_string()), false);
        }
        assert_eq!(cache.verdict(&right), Some(true));
    }

    #[test]
    fn every_process_has_its_own_tags() {
        let (one, other) = (CredentialCache::new().unwrap(), CredentialCache::new().unwrap());
        assert_ne!(one.tag("a", "b"), other.tag("a", "b"));
    }

    proptest! {
        #[test]
        fn two_splits_of_one_text_have_two_tags(text in "[a-c\0]{2,12}", first in 0usize..12, second in 0usize..12) {
            let cache = CredentialCache::new().unwrap();
            let (first, second) = (first.min(text.len()), second.min(text.len()));
            let tag = |at: usize| cache.tag(&text[..at], &text[at..]);
            prop_assert_eq!(tag(first) == tag(second), first == second);
        }
    }
}
