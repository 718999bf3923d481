//! The checks, by subject. Each asks, and says what the contract wants where the answer is another.

pub(super) mod about;
pub(super) mod defects;
pub(super) mod fields;
pub(super) mod lists;
pub(super) mod read_only;
pub(super) mod sync;
pub(super) mod texts;
pub(super) mod threads;
pub(super) mod unknown;
