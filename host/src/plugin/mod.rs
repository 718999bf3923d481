//! A loaded plugin: from a library's file to a client that can be called.
//!
//! The only part of the host that names `abi_stable` or opens libraries. It knows nothing of
//! configuration files and nothing of HTTP.

mod client;
mod library;
mod log_bridge;
pub mod process;

pub use client::{Answer, CallError, Client, Moment, Rest};
pub use library::{Library, LoadError};
