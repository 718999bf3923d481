//! What the end-to-end tests have in common: the real binary with real plugin libraries, each host on
//! a free port of loopback, in a folder of its own, with a cleared environment, killed when dropped.

#![expect(clippy::expect_used, reason = "what fails here is the failure of the test that called it")]

mod artifacts;
mod client;
mod document;
mod host;
mod lines;
mod masked;
mod raw;
mod reference;
mod sample;
mod skew;
mod terminal;

pub use artifacts::{Artifacts, aborting_library, api_version, artifacts, root, version_symbol};
pub use client::{Client, Response};
pub use document::Document;
pub use host::{CREDENTIALS, Cli, HostFolder, STORED, TestHost};
pub use masked::masked;
pub use raw::{Connection, Head, head_of};
pub use reference::{PythonService, python_tool};
pub use sample::defect_request;
pub use skew::{PLUGIN, Skewed};
pub use terminal::AtTerminal;
