//! End-to-end tests of the real binary with real plugin libraries.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here is the failure of the test")]

mod documents;
mod serving;
