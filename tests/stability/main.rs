//! What plugins and hosts of one major version rely on: the types of the boundary, and the bytes that
//! cross it. Both are kept in files; who changes them is told what that means and what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here is the failure of a test")]

mod client;
mod frames;
mod golden;
mod history;
mod layout;
mod library;
mod operations;
