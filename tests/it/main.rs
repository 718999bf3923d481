//! End-to-end tests of the real binary with real plugin libraries.

mod serving;
